// Text that others wrote, split into what shows itself and what would hide, reorder or end it: that is named instead.

/**
 * Control, format (bidirectional overrides, zero-width, tags), surrogate, private-use and unassigned characters, line and
 * paragraph separators, spaces other than the plain one, letters that show nothing, and variation selectors.
 */
const UNSEEN =
  /[\p{C}\p{Zl}\p{Zp}\u{a0}\u{1680}\u{2000}-\u{200a}\u{202f}\u{205f}\u{3000}\u{115f}\u{1160}\u{3164}\u{ffa0}]|\p{Variation_Selector}/gu;

/** Either text as it is, or the name of a character that cannot be seen: `U+202E`. */
export type Segment = { readonly text: string; readonly isUnseen: boolean };

/** `lines`: line feeds and tabs may stay, because the place shows several lines. */
export function visibleText(text: string, { lines }: { lines: boolean }): readonly Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  for (const match of text.matchAll(UNSEEN)) {
    if (lines && (match[0] === "\n" || match[0] === "\t")) continue;
    if (match.index > at) segments.push({ text: text.slice(at, match.index), isUnseen: false });
    segments.push({ text: nameOf(match[0]), isUnseen: true });
    at = match.index + match[0].length;
  }
  if (at < text.length) segments.push({ text: text.slice(at), isUnseen: false });
  return segments;
}

function nameOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** The same as one string, for places that take text alone: titles, labels, what is copied into a sentence. */
export function plainText(text: string): string {
  return visibleText(text, { lines: false })
    .map((segment) => (segment.isUnseen ? `‹${segment.text}›` : segment.text))
    .join("");
}
