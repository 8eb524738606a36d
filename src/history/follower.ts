// The follower: folds the durable log behind the live loop, decides every command again, and keeps views and snapshots.
//
//   load the latest snapshot ─► read batches ─► group by command ─► decide again and fold ─► project ─► write views
//                                                                                    └─► a snapshot every N events
//
// State and views have positions of their own: after a crash, or when the views were thrown away, the one behind is
// brought up first. It never writes to the log, and the live loop never waits for it.

import { AppError } from "../core/errors.ts";
import { apply } from "../kernel/apply.ts";
import { serializeState, stateHash } from "../kernel/snapshot.ts";
import { emptyState, type State } from "../kernel/state.ts";
import type { Engine } from "../kernel/transaction.ts";
import type { LedgerStore } from "../wire/contracts/store.ts";
import type { ViewStore } from "../wire/contracts/views.ts";
import type { LedgerEvent } from "../wire/types/event.ts";
import { groupByCommand, parseLeaves } from "./leaves.ts";
import { Documents } from "./projections/documents.ts";
import { project } from "./projections/project.ts";
import { redecide, type Mismatch } from "./redecide.ts";
import { loadState, type SnapshotSource } from "./snapshots.ts";

const BATCHES_PER_READ = 8;
const EVENTS_PER_WRITE = 2_000;
const SNAPSHOT_EVERY_EVENTS = 50_000;
const MISMATCHES_REPORTED_MAX = 100;
const BUNDLE_EVENTS: ReadonlySet<string> = new Set(["policy.proposed", "policy.activated"]);

export interface FollowerParts extends SnapshotSource {
  readonly store: Pick<LedgerStore, "head" | "readLeaves" | "latestSnapshot" | "saveSnapshot">;
  readonly views: ViewStore;
  /** Its `policy` answers from a cache that `loadPolicy` fills. */
  readonly engine: Engine;
  /**
   * Makes a bundle known to the engine before the command that proposed it is decided again, and after a snapshot was
   * loaded; `seq` is the event whose payload holds the bytes. Resolves without doing so when they are gone or do not
   * load: what needs the bundle is then not compared. A rejection stops the catch-up, which may be tried again.
   */
  readonly loadPolicy: (bundle: { readonly seq: number; readonly hash: string }) => Promise<void>;
  /** The signed note of a snapshot. */
  readonly signSnapshot: (size: number, bytes: Uint8Array) => string | Promise<string>;
  /** A decision that came out otherwise than recorded; at most 100 are reported, all are counted. */
  readonly onMismatch: (mismatch: Mismatch) => void;
  /** Lets other work of the thread run; called between writes of the views. */
  readonly pause: () => Promise<void>;
  /** 50,000 when absent. */
  readonly snapshotEveryEvents?: number;
}

export interface FollowerStatus {
  /** Number of events in the views, which is what readers see. */
  readonly position: number;
  readonly stateSize: number;
  readonly snapshotSize: number;
  /** Commands decided again and found equal, found different, and those of another engine or without their bundle. */
  readonly compared: number;
  readonly mismatched: number;
  readonly notCompared: number;
}

export class Follower {
  readonly #parts: FollowerParts;
  readonly #documents: Documents;
  #state: State = emptyState();
  #viewsPosition = 0;
  #unwritten = 0;
  #sincePause = 0;
  #snapshotSize = 0;
  #snapshotTried = 0;
  #compared = 0;
  #mismatched = 0;
  #notCompared = 0;
  #stopping = false;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  private constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#documents = new Documents(parts.views);
  }

  /** Loads the newest snapshot that verifies, or begins at the beginning. Throws what the store throws. */
  static async start(parts: FollowerParts): Promise<Follower> {
    const follower = new Follower(parts);
    const { size } = await parts.store.head();
    follower.#state = await loadState(parts, size);
    follower.#snapshotSize = follower.#state.nextSeq;
    follower.#snapshotTried = follower.#state.nextSeq;
    for (const [hash, seq] of follower.#state.proposedBundles) await parts.loadPolicy({ seq, hash });
    follower.#viewsPosition = parts.views.position();
    if (follower.#viewsPosition > size) follower.#resetViews(); // views of a log that was longer, or another
    return follower;
  }

  status(): FollowerStatus {
    return {
      position: this.#viewsPosition - this.#unwritten,
      stateSize: this.#state.nextSeq,
      snapshotSize: this.#snapshotSize,
      compared: this.#compared,
      mismatched: this.#mismatched,
      notCompared: this.#notCompared,
    };
  }

  /** Hash of the fold so far, for comparing with another fold of as many events. */
  stateHash(): string {
    return stateHash(this.#state);
  }

  /**
   * Folds and projects all that is durable when it is called; resolves when readers can see it. Calls made while one
   * runs share the next. Rejects with what the store threw (try again), or with `ledger-corrupt` (do not).
   */
  catchUp(): Promise<void> {
    if (this.#running === null) {
      this.#running = this.#run().finally(() => (this.#running = null));
      return this.#running;
    }
    const follow = (): Promise<void> => {
      this.#next = null;
      return this.catchUp();
    };
    this.#next ??= this.#running.then(follow, follow);
    return this.#next;
  }

  /** Ends a running catch-up between two commands, and leaves a snapshot of where the state stands. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running?.catch(() => undefined);
    if (this.#state.nextSeq > this.#snapshotSize) await this.#saveSnapshot();
  }

  async #run(): Promise<void> {
    const target = (await this.#parts.store.head()).size;
    for (;;) {
      const from = Math.min(this.#state.nextSeq, this.#viewsPosition);
      if (from >= target || this.#stopping) return this.#writeViews();
      const batches = await this.#parts.store.readLeaves(from, BATCHES_PER_READ);
      if (batches.length === 0) throw new AppError("ledger-corrupt", "the log ends before its head", { seq: from });
      for (const batch of batches) {
        await this.#followBatch(groupByCommand(parseLeaves(batch)));
        if (this.#stopping) return this.#writeViews();
      }
    }
  }

  async #followBatch(groups: readonly (readonly LedgerEvent[])[]): Promise<void> {
    for (const group of groups) {
      const first = group[0]?.seq ?? 0;
      if (first >= this.#state.nextSeq) await this.#fold(group);
      if (first >= this.#viewsPosition) this.#project(group);
      this.#sincePause += group.length;
      if (this.#sincePause >= EVENTS_PER_WRITE) {
        this.#sincePause = 0;
        this.#writeViews();
        await this.#parts.pause();
      }
      const every = this.#parts.snapshotEveryEvents ?? SNAPSHOT_EVERY_EVENTS;
      if (this.#state.nextSeq - this.#snapshotTried >= every) await this.#saveSnapshot();
      if (this.#stopping) return;
    }
  }

  async #fold(group: readonly LedgerEvent[]): Promise<void> {
    for (const event of group) {
      if (event.type !== "policy.proposed") continue;
      await this.#parts.loadPolicy({ seq: event.seq, hash: event.facts["bundleHash"] as string });
    }
    if (!this.#isComparable(group)) {
      for (const event of group) apply(this.#state, event);
      this.#notCompared++;
      return;
    }
    const mismatch = redecide({ state: this.#state, engine: this.#parts.engine, group });
    if (mismatch === null) {
      this.#compared++;
      return;
    }
    this.#mismatched++;
    if (this.#mismatched <= MISMATCHES_REPORTED_MAX) this.#parts.onMismatch(mismatch);
  }

  /** Equal decisions are owed by the same engine only, and with the bytes of every bundle that is in play. */
  #isComparable(group: readonly LedgerEvent[]): boolean {
    const { engine } = this.#parts;
    const first = group[0];
    const decidedBy = first?.type === "engine.started" ? first.facts["engine"] : this.#state.engine;
    if (decidedBy !== engine.version) return false;
    const isLoaded = (bundle: unknown): boolean => typeof bundle !== "string" || engine.policy(bundle) !== undefined;
    return (
      isLoaded(this.#state.bundleHash) &&
      group.every(({ type, facts }) => !BUNDLE_EVENTS.has(type) || isLoaded(facts["bundleHash"]))
    );
  }

  #project(group: readonly LedgerEvent[]): void {
    for (const event of group) project(this.#documents, event);
    this.#viewsPosition += group.length;
    this.#unwritten += group.length;
  }

  /** One transaction; when it fails, the changes stay and the next write takes them along. */
  #writeViews(): void {
    if (this.#unwritten === 0) return;
    this.#parts.views.write(this.#documents.changes(), this.#viewsPosition);
    this.#documents.written();
    this.#unwritten = 0;
  }

  #resetViews(): void {
    this.#parts.views.reset();
    this.#documents.clear();
    this.#viewsPosition = 0;
    this.#unwritten = 0;
  }

  /** A snapshot that cannot be saved is tried again after as many events as one takes: views do not wait for it. */
  async #saveSnapshot(): Promise<void> {
    const size = this.#state.nextSeq;
    this.#snapshotTried = size;
    try {
      const bytes = Buffer.from(serializeState(this.#state), "utf8");
      const note = await this.#parts.signSnapshot(size, bytes);
      await this.#parts.store.saveSnapshot({ size, bytes, note });
      this.#snapshotSize = size;
    } catch (cause) {
      this.#parts.onSnapshotProblem(size, cause);
    }
  }
}
