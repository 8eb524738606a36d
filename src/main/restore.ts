// State at the start: the newest snapshot that verifies, then every later event folded.

import { AppError } from "../core/errors.ts";
import { parseLeaves } from "../history/leaves.ts";
import { loadState, type SnapshotSource } from "../history/snapshots.ts";
import { apply } from "../kernel/apply.ts";
import type { State } from "../kernel/state.ts";
import type { LedgerReader } from "../wire/contracts/store.ts";

const BATCHES_AT_ONCE = 256;

/** Throws what the store throws, and `ledger-corrupt` for a log that does not fold. */
export async function restoreState(source: SnapshotSource & { readonly store: LedgerReader }): Promise<State> {
  const { size } = await source.store.head();
  const state = await loadState(source, size);
  while (state.nextSeq < size) {
    const batches = await source.store.readBatches(state.nextSeq, BATCHES_AT_ONCE);
    if (batches.length === 0)
      throw new AppError("ledger-corrupt", "the log ends before its head", { seq: state.nextSeq });
    for (const batch of batches) {
      for (const event of parseLeaves(batch)) if (event.seq >= state.nextSeq) apply(state, event);
    }
  }
  return state;
}
