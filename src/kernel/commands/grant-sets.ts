// Commands on bounded grants: given by an approved `grant.create`, taken back at once, ended by their time.

import { idFromSeq } from "../../core/ids.ts";
import { readGrantSet } from "../../wire/schemas/grant-set.ts";
import type { EventFacts } from "../events.ts";
import { isSetOver, whySetRefused, type GrantSet } from "../grant-sets.ts";
import { MAY_BEGIN, isUnderWay, revokeGrant } from "../levels.ts";
import type { Action } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import type { Payload } from "../../wire/types/event.ts";

/** What a granted `grant.create` does; false when it has become impossible since. */
export function createSet(tx: Transaction, action: Action): boolean {
  const scope = readGrantSet(action.operand ?? "");
  const { consent } = action;
  if (scope === undefined || consent === null || whySetRefused(tx, action) !== null) return false;
  const { approvals, asks, step } = consent;
  const facts = { action: action.id, approvals, asks, step, ...scope };
  tx.emit({ type: "grant.created", subject: idFromSeq("grs", tx.nextSeq), facts });
  return true;
}

type Code = EventFacts["grant.revoked"]["code"];
type Revocation = { readonly code: Code; readonly payload?: Payload | undefined };

/** Nothing begins under it any more, and calls under way under it are stopped. */
export function revokeSet(tx: Transaction, { id, agent }: GrantSet, { code, payload }: Revocation): void {
  const rider = payload === undefined ? {} : { payload };
  tx.emit({ type: "grant.revoked", subject: id, facts: { agent, code }, ...rider });
  for (const action of [...tx.state.actions.values()]) {
    const { grant, status } = action;
    if (grant?.under?.grant !== id || grant.revoked) continue;
    if (MAY_BEGIN.has(status) || isUnderWay(action)) revokeGrant(tx, action, { code: "set-revoked" });
  }
}

/** With its agent. */
export function endSetsOf(tx: Transaction, agent: string): void {
  for (const set of [...tx.state.sets.values()]) if (set.agent === agent) revokeSet(tx, set, { code: "agent-revoked" });
}

/** From its last instant on it stands for no hold; this puts the end on record. What is granted already goes on. */
export function endSets(tx: Transaction): void {
  if (!isSetOver(tx.state, tx.now)) return;
  for (const { id, agent, expiresAt } of [...tx.state.sets.values()]) {
    if (tx.now >= expiresAt) tx.emit({ type: "grant.expired", subject: id, facts: { agent } });
  }
}
