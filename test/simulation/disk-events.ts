// What the disk of a simulated world holds, as events.

import { parseLeaves } from "../../src/history/leaves.ts";
import type { SealedBatch } from "../../src/wire/contracts/store.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import type { World } from "./world.ts";

/** All events on the disk; for reading alone, since they are kept. */
export function eventsOf(world: World): readonly LedgerEvent[] {
  return eventsSuch(world, () => true);
}

export function parseBatch({ firstSeq, count, leaves }: SealedBatch): readonly LedgerEvent[] {
  return parseLeaves({ firstSeq, count, leaves: Buffer.from(leaves).toString() });
}

/** What was parsed at an earlier call: a batch on the disk is replaced, never changed. */
const parsed = new WeakMap<SealedBatch, readonly LedgerEvent[]>();

/** Those about one subject. */
export function eventsAbout(world: World, subject: string): readonly LedgerEvent[] {
  return eventsSuch(world, (event) => event.subject === subject);
}

/** Those that are such; for reading alone, since they are kept. */
export function eventsSuch(world: World, isSuch: (event: LedgerEvent) => boolean): readonly LedgerEvent[] {
  return world.disk.batches.flatMap((batch) => {
    const events = parsed.get(batch) ?? parseBatch(batch);
    parsed.set(batch, events);
    return events.filter(isSuch);
  });
}
