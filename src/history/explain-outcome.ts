// What came of an action: how its health was checked, what failed, and what took it back.

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
}

interface Revert {
  readonly action: string;
  /** Issued with the action itself. */
  readonly grant: string;
  readonly because: string;
  readonly seq: number;
  /** The event that says that it is undone; null while it is not. */
  readonly done: number | null;
}

export function outcomeOf(own: readonly KernelEvent[]): Outcome | null {
  const verify = own.findLast((event): event is KernelEvent<"action.granted"> => event.type === "action.granted")?.facts
    .verify;
  if (verify === undefined) return null;
  const samples = own.flatMap((event) => (isType(event, "health.sampled") ? [sampleOf(event)] : []));
  const reverting = own.find((event): event is KernelEvent<"action.reverting"> => event.type === "action.reverting");
  const done = own.find(({ type }) => type === "action.reverted")?.seq ?? null;
  return { verification: verify.name, samples, revert: reverting === undefined ? null : revertOf(reverting, done) };
}

function isType<T extends KernelEvent["type"]>(event: KernelEvent, type: T): event is KernelEvent<T> & KernelEvent {
  return event.type === type;
}

function sampleOf({ seq, facts }: KernelEvent<"health.sampled">): Sample {
  return { seq, result: facts.result, failed: facts.failed };
}

function revertOf({ seq, facts }: KernelEvent<"action.reverting">, done: number | null): Revert {
  return { action: facts.revert, grant: facts.grant, because: facts.code, seq, done };
}

export function outcomeLines(outcome: Outcome | null): readonly string[] {
  if (outcome === null) return [];
  const { verification, samples, revert } = outcome;
  const lines = samples.map(({ seq, result, failed }) => {
    const what = failed.length === 0 ? "" : `: ${failed.join(", ")}`;
    return `checked by ${verification}: ${result}${what} [${seq}]`;
  });
  if (revert === null) return lines;
  const { action, grant, because, seq, done } = revert;
  lines.push(`taken back by ${action} under ${grant}, because ${because} [${seq}]`);
  return [...lines, done === null ? "it is not undone" : `undone [${done}]`];
}
