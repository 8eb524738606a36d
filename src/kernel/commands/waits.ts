// What waits goes on: its window has begun, those it waited for have ended, or its time is over.

import { settle } from "../evaluate.ts";
import type { Action } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import { endWait, readyToGo } from "../waits.ts";

/** After every command: whoever came first is asked about first, and may be in the way of the next. */
export function goOn(tx: Transaction): void {
  for (const action of readyToGo(tx.state))
    if (tx.state.actions.get(action.id)?.status === "waiting") settle(tx, action.id);
}

/** At the end of its wait: a window begins, a wait for others is over. */
export function fireWait(tx: Transaction, action: Action): void {
  if (tx.state.waiting.get(action.id)?.code === "conflict") return endWait(tx, action, "conflict-timeout");
  settle(tx, action.id);
}
