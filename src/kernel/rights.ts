// Rights of people and groups in state: whose they are, whom a change of them concerns, and who is alone with them.
//
//   installed once ─► active ──given anew by an approved action──► active ──revoked by whoever may──► revoked
//                                          ▲──────────────────────────────────────────────────────────────┘

import type { Somebody } from "../approvals/eligibility.ts";
import { parseRights } from "../wire/schemas/rights.ts";
import { OWNER_ROLE, type RightsHolder } from "../wire/types/rights.ts";
import type { Action, State } from "./state.ts";

export type Holder = RightsHolder & {
  /** It had the owners' role once: whoever loses it does not leave the other one alone again. */
  readonly wasOwner: boolean;
};

type Kept = Pick<State, "rights">;

export function isOfRights(kind: string): boolean {
  return kind === "person.register" || kind === "group.register";
}

/** Whose rights would change, as they are registered and as they would be: they never answer for it themselves. */
export function concernedBy(
  { rights }: Kept,
  { kind, operand }: Pick<Action, "kind" | "operand">,
): readonly Somebody[] {
  const wanted = kind === "person.register" && operand !== null ? parseRights(operand) : null;
  if (wanted === null) return [];
  const before = rights.get(wanted.id);
  return before === undefined ? [wanted] : [wanted, before];
}

/**
 * Whether the proposer is the one owner that there is, and ever was: nobody else could answer for the people that they
 * register. From a second owner on, or a group of them, nobody ever is.
 */
export function isAlone({ rights }: Kept, { kind, agent, agentKind, effect }: Action): boolean {
  if (effect !== "kernel" || agentKind !== "person" || !isOfRights(kind)) return false;
  const proposer = rights.get(agent);
  if (proposer?.status !== "active" || !proposer.roles.includes(OWNER_ROLE)) return false;
  return [...rights.values()].every(({ wasOwner, person }) => !wasOwner || person === proposer.person);
}
