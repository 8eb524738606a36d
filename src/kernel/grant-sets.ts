// Bounded grants: so many actions of an agent that need not be asked about one by one, because the people of that route
// have agreed to all of them.
//
//   grant.create, approved by the route's own people ─► active ──count or size used up──► nothing more goes under it
//                                                         ├──its time is over──► expired
//                                                         └──taken back, or its agent revoked──► revoked, calls included
//
// It stands for the holds of that route and for nothing else: what policy refuses stays refused, limits count, and a plan
// that needs a signature of its own gets one.

import { countQuorum } from "../approvals/quorum.ts";
import { coversKind } from "../core/kind-pattern.ts";
import { readGrantSet } from "../wire/schemas/grant-set.ts";
import type { GrantSetScope } from "../wire/types/grant-set.ts";
import type { Evaluation, Verdict } from "../wire/types/verdict.ts";
import type { Consent } from "./hold-state.ts";
import { LIMITS, TERMS } from "./limits.ts";
import type { Action, State } from "./state.ts";
import type { ActivePolicy } from "./transaction.ts";

export type GrantSet = GrantSetScope & {
  readonly id: string;
  /** The `grant.create` that asked for it. */
  readonly action: string;
  readonly consent: Consent;
  readonly usedCount: number;
  readonly usedSize: number;
};

/** What an action takes of a bounded grant. */
export type Spent = { readonly grant: string; readonly size: number };

type At = { readonly state: State; readonly now: number };

/** Why a `grant.create` is not even asked about; null where nothing speaks against it. */
export function whySetRefused({ state, now }: At, action: Action): string | null {
  const { agent, agentKind, operand } = action;
  const scope = readGrantSet(operand ?? "");
  if (scope === undefined) return "arguments-invalid";
  if (agentKind === "agent" && scope.agent !== agent) return "not-own";
  const status = state.agents.get(scope.agent)?.status;
  if (status !== "active") return status === "revoked" ? "agent-revoked" : "agent-unregistered";
  if (scope.expiresAt <= now || scope.expiresAt > now + TERMS.grantSetMs) return "grant-term";
  if (state.sets.size >= LIMITS.grantSetsMax) return "grants-full";
  const own = [...state.sets.values()].filter((one) => one.agent === scope.agent);
  return own.length < LIMITS.grantSetsPerAgentMax ? null : "grants-full";
}

/** Whoever would be asked each time is asked for all of them at once, whatever policy would do with the asking. */
export function askedOfItsRoute({ kind, operand }: Action, result: Evaluation): Evaluation {
  if (kind !== "grant.create" || result.decision === "refuse") return result;
  const { route = null } = readGrantSet(operand ?? "") ?? {};
  const verdict = { code: "asked-of-its-route", evidence: {}, gate: "kernel/bounded-grant", verdict: "hold" } as const;
  return { ...result, decision: "hold", draftRoute: null, route, verdicts: [...result.verdicts, verdict] };
}

type Held = { readonly result: Pick<Evaluation, "route" | "verdicts">; readonly policy: ActivePolicy };

/** The bounded grant that stands for a hold on this route; of several the one that came first. */
export function setFor({ state, now }: At, action: Action, { result, policy }: Held): GrantSet | null {
  if (action.agentKind !== "agent" || action.effect === "kernel" || !isOfRulesAlone(result)) return null;
  const { route } = result;
  for (const set of state.sets.values()) {
    if (set.route === route && now < set.expiresAt && covers(set, action) && isGranted(set, policy)) return set;
  }
  return null;
}

/**
 * Its people agreed to what rules and levels ask about each time. A gate that holds found something about this very action,
 * and so did an executor that wants a signature: nobody has seen that.
 */
function isOfRulesAlone({ verdicts }: Pick<Evaluation, "verdicts">): boolean {
  return verdicts.every(
    ({ verdict, gate }) => verdict !== "hold" || !(gate.includes("#") || gate.startsWith("kernel/")),
  );
}

function covers(set: GrantSet, { agent, kind, environment, service, size = 1 }: Action): boolean {
  if (set.agent !== agent || !set.environments.includes(environment)) return false;
  if (set.services !== null && !set.services.includes(service)) return false;
  if (!set.kinds.some((pattern) => coversKind(pattern, kind))) return false;
  return set.usedCount < set.count && (set.size === null || set.usedSize + size <= set.size);
}

/** A route that asks for more since then was not asked. */
function isGranted({ consent }: GrantSet, policy: ActivePolicy): boolean {
  const step = policy.routes.get(consent.route)?.steps[consent.step];
  return step !== undefined && countQuorum(step.asks, consent.approvals).met;
}

/** Said of an action that it lets go without asking. */
export function within({ id: grant, count, usedCount }: GrantSet): Verdict {
  return {
    code: "within-grant",
    evidence: { grant, left: count - usedCount - 1 },
    gate: "kernel/bounded-grant",
    verdict: "pass",
  };
}

export function isSetOver({ sets }: Pick<State, "sets">, now: number): boolean {
  for (const { expiresAt } of sets.values()) if (now >= expiresAt) return true;
  return false;
}
