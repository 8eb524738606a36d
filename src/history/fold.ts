// State from the store: the newest snapshot that verifies, and the events after it. What a start begins with.

import { AppError } from "../core/errors.ts";
import { apply } from "../kernel/apply.ts";
import { parseState } from "../kernel/snapshot.ts";
import { emptyState, type State } from "../kernel/state.ts";
import type { LedgerStore, Snapshot } from "../wire/contracts/store.ts";
import { parseLeaves } from "./leaves.ts";

const BATCHES_PER_READ = 16;

export interface SnapshotSource {
  readonly store: Pick<LedgerStore, "head" | "readBatches" | "latestSnapshot">;
  /** Throws when the snapshot's note is not ours or not of its bytes; the snapshot is then passed over. */
  readonly checkSnapshot: (snapshot: Snapshot) => void | Promise<void>;
  /** A snapshot that was passed over, or could not be saved. Never fatal: the log has everything. */
  readonly onSnapshotProblem: (size: number, cause: unknown) => void;
}

/** The fold of the whole log. Throws what the store throws, and `ledger-corrupt` for a log that does not fold. */
export async function foldLedger(source: SnapshotSource): Promise<State> {
  const { size } = await source.store.head();
  const state = await loadState(source, size);
  while (state.nextSeq < size) {
    const batches = await source.store.readBatches(state.nextSeq, BATCHES_PER_READ);
    if (batches.length === 0) {
      throw new AppError("ledger-corrupt", "the log ends before its head", { seq: state.nextSeq });
    }
    for (const batch of batches) {
      // A snapshot may stand inside a batch: its events before the snapshot are folded already.
      for (const event of parseLeaves(batch)) if (event.seq >= state.nextSeq) apply(state, event);
    }
  }
  return state;
}

/** The state of the newest snapshot of at most `sizeMax` events that verifies; the empty state when there is none. */
export async function loadState(source: SnapshotSource, sizeMax: number): Promise<State> {
  let bound = sizeMax;
  while (bound > 0) {
    const snapshot = await source.store.latestSnapshot(bound);
    if (snapshot === null) break;
    try {
      await source.checkSnapshot(snapshot);
      const state = parseState(Buffer.from(snapshot.bytes).toString("utf8"));
      if (state.nextSeq === snapshot.size) return state;
      throw new AppError("ledger-corrupt", "a snapshot is of another size than it says", { size: snapshot.size });
    } catch (cause) {
      source.onSnapshotProblem(snapshot.size, cause);
      bound = Math.min(bound, snapshot.size) - 1;
    }
  }
  return emptyState();
}
