// What the main thread and the writer thread say to each other. Events cross written down, as drafts that
// are handed over, and are handed back with the answer to be written over.

import { assert } from "../core/assert.ts";
import type { Drafts } from "../ledger/drafts.ts";
import type { Snapshot } from "../wire/contracts/store.ts";
import type { Head } from "../wire/types/event.ts";
import type { KeyPlaces } from "./keys.ts";
import type { StorePlace } from "./open-store.ts";

export type WriterData = {
  readonly place: StorePlace;
  readonly places: KeyPlaces;
  readonly origin: string | undefined;
};

export type WriterRequest =
  | { readonly id: number; readonly do: "append"; readonly drafts: Drafts }
  | { readonly id: number; readonly do: "erase"; readonly keyIds: readonly string[] }
  | { readonly id: number; readonly do: "snapshot"; readonly snapshot: Snapshot }
  | { readonly id: number; readonly do: "close" };

export type WriterAnswer =
  | {
      readonly id: number;
      readonly ok: true;
      readonly head: Head | null;
      readonly count: number;
      /** Those of an append, spent. */
      readonly drafts?: Drafts;
    }
  | { readonly id: number; readonly ok: false; readonly code: string; readonly message: string };

/** Not asked for: the thread is not the ledger's writer any more. */
export type WriterLoss = { readonly lost: string };

/** What to hand over with drafts, so that they cross without being copied: the sender cannot use them any more. */
export function transferOf({ leaves, payloads, index }: Drafts): ArrayBuffer[] {
  return [leaves, payloads, index].map(({ buffer }) => {
    assert(buffer instanceof ArrayBuffer, "drafts stand in memory of one thread");
    return buffer;
  });
}
