// Allowed, and yet not begun: actions that wait for their window, for what has to come from outside (an approved change, a
// review), or for others on the same target to end.
//
//   allowed ──its window, or something outside, is to come, or others are under way there──► waiting ──then──► every gate again ─► granted
//                                                                       ├──its time is over──► expired
//                                                                       └──outside said no──► refused
//
// Those on one target go in the order in which they came. What people approved meanwhile stays approved.

import { AppError } from "../core/errors.ts";
import type { Evaluation } from "../wire/types/verdict.ts";
import type { WaitCode } from "../wire/types/waits-view.ts";
import { brakeOn } from "./brakes.ts";
import type { EvaluationFacts } from "./events.ts";
import { LIMITS, TERMS } from "./limits.ts";
import type { ProposalFacts } from "./proposal-facts.ts";
import type { Action, State } from "./state.ts";
import type { Transaction } from "./transaction.ts";

export type WaitEnd = "window-over" | "outside-timeout" | "conflict-timeout";

export type Waiting = {
  readonly code: WaitCode;
  /** When a window begins; of the others when waiting for it is over. */
  readonly until: number;
  /** The actions that it waits for; none where it waits for something else. */
  readonly behind: readonly string[];
  readonly since: number;
  /** When outside is asked next; absent where nothing is awaited there. */
  readonly nextAt?: number;
};

export type WaitingFacts = {
  readonly code: WaitCode;
  readonly evaluation: EvaluationFacts;
  readonly until: number;
  readonly behind: readonly string[];
  readonly nextAt?: number;
};

/** Outside was asked, and it has not come: why, in the code of whoever was asked. */
export type StillWaitingFacts = { readonly because: string; readonly nextAt: number };

/** Throws `window-invalid` for a window that no action could begin in. */
export function checkWindow({ now }: Transaction, { window, effect }: Pick<ProposalFacts, "window" | "effect">): void {
  const problem = window === undefined ? null : windowProblem(window, { now, effect });
  if (problem !== null) throw new AppError("window-invalid", problem);
}

type At = { readonly now: number; readonly effect: ProposalFacts["effect"] };

function windowProblem(
  { notBefore, notAfter }: NonNullable<ProposalFacts["window"]>,
  { now, effect }: At,
): string | null {
  if (effect === "kernel") return "what Holdpoint carries out itself has no window";
  if (notAfter <= now) return "notAfter is over";
  if (notBefore !== undefined && notBefore >= notAfter) return "notBefore is not before notAfter";
  return notAfter > now + TERMS.windowAheadMs ? "notAfter is more than 31 days ahead" : null;
}

export function isWindowOver({ window }: Pick<Action, "window">, now: number): boolean {
  return window !== undefined && now >= window.notAfter;
}

type Wait = Omit<WaitingFacts, "evaluation">;
type Asked = {
  readonly now: number;
  readonly waits: Evaluation["waits"];
  /** What it awaits from outside is there, as it was said this moment. */
  readonly hasCome: boolean;
};

/** Why what may be done is not begun now; null for what is. */
export function whyWait({ window, awaits }: Action, { now, waits, hasCome }: Asked): Wait | null {
  const { notBefore = 0 } = window ?? {};
  if (now < notBefore) return { code: "window", until: notBefore, behind: [] };
  if (awaits === true && !hasCome) return { code: "outside", until: now + TERMS.outsideMs, behind: [], nextAt: now };
  return waits === undefined ? null : { code: "conflict", until: now + waits.forMs, behind: waits.behind };
}

/** Each place in the queue is somebody's: whoever waits already keeps it, and nobody takes all of them. */
export function isRoomToWait({ waiting, actions }: State, { id, agent, environment, service }: Action): boolean {
  if (waiting.has(id)) return true;
  if (waiting.size >= LIMITS.waitingMax) return false;
  let [own, there] = [0, 0];
  for (const [other, { code }] of waiting) {
    const action = actions.get(other);
    if (action?.agent === agent) own++;
    if (code === "conflict" && action?.environment === environment && action.service === service) there++;
  }
  return own < LIMITS.waitingOfOneMax && there < LIMITS.waitingAtServiceMax;
}

/**
 * It is not recorded again that it waits as before; the time to wait for others runs from the first time on, and so does
 * that for outside, whatever else it waited for in between.
 */
export function waitFor(tx: Transaction, { id, status, window }: Action, facts: WaitingFacts): void {
  const before = tx.state.waiting.get(id);
  const isSame = before?.code === facts.code;
  const until = isSame ? before.until : facts.code === "outside" ? outsideUntil(before, window, facts) : facts.until;
  if (isSame && status === "waiting" && before.behind.join() === facts.behind.join()) return;
  tx.emit({ type: "action.waiting", subject: id, facts: { ...facts, until } });
}

function outsideUntil(before: Waiting | undefined, window: Action["window"], { until }: WaitingFacts): number {
  return Math.min(before === undefined ? until : before.since + TERMS.outsideMs, window?.notAfter ?? Infinity);
}

/** Asked again after an eighth of the time that it waits already: soon at first, and every few minutes after a while. */
export function askAgainAt({ since }: Waiting, { now, afterMs }: { now: number; afterMs: number }): number {
  const { outsideFirstMs, outsideLastMs } = TERMS;
  const wait = Math.max(outsideFirstMs, Math.floor((now - since) / 8), afterMs);
  return now + Math.min(wait, outsideLastMs);
}

export function endWait(tx: Transaction, { id }: Action, code: WaitEnd): void {
  tx.emit({ type: "action.expired", subject: id, facts: { code } });
}

/** Under a pause nothing that waits goes on; its window, and its time to wait for what else, end all the same. */
export function isWaitOver(state: State, action: Action, now: number): boolean {
  if (action.status !== "waiting" || action.dueAt === null || now < action.dueAt) return false;
  return state.waiting.get(action.id)?.code !== "window" || brakeOn(state.brakes.values(), action) !== "pause";
}

/** First come, first served: those of whom somebody whom they waited for has ended, or has nothing granted any more. */
export function readyToGo(state: State): readonly Action[] {
  const ready: Action[] = [];
  for (const [id, { behind }] of state.waiting) {
    const action = state.actions.get(id);
    const isFreed = behind.some((other) => (state.actions.get(other)?.grant ?? null) === null);
    if (action?.status !== "waiting" || !isFreed) continue;
    if (brakeOn(state.brakes.values(), action) !== "pause") ready.push(action);
  }
  return ready;
}
