// Identifiers made from ledger sequence numbers: unique, sortable, and equal again on replay.

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"; // Crockford base32, lower case
const WIDTH = 9; // 45 bits: more events than one log will hold

export type IdPrefix = "sig" | "inc" | "run" | "act" | "grt" | "hld" | "stp" | "eng" | "brk" | "pol";

/** `act_000000012`: the prefix names the kind, the rest is the sequence of the event that created it. */
export function idFromSeq(prefix: IdPrefix, seq: number, index = 0): string {
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
  const body = id.slice(prefix.length + 1).split(".")[0] ?? "";
  if (body.length !== WIDTH) return undefined;
  let seq = 0;
  for (const char of body) {
    const digit = ALPHABET.indexOf(char);
    if (digit < 0) return undefined;
    seq = seq * 32 + digit;
  }
  return seq;
}
