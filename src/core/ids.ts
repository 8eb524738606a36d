// Identifiers made from ledger sequence numbers: unique, sortable, and equal again on replay.

import { assert } from "./assert.ts";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"; // Crockford base32, lower case
const WIDTH = 9; // 45 bits: more events than one log will hold
const SEQ_END = 2 ** 45;
const INDEX_END = 1_000_000;
const BODY = /^([0-9a-hjkmnp-tv-z]{9})(\.[1-9][0-9]{0,5})?$/;

export type IdPrefix =
  | "rev"
  | "sig"
  | "inc"
  | "run"
  | "act"
  | "grt"
  | "hld"
  | "stp"
  | "eng"
  | "brk"
  | "pol"
  | "stg"
  | "stm"
  | "sil"
  | "rvt"
  | "grs"
  | "lvl";

/**
 * `act_000000012`: the prefix names the kind, the rest is the sequence of the event that created it. `index` tells apart
 * what one event created (`act_000000012.1`); the first has none.
 */
export function idFromSeq(prefix: IdPrefix, seq: number, index = 0): string {
  assert(Number.isInteger(seq) && seq >= 0 && seq < SEQ_END, "an id's sequence has at most 45 bits");
  assert(Number.isInteger(index) && index >= 0 && index < INDEX_END, "an id's index has at most six digits");
  let rest = seq;
  let text = "";
  for (let i = 0; i < WIDTH; i++) {
    text = (ALPHABET[rest % 32] as string) + text;
    rest = Math.floor(rest / 32);
  }
  return index === 0 ? `${prefix}_${text}` : `${prefix}_${text}.${index}`;
}

/** The sequence number inside an id, or undefined when the text is no id with this prefix. */
export function seqFromId(prefix: IdPrefix, id: string): number | undefined {
  if (!id.startsWith(`${prefix}_`)) return undefined;
  const digits = BODY.exec(id.slice(prefix.length + 1))?.[1];
  if (digits === undefined) return undefined;
  let seq = 0;
  for (const digit of digits) seq = seq * 32 + ALPHABET.indexOf(digit);
  return seq;
}
