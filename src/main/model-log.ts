// The model's log: the graph restored from it, verified, and events appended, durable before they are folded.

import { join } from "node:path";
import { openSqlite } from "../adapters/stores/sqlite.ts";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { Random } from "../core/random.ts";
import { parseLeaves } from "../history/leaves.ts";
import { LogTail } from "../ledger/log-tail.ts";
import { Sealer } from "../ledger/seal.ts";
import { checkSnapshot, sealSnapshot } from "../ledger/snapshot-note.ts";
import { MODEL_FORMAT, type ModelDraft, type ModelEvent } from "../model/events.ts";
import { Graph } from "../model/graph.ts";
import { parseGraph, serializeGraph } from "../model/snapshot.ts";
import type { LedgerStore } from "../wire/contracts/store.ts";
import type { LedgerEvent } from "../wire/types/event.ts";
import type { InstallationKeys } from "./keys.ts";

const BATCHES_AT_ONCE = 256;
const MAINTAIN_EVERY_APPENDS = 500;

export function modelPath(dataDir: string): string {
  return join(dataDir, "model.db");
}

export interface ModelLogParts {
  readonly dataDir: string;
  readonly keys: InstallationKeys;
  readonly clock: Pick<Clock, "nowMs">;
  readonly random: Random;
  readonly snapshotEveryEvents: number;
  /** A snapshot that was passed over, or could not be saved: the log has everything. */
  readonly onSnapshotProblem: (size: number, cause: unknown) => void;
}

/** One writer, in its own thread. After an append that failed, nothing is appended any more. */
export class ModelLog {
  readonly graph: Graph;
  readonly #parts: ModelLogParts;
  readonly #store: LedgerStore;
  readonly #sealer: Sealer;
  #snapshotSize: number;
  #appends = 0;
  #failed = false;

  private constructor(
    parts: ModelLogParts,
    opened: { store: LedgerStore; sealer: Sealer; graph: Graph; from: number },
  ) {
    this.#parts = parts;
    this.#store = opened.store;
    this.#sealer = opened.sealer;
    this.graph = opened.graph;
    this.#snapshotSize = opened.from;
  }

  /** Throws what the store throws, and `ledger-corrupt` for a log that is not the one under its signed head. */
  static async open(parts: ModelLogParts): Promise<ModelLog> {
    const { keys, random } = parts;
    const store = openSqlite(modelPath(parts.dataDir));
    try {
      await describe(store, keys);
      const { graph, from } = await restore(store, parts);
      const { signer, keyEncryptionKey, logKeys } = keys;
      const sealer = await Sealer.resume(store, logKeys, { signer, random, keyEncryptionKey });
      const log = new ModelLog(parts, { store, sealer, graph, from });
      if (graph.size === 0) {
        await log.append({ type: "model.opened", facts: { format: MODEL_FORMAT } }, "system:model");
      }
      return log;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Resolves when the event is durable and folded. A rejection means that the log's end is unknown: open it anew. */
  async append(draft: ModelDraft, actor: string): Promise<void> {
    if (this.#failed) throw new AppError("commit-unknown", "an earlier append to the model's log failed");
    const seq = this.graph.size;
    const time = Math.max(this.graph.time, this.#parts.clock.nowMs());
    const header = { seq, time, type: draft.type, version: 1, actor, subject: "model", command: seq };
    this.#failed = true;
    const batch = this.#sealer.seal([{ ...header, facts: draft.facts as unknown as JsonObject }]);
    await this.#store.append(batch);
    this.graph.apply({ seq, time, ...draft });
    this.#failed = false;
    if (++this.#appends % MAINTAIN_EVERY_APPENDS === 0) await this.#store.maintain?.().catch(() => undefined);
    if (seq - this.#snapshotSize >= this.#parts.snapshotEveryEvents) await this.#saveSnapshot();
  }

  async close(): Promise<void> {
    if (!this.#failed) await this.#store.maintain?.().catch(() => undefined);
    await this.#store.close();
  }

  async #saveSnapshot(): Promise<void> {
    const { keys, onSnapshotProblem } = this.#parts;
    const { size } = this.graph;
    this.#snapshotSize = size;
    try {
      const bytes = serializeGraph(this.graph);
      const { logKeys, signer } = keys;
      await this.#store.saveSnapshot(await sealSnapshot({ size, bytes }, this.#store, { keys: logKeys, signer }));
    } catch (error) {
      onSnapshotProblem(size, error);
    }
  }
}

/** What verification reads beside the log. */
async function describe(store: LedgerStore, { origin, root, statements }: InstallationKeys): Promise<void> {
  if ((await store.readMeta("statements")) === statements) return;
  const known = await store.readMeta("origin");
  if (known !== null && known !== origin)
    throw new AppError("ledger-corrupt", "the model's log is another installation's");
  await store.writeMeta("origin", origin);
  await store.writeMeta("root", root.text);
  await store.writeMeta("statements", statements);
}

async function restore(
  store: LedgerStore,
  { keys, onSnapshotProblem }: ModelLogParts,
): Promise<{ graph: Graph; from: number }> {
  const head = await store.head();
  const graph = await fromSnapshot(store, { keys, sizeMax: head.size, onSnapshotProblem });
  const from = graph.size;
  const tail = await LogTail.begin(store, from);
  while (graph.size < head.size) {
    const batches = await store.readLeaves(graph.size, BATCHES_AT_ONCE);
    if (batches.length === 0) throw new AppError("ledger-corrupt", "the model's log ends before its head", {});
    for (const batch of batches) {
      tail.add(batch);
      for (const event of parseLeaves(batch)) if (event.seq >= graph.size) graph.apply(modelEvent(event));
    }
  }
  tail.end(head, keys.logKeys);
  return { graph, from };
}

type From = Pick<ModelLogParts, "keys" | "onSnapshotProblem"> & { readonly sizeMax: number };

async function fromSnapshot(store: LedgerStore, { keys, sizeMax, onSnapshotProblem }: From): Promise<Graph> {
  let bound = sizeMax;
  while (bound > 0) {
    const snapshot = await store.latestSnapshot(bound);
    if (snapshot === null) break;
    try {
      await checkSnapshot(snapshot, store, keys.logKeys);
      const graph = parseGraph(snapshot.bytes);
      if (graph.size === snapshot.size) return graph;
      throw new AppError("ledger-corrupt", "a snapshot is of another size than it says");
    } catch (cause) {
      onSnapshotProblem(snapshot.size, cause);
      bound = Math.min(bound, snapshot.size) - 1;
    }
  }
  return new Graph();
}

/** The fold checks what it needs of the facts; the log key signed them. */
function modelEvent({ seq, time, type, facts }: LedgerEvent): ModelEvent {
  return { seq, time, type, facts } as unknown as ModelEvent;
}
