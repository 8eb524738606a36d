// What came of an action: how its health was checked, what failed, and what took it back.

import type { Json, JsonObject } from "../core/json.ts";
import type { KernelEvent, VerifyTerms } from "../kernel/events.ts";
import { instant } from "./instant-text.ts";
import type { HealthResult } from "../wire/types/health.ts";

/** Null in an explanation where nothing was to be checked. */
export interface Outcome {
  readonly verification: string;
  /** What policy asked of it, and the event that says so. */
  readonly terms: Omit<VerifyTerms, "name" | "bundle"> & { readonly seq: number };
  /** Each with the event whose payload holds what was seen. */
  readonly samples: readonly Sample[];
  /** How it was taken back; null when it was not. */
  readonly revert: Revert | null;
}

interface Sample {
  readonly seq: number;
  readonly time: number;
  /** Since the call ended that it looks at; null where that is not among the events. */
  readonly afterMs: number | null;
  readonly result: HealthResult;
  /** Checks that did not pass. */
  readonly failed: readonly string[];
  /** What each check saw: a value, that of before the action, a bound. Null where nobody has read it, or it is erased. */
  readonly checks: readonly Seen[] | null;
}

interface Seen {
  readonly name: string;
  readonly result: string;
  readonly evidence: JsonObject;
}

/** Payloads of events that are at hand, by sequence. */
export type Evidence = ReadonlyMap<number, Json>;

interface Revert {
  readonly action: string;
  /** Issued with the action itself. */
  readonly grant: string;
  readonly because: string;
  readonly seq: number;
  readonly time: number;
  /** When the right to take it back ended, which is that of the action's grant. */
  readonly deadline: number;
  /** The event that says that it is undone, and its time; null while it is not. */
  readonly done: number | null;
  readonly doneAt: number | null;
  /** From the end of the call that was taken back until it was undone. */
  readonly afterMs: number | null;
}

export function outcomeOf(own: readonly KernelEvent[], evidence: Evidence): Outcome | null {
  const granted = own.findLast((event): event is KernelEvent<"action.granted"> => event.type === "action.granted");
  if (granted?.facts.verify === undefined) return null;
  const { name: verification, bundle: _bundle, ...terms } = granted.facts.verify;
  const samples = own.flatMap((event) => (isType(event, "health.sampled") ? [sampleOf(event, { own, evidence })] : []));
  const reverting = own.find((event): event is KernelEvent<"action.reverting"> => event.type === "action.reverting");
  const revert = reverting === undefined ? null : revertOf(reverting, own, granted.facts.expiresAt);
  return { verification, terms: { ...terms, seq: granted.seq }, samples, revert };
}

function isType<T extends KernelEvent["type"]>(event: KernelEvent, type: T): event is KernelEvent<T> & KernelEvent {
  return event.type === type;
}

type Known = { readonly own: readonly KernelEvent[]; readonly evidence: Evidence };

function sampleOf({ seq, time, facts }: KernelEvent<"health.sampled">, { own, evidence }: Known): Sample {
  const { result, failed } = facts;
  return { seq, time, afterMs: sinceCall(own, { seq, time }), result, failed, checks: seenIn(evidence.get(seq)) };
}

const CALL_ENDS: ReadonlySet<string> = new Set(["step.finished", "step.reconciled"]);

function sinceCall(own: readonly KernelEvent[], at: { readonly seq: number; readonly time: number }): number | null {
  const ended = own.findLast(({ type, seq }) => seq < at.seq && CALL_ENDS.has(type));
  return ended === undefined ? null : at.time - ended.time;
}

function seenIn(payload: Json | undefined): readonly Seen[] | null {
  if (!Array.isArray(payload)) return null;
  return payload.flatMap((one: Json) => {
    if (!isObject(one)) return [];
    const { name, result, evidence } = one;
    if (typeof name !== "string" || typeof result !== "string") return [];
    return [{ name, result, evidence: isObject(evidence) ? evidence : {} }];
  });
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function revertOf(
  { seq, time, facts }: KernelEvent<"action.reverting">,
  own: readonly KernelEvent[],
  deadline: number,
): Revert {
  const undone = own.find(({ type }) => type === "action.reverted");
  const done = {
    done: undone?.seq ?? null,
    doneAt: undone?.time ?? null,
    afterMs: undone === undefined ? null : sinceCall(own, undone),
  };
  return { action: facts.revert, grant: facts.grant, because: facts.code, seq, time, deadline, ...done };
}

export function outcomeLines(outcome: Outcome | null): readonly string[] {
  if (outcome === null) return [];
  const { samples, revert } = outcome;
  const lines = samples.flatMap(({ seq, afterMs, result, failed, checks }) => {
    const what = failed.length === 0 ? "" : `: ${failed.join(", ")}`;
    const when = afterMs === null ? "" : `${seconds(afterMs)} after it was done: `;
    return [`${when}${result}${what} [${seq}]`, ...(checks ?? []).map(seenLine)];
  });
  return [termsLine(outcome), ...lines, ...revertLines(revert)];
}

function termsLine({ verification, terms }: Outcome): string {
  const { settleMs, everyMs, samples, failures, withinMs, reverts, seq } = terms;
  const passes = `${samples} in a row are to pass within ${seconds(withinMs)}`;
  const failing = failures === 1 ? "none may fail" : `fewer than ${failures} may fail`;
  const then = reverts ? "it is taken back by itself then" : "people are told then";
  return `checked by ${verification} from ${seconds(settleMs)} after it was done, every ${seconds(everyMs)}: ${passes}, ${failing}; ${then} [${seq}]`;
}

function revertLines(revert: Revert | null): readonly string[] {
  if (revert === null) return [];
  const { action, grant, because, seq, deadline, done, doneAt, afterMs } = revert;
  const begun = `taken back by ${action} under ${grant}, because ${because} [${seq}]`;
  if (doneAt === null) return [begun, `it is not undone; the right to ends at ${instant(deadline)}`];
  const left = `${seconds(deadline - doneAt)} before the right to ended`;
  const when = afterMs === null ? "" : ` ${seconds(afterMs)} after it was done`;
  return [begun, `undone${when}, ${left} [${done}]`];
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

function seenLine({ name, result, evidence }: Seen): string {
  const shown = Object.entries(evidence).filter(([, value]) => value !== null);
  const values = shown.map(([of, value]) => `${of}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return [`  ${name}: ${result}`, ...values].join(" ");
}
