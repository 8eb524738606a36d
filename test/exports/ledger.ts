// A ledger in memory to export from: a workload's events in batches with real leaf hashes, its payloads, and receivers.

import { AppError } from "../../src/core/errors.ts";
import type { Json } from "../../src/core/json.ts";
import { ExportSource } from "../../src/history/export-source.ts";
import { Exporter, type ExporterStatus } from "../../src/history/exporter.ts";
import { hashLeaf } from "../../src/ledger/merkle.ts";
import type {
  Delivery,
  ExportBatch,
  ExportPosition,
  ExportPositions,
  ExportRecord,
  ExportTransport,
} from "../../src/wire/contracts/export.ts";
import type { StoredBatch } from "../../src/wire/contracts/store.ts";
import type { UnsealedEvent } from "../../src/wire/types/event.ts";
import { engineWith } from "../history/fixed-policy.ts";
import { RecordedStore } from "../history/recorder.ts";
import { BUNDLES } from "../history/names.ts";
import { Workload } from "../history/workload.ts";

export const ORIGIN = "holdpoint.test/log";

export class ExportedLedger {
  readonly workload: Workload;
  readonly store = new RecordedStore();
  readonly erased = new Set<number>();
  #groups = 0;

  constructor(seed: number) {
    this.workload = new Workload(engineWith("engine-under-test", BUNDLES), seed);
  }

  /** So many things happen, and become durable in batches of a few commands. */
  grow(steps: number): void {
    for (let step = 0; step < steps; step++) this.workload.step();
    this.store.batches.push(...this.workload.batches(5, this.#groups).map(withHashes));
    this.#groups = this.workload.groups.length;
  }

  get events(): readonly UnsealedEvent[] {
    return this.workload.groups.flat();
  }

  payload = async (seq: number): Promise<Json> => {
    const payload = this.events.find((event) => event.seq === seq)?.payload;
    if (payload === undefined) throw new AppError("event-not-found", "no payload", { seq });
    if (this.erased.has(seq)) throw new AppError("payload-erased", "erased", { seq });
    return payload.body;
  };

  source(content: "none" | "hash" | "full" = "none"): ExportSource {
    return new ExportSource({ reader: this.store, origin: ORIGIN, payload: this.payload, content });
  }
}

function withHashes(batch: StoredBatch): StoredBatch {
  const leafHashes = Buffer.concat(batch.leaves.split("\n").map((line) => hashLeaf(line)));
  return { ...batch, leafHashes, checkpoint: `${ORIGIN}\n${batch.firstSeq + batch.count}\nroot\n` };
}

/** Keeps what it accepts. `next` decides about each batch: how many it takes, and whether it says so. */
export class MemoryTransport implements ExportTransport {
  readonly recordsMax: number;
  readonly received: ExportRecord[] = [];
  largest = 0;
  next: (batch: ExportBatch) => Delivery | "throw" = (batch) => taken(batch, batch.records.length);

  constructor(recordsMax = 50) {
    this.recordsMax = recordsMax;
  }

  async deliver(batch: ExportBatch): Promise<Delivery> {
    this.largest = Math.max(this.largest, batch.records.length);
    const delivery = this.next(batch);
    if (delivery === "throw") throw new Error("a fault of the transport");
    return delivery;
  }

  /** Takes the first `count`, in the end answering as asked. */
  keep(batch: ExportBatch, count: number): void {
    this.received.push(...batch.records.slice(0, count));
  }
}

export function taken({ records }: ExportBatch, accepted: number, code = "down"): Delivery {
  const failure = accepted === records.length ? null : { code, retryAfterMs: null };
  return { accepted, rejected: 0, memo: `after ${records[accepted - 1]?.id ?? "nothing"}`, failure };
}

export class MemoryPositions implements ExportPositions {
  position: ExportPosition | null = null;
  saves = 0;

  async load(): Promise<ExportPosition | null> {
    return this.position;
  }

  async save(position: ExportPosition): Promise<void> {
    this.saves++;
    this.position = position;
  }
}

export type Exporting = {
  readonly ledger: ExportedLedger;
  readonly transport: ExportTransport;
  readonly positions: ExportPositions;
  readonly content?: "none" | "hash" | "full";
  /** Ends the run when true; asked at each pause. */
  readonly until: (pauses: number) => boolean;
};

/** Runs an exporter until it is told to end; every status that it reported. */
export async function exportUntil(of: Exporting): Promise<readonly ExporterStatus[]> {
  const statuses: ExporterStatus[] = [];
  const stop = new AbortController();
  let pauses = 0;
  const exporter = new Exporter({
    name: "memory",
    origin: ORIGIN,
    source: of.ledger.source(of.content),
    transport: of.transport,
    positions: of.positions,
    sleep: async () => {
      await new Promise(setImmediate);
      if (of.until(++pauses)) stop.abort();
    },
    onStatus: (status) => void statuses.push(status),
  });
  await exporter.run(stop.signal);
  return statuses;
}
