// Brakes put on and taken off: what every way of doing so has in common.

import { canonicalJson } from "../core/canonical-json.ts";
import { AppError } from "../core/errors.ts";
import { idFromSeq } from "../core/ids.ts";
import { turnClocks } from "./hold-clocks.ts";
import type { BrakeScope, EventFacts } from "./events.ts";
import { LIMITS } from "./limits.ts";
import { foundBy, report, reportWhole } from "./stop-report.ts";
import type { Brake } from "./state.ts";
import type { Transaction } from "./transaction.ts";

type Put = {
  readonly mode: Brake["mode"];
  readonly scope: BrakeScope;
  /** Of a brake that goes with an incident. */
  readonly command?: EventFacts["brake.applied"]["command"];
};

/** Applies a brake in the name of who asks. Throws `killswitch-conflict` when there are too many. */
export function putBrake(tx: Transaction, { mode, scope, command }: Put): string {
  // Stopping everything is always possible, however many narrow brakes somebody has applied.
  if (tx.state.brakes.size >= LIMITS.brakesMax && canonicalJson(scope) !== "{}") {
    throw new AppError("killswitch-conflict", `at most ${LIMITS.brakesMax} brakes; release or widen one`);
  }
  const subject = idFromSeq("brk", tx.nextSeq);
  const facts = { mode, scope, ...foundBy(tx.state, scope) };
  tx.emit({ type: "brake.applied", subject, facts: command === undefined ? facts : { ...facts, command } });
  turnClocks(tx);
  reportWhole(tx, [subject]);
  return subject;
}

/** Takes a brake off; what it found is reported before, with what is known of it. False when there is none. */
export function liftBrake(tx: Transaction, id: string, code: EventFacts["brake.released"]["code"]): boolean {
  const brake = tx.state.brakes.get(id);
  if (brake === undefined) return false;
  report(tx, brake);
  tx.emit({ type: "brake.released", subject: id, facts: { brake: id, code } });
  turnClocks(tx);
  return true;
}
