// Commands on maintenance silences: begun by an approved action, ended by anybody who may, or by their time.
//
//   silence.create, approved ─► silence ──its time is over, or ended──► each alert that still fires is triaged
//
// Loosening waits for people; ending one only brings alerts back, and does not.

import { AppError } from "../../core/errors.ts";
import { idFromSeq } from "../../core/ids.ts";
import { KERNEL, type Command, type Reply } from "../command.ts";
import { LIMITS, TERMS } from "../limits.ts";
import { readTerms } from "../silences.ts";
import type { SilencedAlert, State } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import { join } from "./incidents.ts";
import { openRun } from "./runs.ts";
import { isNews } from "./signals.ts";
import { openStormIfWide } from "./storms.ts";

/** Throws `arguments-invalid` or `overloaded` for one that could not begin: nobody is asked to approve that. */
export function checkSilence({ state, now }: Transaction, operand: string): void {
  const terms = readTerms(operand);
  if (terms === undefined) throw new AppError("arguments-invalid", "not the terms of a silence");
  const problem = problemOf(terms, now);
  if (problem !== null) throw new AppError("arguments-invalid", problem);
  if (state.silences.size >= LIMITS.silencesMax) {
    throw new AppError("overloaded", `at most ${LIMITS.silencesMax} silences stand; end one`);
  }
}

function problemOf({ startsAt, endsAt }: { startsAt: number; endsAt: number }, now: number): string | null {
  if (endsAt <= startsAt || endsAt <= now) return "it would end before it began";
  if (endsAt - startsAt > TERMS.silenceMs) return "a silence lasts at most seven days";
  return startsAt > now + TERMS.silenceAheadMs ? "it would begin in more than thirty days" : null;
}

/** What a granted `silence.create` does; false where its time is over by now, or there is no room. */
export function createSilence(tx: Transaction, { action, operand }: { action: string; operand: string }): boolean {
  const terms = readTerms(operand);
  if (terms === undefined || problemOf(terms, tx.now) !== null) return false;
  if (tx.state.silences.size >= LIMITS.silencesMax) return false;
  tx.emit({ type: "silence.created", subject: idFromSeq("sil", tx.nextSeq), facts: { action, ...terms } });
  return true;
}

export function endSilence(tx: Transaction, { input, content }: Command<"end-silence">): Reply {
  const { silence: subject } = input;
  const silence = tx.state.silences.get(subject);
  if (silence === undefined)
    throw new AppError("silence-not-found", "no silence of that id stands", { silence: subject });
  if (silence.hasEnded) return { subject, result: "ended", repeated: true };
  const payload = content === undefined ? {} : { payload: { retention: "content", body: content } as const };
  tx.emit({ type: "silence.ended", subject, facts: { code: "ended" }, ...payload });
  return { subject, result: "ended", repeated: false };
}

/** True when time ends one, or an alert of one that has ended waits to be triaged. */
export function isSilenceDue({ silences, runs }: State, now: number): boolean {
  for (const { hasEnded, endsAt } of silences.values()) {
    if (hasEnded ? runs.size < LIMITS.liveRunsMax : now >= endsAt) return true;
  }
  return false;
}

/** Ends silences whose time is over, and triages at most `max` alerts that still fire; gives how many. */
export function tickSilences(tx: Transaction, max: number): number {
  const { silences } = tx.state;
  for (const { id, hasEnded, endsAt } of [...silences.values()]) {
    if (hasEnded || tx.now < endsAt) continue;
    tx.emit({ type: "silence.ended", subject: id, facts: { code: "expired" } }, KERNEL);
  }
  if (![...silences.values()].some(({ hasEnded }) => hasEnded)) return 0;
  const waiting = [...tx.state.silenced].filter(([, { silence }]) => silences.get(silence)?.hasEnded === true);
  let released = 0;
  for (const [key, alert] of waiting.slice(0, max)) {
    if (tx.state.runs.size >= LIMITS.liveRunsMax) break;
    release(tx, key, alert);
    released++;
  }
  return released;
}

/** As if the alert had just come. */
function release(tx: Transaction, key: string, alert: SilencedAlert): void {
  const { silence, signal } = alert;
  const { incident, by, merged } = join(tx, alert);
  const { id, lastRun } = incident;
  const news = merged || isNews(incident, alert, tx.now);
  const facts = { alert: key, incident: id, joinedBy: by, silence };
  tx.emit({ type: "signal.released", subject: signal, facts }, KERNEL);
  if (news) openRun(tx, { incident: id, signal });
  else tx.emit({ type: "signal.suppressed", subject: signal, facts: { signal, duplicateOf: lastRun ?? id } }, KERNEL);
  openStormIfWide(tx, alert);
}
