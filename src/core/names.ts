// Plain names: services, environments and components may only look like what they are.

const NAME_CHARS_MAX = 128;
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._/-]*$/;

/**
 * The canonical form (ASCII blanks trimmed, lower case) of a name made of ASCII letters, digits, `.`, `_`, `/` and `-`,
 * beginning with a letter or digit, of at most 128 characters; undefined for anything else. An allow-list needs no
 * table of look-alikes, invisible or bidirectional characters. It is tested before lower-casing, because `toLowerCase`
 * turns the Kelvin sign into an ordinary k, and `trim` removes blanks that nobody sees.
 */
export function plainName(text: string): string | undefined {
  if (text.length > 2 * NAME_CHARS_MAX) return undefined;
  const trimmed = text.replace(/^ +/, "").replace(/ +$/, "");
  if (trimmed.length > NAME_CHARS_MAX || !PLAIN.test(trimmed)) return undefined;
  return trimmed.toLowerCase();
}

/** True when `plainName` accepts it. */
export function isPlainName(text: string): boolean {
  return plainName(text) !== undefined;
}
