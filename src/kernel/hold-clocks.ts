// The clocks of holds stop while a pause covers them: nobody may approve then, so nobody's time to answer runs.
//
//   running ──a pause covers it──► frozen ──no pause covers it any more, or it was frozen for too long──► running
//
// What is left of the window is kept. In all a hold is frozen for `frozenMaxMs` at most: pausing again and again does
// not keep a question open for ever. A brake applied or released turns the clocks it covers in its own commit, the first
// thousand of them; the next tick turns the rest, and no deadline fires before.

import { brakeOn } from "./brakes.ts";
import { KERNEL } from "./command.ts";
import { TERMS } from "./limits.ts";
import type { Action, State } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/** In one commit. */
const TURNED_MAX = 1_000;

/** Freezes and resumes the clocks that do not stand as the brakes do. */
export function turnClocks(tx: Transaction): void {
  let turned = 0;
  for (const action of [...tx.state.actions.values()]) {
    const turn = turnDue(tx.state, action, tx.now);
    if (turn === null) continue;
    if (turned++ >= TURNED_MAX) return;
    if (turn === "freeze") freeze(tx, action);
    else resume(tx, action);
  }
}

/** True when the clock of this action has to be turned before any deadline of it may fire. */
export function isClockWrong(state: Readonly<State>, action: Action, now: number): boolean {
  return turnDue(state, action, now) !== null;
}

function turnDue({ brakes }: Readonly<State>, action: Action, now: number): "freeze" | "resume" | null {
  const { hold } = action;
  if (action.status !== "held" || hold === null) return null;
  const isFrozen = hold.frozenAt !== undefined;
  if (brakes.size === 0 && !isFrozen) return null;
  const isPaused = brakeOn(brakes.values(), action) === "pause";
  if (!isFrozen) return isPaused && (hold.frozenMs ?? 0) < TERMS.frozenMaxMs ? "freeze" : null;
  return !isPaused || (action.dueAt !== null && now >= action.dueAt) ? "resume" : null;
}

function freeze(tx: Transaction, { id, hold }: Action): void {
  if (hold === null) return;
  const remainingMs = Math.max(0, hold.deadline - tx.now);
  const until = tx.now + TERMS.frozenMaxMs - (hold.frozenMs ?? 0);
  tx.emit({ type: "hold.frozen", subject: id, facts: { hold: hold.id, remainingMs, until } }, KERNEL);
}

function resume(tx: Transaction, { id, hold }: Action): void {
  if (hold?.frozenAt === undefined) return;
  const deadline = tx.now + (hold.remainingMs ?? 0);
  const facts = { hold: hold.id, frozenMs: tx.now - hold.frozenAt, deadline };
  tx.emit({ type: "hold.resumed", subject: id, facts }, KERNEL);
}
