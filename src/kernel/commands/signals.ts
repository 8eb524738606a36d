// Commands of triage: a signal comes in, once, late or again.

import { AppError } from "../../core/errors.ts";
import { idFromSeq, seqFromId } from "../../core/ids.ts";
import { shareToCut } from "../bounded.ts";
import type { Command, Reply } from "../command.ts";
import type { SignalFacts } from "../signal-facts.ts";
import type { EventFacts } from "../events.ts";
import { LIMITS, TERMS } from "../limits.ts";
import { isWorse } from "../reducers/incidents.ts";
import { alertKey, isNamed } from "../reducers/signals.ts";
import { mayBeSilenced, silenceOver } from "../silences.ts";
import type { Incident, State } from "../state.ts";
import type { Delivery } from "../tables.ts";
import type { Transaction } from "../transaction.ts";
import { closeIfOver, findHolder, join } from "./incidents.ts";
import { openRun } from "./runs.ts";
import { openStormIfWide } from "./storms.ts";

export function receiveSignal(tx: Transaction, command: Command<"receive-signal">): Reply {
  const { input } = command;
  if (input.nature === "change") return recordChange(tx, command);
  const before = findHolder(tx.state, input);
  const known = knownDelivery(tx, input) ?? overtakenEnd(tx, input);
  const silence = input.status === "firing" ? silenceOver(tx.state, input, tx.now) : undefined;
  const isOwedAnother = input.status === "firing" && silence === undefined && isOwedRun(before, tx.now);
  if (known !== undefined && !isOwedAnother) return { subject: known, result: "known", repeated: true };
  const end = input.status === "firing" ? overtakenBy(tx, input) : undefined;
  if (end !== undefined) return suppressOvertaken(tx, command, end);
  if (silence !== undefined && mayBeSilenced(tx.state, alertKey(input.deliveryKey))) {
    return {
      subject: record(tx, command, { ...NO_INCIDENT, silence: silence.id }),
      result: "silenced",
      repeated: false,
    };
  }
  if (tx.state.runs.size >= LIMITS.liveRunsMax) {
    throw new AppError("overloaded", "too many triage runs wait for a classification");
  }
  if (input.status === "resolved") return receiveEnd(tx, command, before);
  if (tx.state.actions.size >= LIMITS.liveActionsMax + LIMITS.triageActionsMax) {
    throw new AppError("overloaded", "too many actions wait for an end");
  }
  return receiveFiring(tx, command);
}

function receiveEnd(tx: Transaction, command: Command<"receive-signal">, incident: Incident | undefined): Reply {
  const silenced = tx.state.silenced.get(alertKey(command.input.deliveryKey));
  const quiet = silenced === undefined ? {} : { silence: silenced.silence };
  const subject = record(tx, command, { incident: incident?.id ?? null, joinedBy: null, ...quiet });
  if (incident === undefined && silenced !== undefined) return { subject, result: "resolved", repeated: false };
  if (incident === undefined) {
    tx.emit({ type: "signal.unmatched", subject, facts: { signal: subject } });
    return { subject, result: "unmatched", repeated: false };
  }
  closeIfOver(tx, incident.id);
  return { subject, result: "resolved", repeated: false };
}

function receiveFiring(tx: Transaction, command: Command<"receive-signal">): Reply {
  const { incident, by, merged } = join(tx, command.input);
  const { id, lastRun } = incident;
  const news = merged || isNews(incident, command.input, tx.now);
  const subject = record(tx, command, { incident: id, joinedBy: by });
  if (news) openRun(tx, { incident: id, signal: subject });
  else tx.emit({ type: "signal.suppressed", subject, facts: { signal: subject, duplicateOf: lastRun ?? id } });
  openStormIfWide(tx, command.input);
  return { subject, result: news ? "triaged" : "suppressed", repeated: false };
}

/** What changed fails nobody: it opens no incident, joins none and waits for nothing. */
function recordChange(tx: Transaction, command: Command<"receive-signal">): Reply {
  const known = tx.state.deliveries.get(command.input.deliveryKey);
  if (known !== undefined) return { subject: known.signal, result: "known", repeated: true };
  return { subject: record(tx, command, NO_INCIDENT), result: "recorded", repeated: false };
}

type Belonging = Pick<EventFacts["signal.received"], "incident" | "joinedBy" | "silence">;
const NO_INCIDENT: Belonging = { incident: null, joinedBy: null };

/** Records that the signal came, of that incident or of none. */
function record(tx: Transaction, command: Command<"receive-signal">, belonging: Belonging): string {
  const { input, content } = command;
  const subject = idFromSeq("sig", tx.nextSeq);
  const facts = { ...input, ...belonging, ...deliveryToForget(tx.state, input) };
  const payload = content === undefined ? {} : { payload: { retention: "content", body: content } as const };
  tx.emit({ type: "signal.received", subject, facts, ...payload });
  return subject;
}

/** A full table forgets the oldest delivery of whoever has the most: sent again, it would count as new. */
export function deliveryToForget(
  { deliveries, shares }: State,
  { deliveryKey, source }: { deliveryKey: string; source: string },
): { forgets?: string } {
  if (deliveries.size < LIMITS.deliveryKeysMax || deliveries.has(deliveryKey)) return {};
  const [oldest] = shareToCut(shares.deliveries, source, deliveries.size);
  return oldest === undefined ? {} : { forgets: oldest };
}

const STATUS = /:(firing|resolved)$/;

/** The same alert's delivery with the other status, unless it was quarantined. */
function counterpart({ deliveries }: State, key: string): Delivery | undefined {
  const other = key.endsWith(":firing") ? ":resolved" : ":firing";
  const found = STATUS.test(key) ? deliveries.get(key.replace(STATUS, other)) : undefined;
  return found?.at === 0 ? undefined : found;
}

/** The signal that this delivery repeats, unless the alert ended, or fired again, since: then it tells something new. */
function knownDelivery(tx: Transaction, input: SignalFacts): string | undefined {
  const known = tx.state.deliveries.get(input.deliveryKey);
  if (known === undefined) return undefined;
  const other = counterpart(tx.state, input.deliveryKey);
  const isTurned = other !== undefined && isAfter(other.signal, known.signal);
  const isLateCopy = input.status === "firing" ? overtakenBy(tx, input) !== undefined : isSameEnd(known, input);
  return (isTurned && !isLateCopy) || isLaterChange(known, input) ? undefined : known.signal;
}

/** It fires once more, and the end in between is still on its way. */
function isLaterChange(known: Delivery, { status, dated, occurredAt = 0 }: SignalFacts): boolean {
  return dated === true && status === "firing" && known.occurredAt !== undefined && occurredAt > known.occurredAt;
}

/** The signal of a firing that began after this end: the alert goes on. */
function overtakenEnd(
  { state }: Transaction,
  { status, dated, deliveryKey, occurredAt }: SignalFacts,
): string | undefined {
  if (status !== "resolved" || dated !== true || occurredAt === undefined) return undefined;
  const firing = counterpart(state, deliveryKey);
  return firing?.occurredAt !== undefined && firing.occurredAt > occurredAt ? firing.signal : undefined;
}

/** Of two firings under one key each has an end of its own, at another time. */
function isSameEnd(known: Delivery, { occurredAt }: SignalFacts): boolean {
  return occurredAt !== undefined && known.occurredAt === occurredAt;
}

function isAfter(signal: string, other: string): boolean {
  return (seqFromId("sig", signal) ?? 0) > (seqFromId("sig", other) ?? 0);
}

/**
 * The resolve of the same alert, where it came first; a firing that began after that end is another one. Long after, only
 * what is dated is known to be late: others tell the same start again when they fire again.
 */
function overtakenBy(
  { state, now }: Transaction,
  { deliveryKey, occurredAt, dated }: SignalFacts,
): Delivery | undefined {
  const end = counterpart(state, deliveryKey);
  if (end === undefined) return undefined;
  const areTimed = occurredAt !== undefined && end.occurredAt !== undefined;
  const isAnother = areTimed && occurredAt > end.occurredAt;
  const isRecent = now - end.at < TERMS.overtakenMs;
  return !isAnother && (isRecent || (dated === true && areTimed)) ? end : undefined;
}

/** What has ended already opens nothing: no second resolve would ever end it. */
function suppressOvertaken(tx: Transaction, command: Command<"receive-signal">, end: Delivery): Reply {
  const subject = record(tx, command, NO_INCIDENT);
  tx.emit({ type: "signal.suppressed", subject, facts: { signal: subject, duplicateOf: end.signal } });
  return { subject, result: "suppressed", repeated: false };
}

function isOwedRun(incident: Incident | undefined, now: number): boolean {
  const at = incident?.retriageAt ?? null;
  return at !== null && now >= at;
}

type Fires = Pick<SignalFacts, "service" | "source" | "detector" | "claimedSeverity">;

/** A run is worth it when something is new: a first signal, a worse one, another detector or service, half an hour. */
export function isNews(incident: Incident, input: Fires, now: number): boolean {
  if (isOwedRun(incident, now) || incident.lastRun === null) return true;
  if (now - incident.lastRunAt >= TERMS.suppressRunMs || isWorse(input.claimedSeverity, incident.claimedSeverity)) {
    return true;
  }
  // With no room to name another, every signal of it would be news again.
  const { services, signals } = incident;
  if (services.length < LIMITS.incidentServicesMax && !services.includes(input.service)) return true;
  return signals.length < LIMITS.incidentSignalsMax && !isNamed(incident, input);
}

export function quarantineSignal(tx: Transaction, command: Command<"quarantine-signal">): Reply {
  const known = tx.state.deliveries.get(command.input.deliveryKey);
  if (known !== undefined) return { subject: known.signal, result: "known", repeated: true };
  const subject = idFromSeq("sig", tx.nextSeq);
  const content = command.content;
  const payload = content === undefined ? {} : { payload: { retention: "content", body: content } as const };
  const facts = { ...command.input, ...deliveryToForget(tx.state, command.input) };
  tx.emit({ type: "signal.quarantined", subject, facts, ...payload });
  return { subject, result: "quarantined", repeated: false };
}
