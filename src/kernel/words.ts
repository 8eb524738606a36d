// Which of a pager's or a tracker's words counts: they overtake each other, and come twice.

import type { TrackedState } from "../wire/types/signal.ts";
import type { Word } from "./stands.ts";

type Said = { readonly state: TrackedState; readonly at: number | null; readonly revision: number | null };

/**
 * The word that counts after another was said, which came at `receivedAt`: the later one by the sender's count of its
 * changes, else by its clock, where that is plausible. That something else changed says nothing about how it stands.
 */
export function latestWord(known: Word | undefined, said: Said, receivedAt: number): Word {
  const word = { state: said.state, at: said.at ?? receivedAt, revision: said.revision };
  if (known === undefined) return word;
  const isOlder =
    known.revision !== null && word.revision !== null ? word.revision < known.revision : word.at < known.at;
  if (isOlder) return known;
  return said.state === "updated" ? { ...word, state: known.state } : word;
}
