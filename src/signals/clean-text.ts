// Free text from outside, made fit to keep: well-formed, visible, bounded.

/** What is looked at of one value; longer values are cut before any pattern runs on them. */
const SCANNED_CHARS_MAX = 4096;

// Characters that nobody sees or that reorder what is seen: format controls, fillers, variation selectors and tags.
// Listed rather than \p{Cf}, so that the answer does not change with the Unicode version of the engine.
const INVISIBLE = characterClass(
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff9, 0xfffb],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
);
// Control characters but tab and line feed; the two line separators of Unicode become blanks as well.
const CONTROL = characterClass([0x00, 0x08], [0x0b, 0x1f], [0x7f, 0x9f], [0x2028, 0x2029]);
/** Most text is this, and then there is nothing to clean. */
const VISIBLE_ASCII = /^[\t\n\x20-\x7e]*$/;

/**
 * `text` without lone surrogates (U+FFFD stands for them), invisible and control characters, and at most
 * SCANNED_CHARS_MAX long. A cut ends at a blank, so that half a secret is never left at the edge where no pattern
 * would know it.
 */
export function cleanText(text: string): string {
  let kept = text;
  if (text.length > SCANNED_CHARS_MAX) {
    kept = text.slice(0, SCANNED_CHARS_MAX);
    let end = kept.length;
    while (end > 0 && !isBlank(kept.charCodeAt(end - 1))) end--;
    kept = kept.slice(0, end);
  }
  return visibleText(kept);
}

/** `text` of any length without lone surrogates, invisible and control characters. */
export function visibleText(text: string): string {
  if (VISIBLE_ASCII.test(text)) return text;
  return text.toWellFormed().replaceAll("\r\n", "\n").replace(INVISIBLE, "").replace(CONTROL, " ");
}

/** At most `charsMax` UTF-16 units, the last an ellipsis where something was cut; never half a character. */
export function cutText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const kept = text.slice(0, charsMax - 1);
  const last = kept.charCodeAt(kept.length - 1);
  return `${last >= 0xd800 && last <= 0xdbff ? kept.slice(0, -1) : kept}…`;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a;
}

function characterClass(...ranges: readonly (readonly [first: number, last: number])[]): RegExp {
  const parts = ranges.map(([first, last]) => `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`);
  return new RegExp(`[${parts.join("")}]`, "gu");
}
