// State from snapshots: the newest one that verifies. What a fold begins with.

import { AppError } from "../core/errors.ts";
import { parseState } from "../kernel/snapshot.ts";
import { emptyState, type State } from "../kernel/state.ts";
import type { LedgerReader, Snapshot } from "../wire/contracts/store.ts";

export interface SnapshotSource {
  readonly store: Pick<LedgerReader, "latestSnapshot">;
  /** Throws when the snapshot's note is not ours or not of its bytes; the snapshot is then passed over. */
  readonly checkSnapshot: (snapshot: Snapshot) => void | Promise<void>;
  /** A snapshot that was passed over, or could not be saved. Never fatal: the log has everything. */
  readonly onSnapshotProblem: (size: number, cause: unknown) => void;
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
