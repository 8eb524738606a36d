// What the main thread and the writer thread say to each other. Events cross written down, as lines of one text: the
// writer seals them without reading them.

import { assert } from "../core/assert.ts";
import type { DraftLeaf } from "../ledger/leaf.ts";
import type { Snapshot } from "../wire/contracts/store.ts";
import type { Head, RetentionClass } from "../wire/types/event.ts";
import type { KeyPlaces } from "./keys.ts";
import type { StorePlace } from "./open-store.ts";

export type WriterData = {
  readonly place: StorePlace;
  readonly places: KeyPlaces;
  readonly origin: string | undefined;
};

export type WriterRequest =
  | { readonly id: number; readonly do: "append"; readonly drafts: string }
  | { readonly id: number; readonly do: "erase"; readonly keyIds: readonly string[] }
  | { readonly id: number; readonly do: "snapshot"; readonly snapshot: Snapshot }
  | { readonly id: number; readonly do: "close" };

export type WriterAnswer =
  | { readonly id: number; readonly ok: true; readonly head: Head | null; readonly count: number }
  | { readonly id: number; readonly ok: false; readonly code: string; readonly message: string };

/** Not asked for: the thread is not the ledger's writer any more. */
export type WriterLoss = { readonly lost: string };

const LINES_PER_DRAFT = 6;

/** One text of whole lines: canonical JSON holds no raw line feed. */
export function encodeDrafts(drafts: readonly DraftLeaf[]): string {
  const lines: string[] = [];
  for (const { seq, time, subject, before, after, retention, payload } of drafts) {
    lines.push(`${seq} ${time}`, subject, before, after, retention ?? "", payload ?? "");
  }
  return lines.join("\n");
}

/** Reads what `encodeDrafts` wrote. */
export function decodeDrafts(text: string): DraftLeaf[] {
  const lines = text.split("\n");
  assert(lines.length % LINES_PER_DRAFT === 0, "every draft has all of its lines");
  const drafts: DraftLeaf[] = [];
  for (let at = 0; at < lines.length; at += LINES_PER_DRAFT) {
    const [place = "", subject = "", before = "", after = "", retention = "", payload = ""] = lines.slice(
      at,
      at + LINES_PER_DRAFT,
    );
    const gap = place.indexOf(" ");
    drafts.push({
      seq: Number(place.slice(0, gap)),
      time: Number(place.slice(gap + 1)),
      subject,
      before,
      after,
      retention: retention === "" ? null : (retention as RetentionClass),
      payload: payload === "" ? null : payload,
    });
  }
  return drafts;
}
