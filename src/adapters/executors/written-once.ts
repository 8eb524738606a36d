// Writing once where the target takes no key: looked for before it is written, and afterwards.

import type { Json } from "../../core/json.ts";
import type { Reconciliation, StepOutcome } from "../../wire/contracts/executor.ts";
import type { Got } from "./step-outcomes.ts";
import type { UnsettledWrites } from "./unsettled-writes.ts";

/** What an earlier write left, as an outcome tells it. */
export type Written = { readonly reference: string; readonly detail: Json; readonly left?: string };

export interface OneWrite {
  /** What the target carries of it, and what it is looked for by. */
  readonly key: string;
  readonly writes: UnsettledWrites;
  /** Null where it is not there. */
  readonly look: () => Promise<Got<Written | null>>;
}

/** Written only when it is nowhere, and not while an earlier attempt may still arrive. */
export async function writeOnce(
  { key, writes, look }: OneWrite,
  write: () => Promise<StepOutcome>,
): Promise<StepOutcome> {
  const found = await look();
  const isOpen = writes.isOpen(key); // no await from here to `open`: two calls at once would both pass
  if (found.kind === "not" && !isOpen) return found.outcome;
  if (found.kind === "got" && found.value !== null) {
    writes.settle(key);
    return { status: "succeeded", ...found.value };
  }
  if (isOpen) return { status: "unknown", code: "earlier-attempt-unsettled", detail: null };
  return writeOpenly({ key, writes }, write);
}

/** Notes for how long the write may be at work: until its end, and after one that nobody saw. */
export async function writeOpenly(
  { key, writes }: Pick<OneWrite, "key" | "writes">,
  write: () => Promise<StepOutcome>,
): Promise<StepOutcome> {
  writes.open(key);
  const outcome = await write();
  if (outcome.status === "unknown") writes.open(key);
  else writes.settle(key);
  return outcome;
}

/** What became of it, by looking: absence counts when no earlier attempt can arrive any more. */
export async function lookForWrite({ key, writes, look }: OneWrite): Promise<Reconciliation> {
  // Read before the look-up: what was settled when it was asked is settled when it answers.
  const remainingMs = writes.remainingMs(key);
  const found = await look();
  if (found.kind === "not") return unaskable(found.outcome);
  if (found.value !== null) {
    writes.settle(key);
    return { status: "happened", ...found.value };
  }
  if (remainingMs > 0) return { status: "unclear", detail: { code: "may-still-arrive" }, afterMs: remainingMs };
  return { status: "absent", detail: null };
}

/** A reconciliation whose question got no answer: worth asking again only where the failure may pass. */
export function unaskable(outcome: StepOutcome): Reconciliation {
  const code = "code" in outcome ? outcome.code : outcome.status;
  const detail = { code, cause: outcome.detail };
  return outcome.status === "retry"
    ? { status: "unclear", detail, afterMs: outcome.afterMs }
    : { status: "unclear", detail };
}
