// What is granted along with an action: the checks it must pass, and the right to take it back should it fail them.

import { assert } from "../core/assert.ts";
import { idFromSeq } from "../core/ids.ts";
import type { EvaluationFacts, VerifyTerms } from "./events.ts";
import { TERMS } from "./limits.ts";
import type { Action } from "./state.ts";
import type { ActivePolicy, Transaction } from "./transaction.ts";

type Along = { readonly expiresAt: number; readonly verify: VerifyTerms; readonly revertGrant?: string };

/**
 * The members that a grant gets where the policies check such actions: its end is also the end of the right to take it
 * back, so it lasts as long as the checks may take and a revert after them.
 */
export function termsFor(tx: Transaction, action: Action, policy: ActivePolicy): Along | undefined {
  const found = policy.verificationFor(action);
  if (found === undefined) return undefined;
  const { name, settleMs, everyMs, samples, failures, withinMs, onFailure } = found;
  const reverts = onFailure === "revert" && action.inverse !== undefined;
  const verify = { bundle: policy.hash, everyMs, failures, name, reverts, samples, settleMs, withinMs };
  const { phases = 1 } = action;
  const expiresAt = tx.now + phases * (TERMS.grantMs + withinMs) + TERMS.revertMs;
  return { expiresAt, verify, ...(reverts ? { revertGrant: idFromSeq("rvt", tx.nextSeq) } : {}) };
}

/** Runs what takes back an action under the grant that came with that one: no policy is asked again. */
export function grantRevert(tx: Transaction, revert: Action): void {
  const { revertOf, planHash } = revert;
  const action = revertOf === undefined ? undefined : tx.state.actions.get(revertOf);
  assert(action?.grant?.revert !== undefined && planHash !== null, "a revert is owed and planned");
  const evaluation: EvaluationFacts = {
    bundleHash: action.grant.verify?.bundle ?? "",
    decision: "allow",
    engine: tx.engine.version,
    verdicts: [{ code: "issued-with", evidence: { action: action.id }, gate: "kernel/revert-grant", verdict: "pass" }],
  };
  tx.emit({
    type: "action.granted",
    subject: revert.id,
    facts: {
      completed: null,
      dryRun: false,
      duplicateKeys: [],
      evaluation,
      expiresAt: action.grant.expiresAt,
      grant: action.grant.revert,
      planHash,
      reservations: [],
    },
  });
}
