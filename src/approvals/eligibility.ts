// Who may answer a hold: a person with a role that the route asks for, and never the proposer.

import type { ErrorCode } from "../core/errors.ts";

export type Answerer = { readonly id: string; readonly person: string; readonly roles: readonly string[] };

export type HoldToAnswer = {
  readonly roles: readonly string[];
  readonly proposer: string;
  /** The person behind the proposer, when there is one. */
  readonly proposerPerson: string | null;
};

/**
 * The error code that keeps this identity from answering, or null when it may. The person counts, not the login: two
 * identities of one person are one.
 */
export function checkEligible(hold: HoldToAnswer, answerer: Answerer): ErrorCode | null {
  if (answerer.id === hold.proposer || answerer.person === hold.proposerPerson) return "self-approval";
  return answerer.roles.some((role) => hold.roles.includes(role)) ? null : "not-eligible";
}
