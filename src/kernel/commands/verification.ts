// After an action: its health is sampled, and what is not well in time is taken back under the grant that came with it.
//
//   executing ─succeeded─► verifying ─enough samples pass─► succeeded
//                              └─fails, or not in time─► reverting ─► reverted
//                                                  │          └─ what takes it back did not ─► needs-attention, domain blocked
//                                                  └─ nothing takes it back ─► needs-attention
//
// A plan in phases goes round: verifying ─advanced─► granted, until its last one is verified. One that cannot go on after
// its first (refused by the target, stopped, out of time) is taken back like one that is not well.

import { assert } from "../../core/assert.ts";
import { idFromSeq } from "../../core/ids.ts";
import type { Command, Reply } from "../command.ts";
import { whyNotNow } from "../evaluate.ts";
import type { RevertCode } from "../events.ts";
import type { ProposalFacts } from "../proposal-facts.ts";
import { blockedKey } from "../reducers/verification.ts";
import type { Action } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import { proposeTriage } from "../triage-kinds.ts";
import { REVERT_AGENT } from "../reverts.ts";
import { TERMS } from "../limits.ts";
import { statusOf } from "./policy.ts";

/** One sample: every check of the verification, asked at one moment. */
export function reportHealth(tx: Transaction, command: Command<"report-health">): Reply {
  const { action: id, sample, result, failed } = command.input;
  const action = tx.state.actions.get(id);
  const verifying = action?.verifying;
  if (action?.status !== "verifying" || verifying === undefined || sample !== verifying.sample + 1) {
    return { subject: id, result: "ended", repeated: true };
  }
  const terms = termsOf(action);
  const passes = result === "pass" ? verifying.passes + 1 : 0;
  const failures = verifying.failures + (result === "pass" ? 0 : 1);
  const facts = { sample, result, failed, passes, failures, nextAt: tx.now + terms.everyMs };
  const payload =
    command.content === undefined ? {} : { payload: { retention: "evidence", body: command.content } as const };
  tx.emit({ type: "health.sampled", subject: id, facts, ...payload });
  if (passes >= terms.samples) advance(tx, action, sample);
  else if (failures >= terms.failures) takeBack(tx, action, result === "unknown" ? "health-unknown" : "unhealthy");
  return { subject: id, result: statusOf(tx, id), repeated: false };
}

/** The last phase has passed its checks, or the next one may begin: under the same grant, never past its end or any window's. */
function advance(tx: Transaction, action: Action, samples: number): void {
  const { id: subject, grant, window, phase = 1, phases = 1 } = action;
  if (phase >= phases || grant === null) return tx.emit({ type: "action.verified", subject, facts: { samples } });
  if (whyNotNow(tx, action) !== null) return takeBack(tx, action, "phase-stopped");
  const beginBy = Math.min(tx.now + TERMS.grantMs, grant.expiresAt, window?.notAfter ?? Infinity);
  tx.emit({ type: "action.advanced", subject, facts: { beginBy, phase: phase + 1, samples } });
}

function termsOf({ grant }: Action) {
  assert(grant?.verify !== undefined, "what is verified has its terms");
  return grant.verify;
}

/** Also when the time for it is up, or when nobody could report. */
export function takeBack(tx: Transaction, action: Action, code: RevertCode): void {
  const { inverse, grant } = action;
  if (inverse === undefined || grant?.revert === undefined) {
    tx.emit({ type: "action.completed", subject: action.id, facts: { code: "unhealthy", status: "needs-attention" } });
    return askForPeople(tx, action);
  }
  const revert = idFromSeq("act", tx.nextSeq);
  const proposal: ProposalFacts = {
    kind: inverse.kind,
    environment: action.environment,
    service: action.service,
    resource: action.resource,
    agentKind: "system",
    person: action.person,
    requestHash: inverse.hash,
    planHash: null,
    repeat: inverse.repeat,
    effect: "external",
    reversible: false,
    run: action.run,
    incident: action.incident,
    cause: action.cause,
    classification: null,
    operand: null,
    revertOf: action.id,
    ...(inverse.blind === true ? { blind: true } : {}),
  };
  // No deadline of its own: its planning is tried again until the right to it ends, also after an outage.
  tx.emit({ type: "action.proposed", subject: revert, facts: { ...proposal, deadline: null } }, REVERT_AGENT);
  tx.emit({ type: "action.reverting", subject: action.id, facts: { code, revert, grant: grant.revert } });
}

/** What became of reverts that this command ended: their actions end with them. */
export function settleReverts(tx: Transaction): void {
  for (const [revert, id] of [...tx.state.reverts]) {
    if (tx.state.actions.has(revert)) continue;
    const action = tx.state.actions.get(id);
    assert(action !== undefined, "an action lives until its revert has ended");
    if (statusOf(tx, revert) === "succeeded") {
      tx.emit({ type: "action.reverted", subject: id, facts: { revert } });
      continue;
    }
    const { environment, service } = action;
    tx.emit({ type: "action.completed", subject: id, facts: { code: "revert-failed", status: "needs-attention" } });
    if (!tx.state.blocked.has(blockedKey({ environment, service }))) {
      tx.emit({ type: "domain.blocked", subject: "log", facts: { environment, service, action: id } });
    }
    askForPeople(tx, action);
  }
}

/** Production is not as anybody wanted it: a page, as far as policy lets it out. */
function askForPeople(tx: Transaction, { id, environment, service, requestHash, run }: Action): void {
  const incident = { id, environment, service, signature: requestHash };
  proposeTriage(tx, {
    kind: "pagerduty.trigger",
    incident,
    run,
    signal: null,
    classification: null,
    agent: REVERT_AGENT,
  });
}
