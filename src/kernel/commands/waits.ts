// What waits goes on: its window has begun, outside has said yes, those it waited for have ended, or its time is over.

import { brakeOn } from "../brakes.ts";
import type { Command, Reply } from "../command.ts";
import { refuse, settle } from "../evaluate.ts";
import type { Action } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import { askAgainAt, endWait, readyToGo } from "../waits.ts";
import { statusOf } from "./policy.ts";

/** After every command: whoever came first is asked about first, and may be in the way of the next. */
export function goOn(tx: Transaction): void {
  for (const action of readyToGo(tx.state))
    if (tx.state.actions.get(action.id)?.status === "waiting") settle(tx, action.id);
}

/** At the end of its wait: a window begins, a wait for anything else is over. */
export function fireWait(tx: Transaction, action: Action): void {
  const code = tx.state.waiting.get(action.id)?.code ?? "window";
  if (code === "window") return settle(tx, action.id);
  endWait(tx, action, `${code}-timeout`);
}

/** What was said outside of what an action waits for there. Under a pause nothing goes on: it is asked again. */
export function reportAwaited(tx: Transaction, command: Command<"report-awaited">): Reply {
  const { action: id, status, code, afterMs } = command.input;
  const action = tx.state.actions.get(id);
  const waiting = tx.state.waiting.get(id);
  if (action?.status !== "waiting" || waiting?.code !== "outside") {
    return { subject: id, result: "ended", repeated: true };
  }
  const isPaused = brakeOn(tx.state.brakes.values(), action) === "pause";
  if (status === "over") refuse(tx, action, { evaluation: null, code });
  else if (status === "come" && !isPaused) settle(tx, id, { hasCome: true });
  else {
    const because = status === "come" ? "paused" : code;
    const facts = { because, nextAt: askAgainAt(waiting, { now: tx.now, afterMs }) };
    tx.emit({ type: "action.still-waiting", subject: id, facts });
  }
  return { subject: id, result: statusOf(tx, id), repeated: false };
}
