// Values from a seed: the same seed makes the same corpus, on every machine.

export type Random = {
  /** An integer from 0 to `below` - 1. */
  readonly below: (below: number) => number;
  /** One of them. */
  readonly pick: <T>(from: readonly T[]) => T;
};

/** mulberry32. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
  return {
    below,
    pick: (from) => {
      const one = from[below(from.length)];
      if (one === undefined) throw new Error("nothing to pick from");
      return one;
    },
  };
}

const DIGITS = "0123456789";
const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = LOWER.toUpperCase();
const ALPHABETS: Readonly<Record<string, string>> = {
  dig: DIGITS,
  hex: `${DIGITS}abcdef`,
  HEX: `${DIGITS}ABCDEF`,
  low: DIGITS + LOWER,
  alpha: LOWER + UPPER,
  letters: LOWER,
  UP: DIGITS + UPPER,
  b32: `${UPPER}234567`,
  b62: DIGITS + UPPER + LOWER,
  b64: `${DIGITS}${UPPER}${LOWER}+/`,
  b64u: `${DIGITS}${UPPER}${LOWER}_-`,
};

/** `AB{hex:8}-{dig:4}` with each brace replaced by that many characters of that alphabet; `{uuid}` is a uuid. */
export function fillForm(form: string, random: Random): string {
  const expanded = form.replaceAll("{uuid}", "{hex:8}-{hex:4}-4{hex:3}-a{hex:3}-{hex:12}");
  return expanded.replaceAll(/\{(\w+):(\d+)\}/g, (_, name: string, count: string) => {
    const alphabet = ALPHABETS[name];
    if (alphabet === undefined) throw new Error(`no alphabet ${name}`);
    return Array.from({ length: Number(count) }, () => alphabet[random.below(alphabet.length)]).join("");
  });
}
