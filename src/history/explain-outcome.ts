// What came of an action: how its health was checked, what failed, and what took it back.

import type { Json, JsonObject } from "../core/json.ts";
import type { KernelEvent } from "../kernel/events.ts";
import type { HealthResult } from "../wire/types/health.ts";

/** Null in an explanation where nothing was to be checked. */
export interface Outcome {
  readonly verification: string;
  /** Each with the event whose payload holds what was seen. */
  readonly samples: readonly Sample[];
  /** How it was taken back; null when it was not. */
  readonly revert: Revert | null;
}

interface Sample {
  readonly seq: number;
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
  /** The event that says that it is undone; null while it is not. */
  readonly done: number | null;
}

export function outcomeOf(own: readonly KernelEvent[], evidence: Evidence): Outcome | null {
  const verify = own.findLast((event): event is KernelEvent<"action.granted"> => event.type === "action.granted")?.facts
    .verify;
  if (verify === undefined) return null;
  const samples = own.flatMap((event) => (isType(event, "health.sampled") ? [sampleOf(event, evidence)] : []));
  const reverting = own.find((event): event is KernelEvent<"action.reverting"> => event.type === "action.reverting");
  const done = own.find(({ type }) => type === "action.reverted")?.seq ?? null;
  return { verification: verify.name, samples, revert: reverting === undefined ? null : revertOf(reverting, done) };
}

function isType<T extends KernelEvent["type"]>(event: KernelEvent, type: T): event is KernelEvent<T> & KernelEvent {
  return event.type === type;
}

function sampleOf({ seq, facts }: KernelEvent<"health.sampled">, evidence: Evidence): Sample {
  return { seq, result: facts.result, failed: facts.failed, checks: seenIn(evidence.get(seq)) };
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

function revertOf({ seq, facts }: KernelEvent<"action.reverting">, done: number | null): Revert {
  return { action: facts.revert, grant: facts.grant, because: facts.code, seq, done };
}

export function outcomeLines(outcome: Outcome | null): readonly string[] {
  if (outcome === null) return [];
  const { verification, samples, revert } = outcome;
  const lines = samples.flatMap(({ seq, result, failed, checks }) => {
    const what = failed.length === 0 ? "" : `: ${failed.join(", ")}`;
    return [`checked by ${verification}: ${result}${what} [${seq}]`, ...(checks ?? []).map(seenLine)];
  });
  if (revert === null) return lines;
  const { action, grant, because, seq, done } = revert;
  lines.push(`taken back by ${action} under ${grant}, because ${because} [${seq}]`);
  return [...lines, done === null ? "it is not undone" : `undone [${done}]`];
}

function seenLine({ name, result, evidence }: Seen): string {
  const shown = Object.entries(evidence).filter(([, value]) => value !== null);
  const values = shown.map(([of, value]) => `${of}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return [`  ${name}: ${result}`, ...values].join(" ");
}
