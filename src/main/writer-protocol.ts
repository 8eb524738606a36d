// What the main thread and the writer thread say to each other. Events cross as one JSON text: cheaper than cloning.

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
  | { readonly id: number; readonly do: "append"; readonly events: string }
  | { readonly id: number; readonly do: "erase"; readonly keyIds: readonly string[] }
  | { readonly id: number; readonly do: "snapshot"; readonly snapshot: Snapshot }
  | { readonly id: number; readonly do: "close" };

export type WriterAnswer =
  | { readonly id: number; readonly ok: true; readonly head: Head | null; readonly count: number }
  | { readonly id: number; readonly ok: false; readonly code: string; readonly message: string };
