// State at the start: the newest snapshot that verifies, then every later event, verified and folded.

import { AppError } from "../core/errors.ts";
import { parseLeaves } from "../history/leaves.ts";
import { loadState, type SnapshotSource } from "../history/snapshots.ts";
import { apply } from "../kernel/apply.ts";
import type { State } from "../kernel/state.ts";
import type { LogKeys } from "../ledger/key-statement.ts";
import { LogTail } from "../ledger/log-tail.ts";
import type { LedgerReader } from "../wire/contracts/store.ts";

const BATCHES_AT_ONCE = 256;

type Source = SnapshotSource & { readonly store: LedgerReader; readonly logKeys: LogKeys };

/**
 * Throws what the store throws, and `ledger-corrupt` for a log that does not fold, or whose events since the snapshot are
 * not those under its signed head: nothing acts on what somebody wrote into the store.
 */
export async function restoreState(source: Source): Promise<State> {
  const head = await source.store.head();
  const state = await loadState(source, head.size);
  const tail = await LogTail.begin(source.store, state.nextSeq);
  while (state.nextSeq < head.size) {
    const batches = await source.store.readLeaves(state.nextSeq, BATCHES_AT_ONCE);
    if (batches.length === 0)
      throw new AppError("ledger-corrupt", "the log ends before its head", { seq: state.nextSeq });
    for (const batch of batches) {
      tail.add(batch);
      for (const event of parseLeaves(batch)) if (event.seq >= state.nextSeq) apply(state, event);
    }
  }
  tail.end(head, source.logKeys);
  return state;
}
