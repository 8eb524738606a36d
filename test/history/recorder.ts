// Drives the kernel's own decide and keeps what it records, as leaves and batches: a ledger without its seals.

import { isAppError } from "../../src/core/errors.ts";
import type { Command, CommandInputs, Reply } from "../../src/kernel/command.ts";
import { decide } from "../../src/kernel/decide.ts";
import { emptyState, type State } from "../../src/kernel/state.ts";
import { Transaction, type Engine } from "../../src/kernel/transaction.ts";
import { leafText } from "../../src/ledger/leaf.ts";
import type { Snapshot, StoredBatch } from "../../src/wire/contracts/store.ts";
import type { LedgerEvent, UnsealedEvent } from "../../src/wire/types/event.ts";
import type { Head } from "../../src/wire/types/event.ts";

export const START_MS = 1_700_000_000_000;

export class Recorder {
  readonly state: State = emptyState();
  readonly engine: Engine;
  /** One group for each command that recorded something. */
  readonly groups: (readonly UnsealedEvent[])[] = [];
  nowMs = START_MS;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Decides as the live loop does; null for a command that was refused with an AppError. */
  submit(command: Command): Reply | null {
    const tx = new Transaction({ state: this.state, engine: this.engine, command, now: this.nowMs });
    try {
      const reply = decide(tx);
      if (tx.events.length > 0) this.groups.push(tx.events);
      return reply;
    } catch (error) {
      if (isAppError(error) && tx.events.length === 0) return null;
      throw error;
    }
  }

  /** Canonical leaves, in order. */
  leaves(): readonly string[] {
    return this.groups.flat().map((event) => leafText(headerAndFacts(event), null));
  }

  /** Batches of so many commands each, from the given group on. */
  batches(groupsEach: number, fromGroup = 0): readonly StoredBatch[] {
    const batches: StoredBatch[] = [];
    for (let at = fromGroup; at < this.groups.length; at += groupsEach) {
      batches.push(batchOf(this.groups.slice(at, at + groupsEach).flat()));
    }
    return batches;
  }
}

function headerAndFacts({ payload: _payload, ...event }: UnsealedEvent): LedgerEvent {
  return event;
}

function batchOf(events: readonly UnsealedEvent[]): StoredBatch {
  return {
    firstSeq: events[0]?.seq ?? 0,
    count: events.length,
    leaves: events.map((event) => leafText(headerAndFacts(event), null)).join("\n"),
    leafHashes: new Uint8Array(0),
    payloads: [],
    checkpoint: "",
  };
}

/** What the follower needs of a store, over batches in memory. */
export class RecordedStore {
  readonly batches: StoredBatch[] = [];
  readonly snapshots: Snapshot[] = [];
  reads = 0;

  async head(): Promise<Head> {
    const last = this.batches.at(-1);
    return { size: last === undefined ? 0 : last.firstSeq + last.count, checkpoint: null };
  }

  async readLeaves(fromSeq: number, batchesMax: number): Promise<readonly StoredBatch[]> {
    this.reads++;
    let low = 0;
    let high = this.batches.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const batch = this.batches[middle];
      if (batch !== undefined && batch.firstSeq + batch.count <= fromSeq) low = middle + 1;
      else high = middle;
    }
    return this.batches.slice(low, low + batchesMax);
  }

  async latestSnapshot(sizeMax: number): Promise<Snapshot | null> {
    return this.snapshots.findLast((snapshot) => snapshot.size <= sizeMax) ?? null;
  }

  async saveSnapshot(snapshot: Snapshot): Promise<void> {
    this.snapshots.push(snapshot);
  }
}

export function command<T extends Command["type"]>(type: T, actor: string, input: CommandInputs[T]): Command {
  return { type, actor, input } as unknown as Command;
}
