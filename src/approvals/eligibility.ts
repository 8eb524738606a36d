// Who may answer a hold: somebody whom its step asks for, never the proposer, and nobody twice.

import type { ErrorCode } from "../core/errors.ts";
import type { Answerer, Approval, Asks, Independence } from "../wire/types/approvals.ts";
import { fits } from "./quorum.ts";

/** Whoever asked for the action, as far as others have to be independent of them. */
export type Proposer = {
  readonly id: string;
  readonly kind: "agent" | "person" | "system";
  /** The human behind the proposer, when there is one. */
  readonly person: string | null;
  /** For whom it acts: as little independent of it as itself. */
  readonly actsFor?: readonly Somebody[];
  readonly owner: string | null;
  readonly models: readonly string[];
};

export type HoldToAnswer = { readonly asks: Asks; readonly proposer: Proposer };

/** Why somebody may not answer. */
export type Ineligible = Extract<ErrorCode, "self-approval" | "not-eligible" | "already-answered">;

/**
 * The error code that keeps this identity from answering, or null when it may. The person counts, not the login: two
 * identities of one person are one, whoever of them proposed or answered before.
 */
export function checkEligible(hold: HoldToAnswer, answerer: Approval): Ineligible | null {
  const { asks, proposer } = hold;
  if ([proposer, ...(proposer.actsFor ?? [])].some((one) => isSame(answerer, one))) return "self-approval";
  if (!asks.seats.some((seats) => fits(seats, answerer))) return "not-eligible";
  return isIndependent(answerer, proposer, asks.independentOf) ? null : "not-eligible";
}

/** As `checkEligible`, for an approval beside those that the hold has already. */
export function checkApproval(
  hold: HoldToAnswer & { readonly approvals: readonly Approval[] },
  answerer: Approval,
): Ineligible | null {
  const problem = checkEligible(hold, answerer);
  if (problem !== null) return problem;
  if (hold.approvals.some((one) => isSame(answerer, one))) return "already-answered";
  const { independentOf } = hold.asks;
  const isAlone = hold.approvals.every((one) => isIndependent(answerer, one, independentOf));
  return isAlone ? null : "not-eligible";
}

export type Somebody = Pick<Proposer, "id" | "person">;

/** One identity, or one human. */
export function isSame(a: Somebody, b: Somebody): boolean {
  return a.id === b.id || (a.person !== null && a.person === b.person);
}

type Origin = Pick<Proposer, "id" | "kind" | "person" | "owner" | "models">;

/**
 * Two people are independent by being two, unless one owns the other's agent. Of agents whose owner or models are not
 * known nobody can say that they are.
 */
function isIndependent(a: Origin, b: Origin, of: readonly Independence[]): boolean {
  if (of.includes("owner") && (isOwner(a, b) || isOwner(b, a))) return false;
  if (a.kind !== "agent" || b.kind !== "agent") return true;
  if (of.includes("owner") && (a.owner === null || b.owner === null || a.owner === b.owner)) return false;
  if (!of.includes("model")) return true;
  if (a.models.length === 0 || b.models.length === 0) return false;
  return !a.models.some((model) => b.models.includes(model));
}

function isOwner(a: Origin, b: Origin): boolean {
  return b.owner !== null && (b.owner === a.id || (a.person !== null && b.owner === `person:${a.person}`));
}

/**
 * The approvals that still count, as the identities are registered now: those who are gone do not, and roles that were
 * taken away since fill no seat. Whoever speaks for another human now than then is somebody else.
 */
export function stillStanding(approvals: readonly Approval[], present: readonly Answerer[]): readonly Approval[] {
  const standing: Approval[] = [];
  for (const approval of approvals) {
    const now = present.find(({ id }) => id === approval.id);
    if (now === undefined || now.kind !== approval.kind || now.person !== approval.person) continue;
    standing.push({ ...approval, roles: approval.roles.filter((role) => now.roles.includes(role)) });
  }
  return standing;
}
