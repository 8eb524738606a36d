// The follower thread: folds the durable log, decides every command again, keeps the views, makes snapshots.

import os from "node:os";
import { setImmediate } from "node:timers/promises";
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { openViewStore } from "../adapters/stores/views-sqlite.ts";
import type { JournalMover } from "../adapters/stores/sqlite-journal.ts";
import { assert } from "../core/assert.ts";
import { AppError, isAppError } from "../core/errors.ts";
import { Follower } from "../history/follower.ts";
import { PROJECTIONS_VERSION } from "../history/projections/project.ts";
import { checkLeafHashes } from "../ledger/log-tail.ts";
import { checkSnapshot } from "../ledger/snapshot-note.ts";
import type { LedgerReader, Snapshot } from "../wire/contracts/store.ts";
import type { FollowerData, FollowerReport, FollowerRequest } from "./follower-protocol.ts";
import { loadKeys } from "./keys.ts";
import { openMover, openReader } from "./open-store.ts";
import { PolicyBundles } from "./policy-bundles.ts";
import { readRecordedPayload } from "./recorded-payload.ts";

const NICENESS = 19; // on Linux of this thread alone: decisions come first, reads wait for what they need

class FollowerThread {
  readonly #port: MessagePort;
  #pendingSnapshot: { resolve: () => void; reject: (error: Error) => void } | null = null;
  #follower: Follower | null = null;
  #mover: JournalMover | null = null;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  async start(data: FollowerData): Promise<void> {
    const reader = await openReader(data.place);
    const keys = await loadKeys(reader, data.place.dataDir);
    const bundles = new PolicyBundles();
    const generation = `${PROJECTIONS_VERSION} ${keys.origin}`;
    this.#follower = await Follower.start({
      store: { ...bind(reader), saveSnapshot: (snapshot) => this.#keepSnapshot(snapshot) },
      views: openViewStore(data.viewsPath, generation),
      engine: { version: data.engine, policy: (hash) => bundles.get(hash) },
      loadPolicy: async ({ seq, hash }) => {
        if (bundles.get(hash) !== undefined) return;
        bundles.addRecorded(hash, await readRecordedPayload(reader, keys, seq));
      },
      checkSnapshot: (snapshot) => checkSnapshot(snapshot, reader, keys.logKeys),
      signSnapshot: () => "", // the main thread signs what it stores
      onSnapshotProblem: (size, cause) => this.#problem(`snapshot at ${size}: ${textOf(cause)}`, false),
      onMismatch: (mismatch) => this.#report({ type: "mismatch", mismatch }),
      pause: async () => {
        this.#reportStatus();
        await setImmediate();
      },
      snapshotEveryEvents: data.snapshotEveryEvents,
    });
    this.#mover = openMover(data.place);
    this.#report({ type: "ready" });
  }

  async take(request: FollowerRequest): Promise<void> {
    if (request.do === "snapshot-kept") return this.#snapshotKept(request.ok);
    if (request.do === "move-journal") return this.#mover?.move();
    // One that could not open its stores has nothing to finish, and is still asked to stop.
    if (this.#follower === null) return request.do === "stop" ? this.#report({ type: "stopped" }) : undefined;
    try {
      if (request.do === "catch-up") await this.#follower.catchUp();
      else await this.#follower.stop();
      this.#reportStatus();
    } catch (error) {
      this.#problem(textOf(error), isAppError(error, "ledger-corrupt"));
    }
    if (request.do !== "stop") return;
    this.#mover?.close();
    this.#mover = null;
    this.#report({ type: "stopped" });
  }

  #keepSnapshot(snapshot: Snapshot): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pendingSnapshot = { resolve, reject };
      this.#report({ type: "snapshot", size: snapshot.size, bytes: snapshot.bytes });
    });
  }

  #snapshotKept(ok: boolean): void {
    const pending = this.#pendingSnapshot;
    this.#pendingSnapshot = null;
    if (ok) pending?.resolve();
    else pending?.reject(new AppError("store-unavailable", "the snapshot was not kept"));
  }

  #reportStatus(): void {
    if (this.#follower !== null) this.#report({ type: "status", status: this.#follower.status() });
  }

  #problem(message: string, fatal: boolean): void {
    this.#report({ type: "problem", message, fatal });
  }

  #report(report: FollowerReport): void {
    this.#port.postMessage(report);
  }
}

function bind(reader: LedgerReader): Pick<LedgerReader, "head" | "readLeaves" | "latestSnapshot"> {
  return {
    head: () => reader.head(),
    readLeaves: async (from, max) => {
      const batches = await reader.readLeaves(from, max);
      for (const batch of batches) checkLeafHashes(batch);
      return batches;
    },
    latestSnapshot: (sizeMax) => reader.latestSnapshot(sizeMax),
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

assert(parentPort !== null, "the follower runs as a worker thread");
const port = parentPort;
if (os.platform() === "linux") os.setPriority(NICENESS);
const thread = new FollowerThread(port);
port.on("message", (request: FollowerRequest) => void thread.take(request));
try {
  await thread.start(workerData as FollowerData);
} catch (error) {
  port.postMessage({ type: "problem", message: textOf(error), fatal: true } satisfies FollowerReport);
}
