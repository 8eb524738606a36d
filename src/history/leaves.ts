// Leaves of the ledger read back as events, and events gathered into the commands that made them.

import { AppError } from "../core/errors.ts";
import { isEvent } from "../ledger/leaf.ts";
import type { LeafBatch } from "../wire/contracts/store.ts";
import type { LedgerEvent } from "../wire/types/event.ts";

/**
 * The events of a stored batch, in order. Members of a leaf beyond the header and facts (the commitment to its payload)
 * are left out. Throws `ledger-corrupt` for lines that are no events, or not the ones that the batch says it holds.
 */
export function parseLeaves(batch: Pick<LeafBatch, "firstSeq" | "count" | "leaves">): readonly LedgerEvent[] {
  const events = parseLines(batch.leaves).map(toEvent);
  if (events.length !== batch.count) throw corrupt(batch.firstSeq, `a batch of ${batch.count} holds ${events.length}`);
  for (const [index, event] of events.entries()) {
    if (event.seq !== batch.firstSeq + index) throw corrupt(batch.firstSeq + index, `event ${event.seq} stands here`);
  }
  return events;
}

function parseLines(leaves: string): readonly unknown[] {
  // One parse for the whole batch: a line feed only ever stands between leaves, canonical JSON holds no raw one.
  try {
    return JSON.parse(`[${leaves.replaceAll("\n", ",")}]`) as unknown[];
  } catch (cause) {
    throw new AppError("ledger-corrupt", "a leaf is not JSON", {}, cause);
  }
}

function toEvent(leaf: unknown): LedgerEvent {
  if (!isEvent(leaf)) throw corrupt(-1, "a leaf is no event");
  const { seq, time, type, version, actor, subject, command, facts } = leaf;
  return { seq, time, type, version, actor, subject, command, facts };
}

function corrupt(seq: number, detail: string): AppError {
  return new AppError("ledger-corrupt", detail, { seq });
}

/**
 * Events in order, one group for each command. Throws `ledger-corrupt` when a group's first event is not its own
 * command, which is how a group cut in two would look: commands are never split over batches.
 */
export function groupByCommand(events: readonly LedgerEvent[]): readonly (readonly LedgerEvent[])[] {
  const groups: LedgerEvent[][] = [];
  for (const event of events) {
    if (event.command === event.seq) {
      groups.push([event]);
      continue;
    }
    const group = groups.at(-1);
    if (group?.[0]?.seq !== event.command) throw corrupt(event.seq, "an event stands outside its command");
    group.push(event);
  }
  return groups;
}
