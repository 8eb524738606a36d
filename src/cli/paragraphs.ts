// The layout of descriptions: pairs of label and value, and indented sections under a heading.

const LABEL_WIDTH = 14;

/** `Label         value` lines; pairs whose value is null are left out. */
export function pairLines(pairs: readonly (readonly [label: string, value: string | null])[]): string {
  return pairs
    .filter(([, value]) => value !== null)
    .map(([label, value]) => `${label.padEnd(LABEL_WIDTH)}${value ?? ""}`.trimEnd() + "\n")
    .join("");
}

/** A heading with its text indented below it; nothing for an empty text. */
export function section(heading: string, text: string): string {
  return text === "" ? "" : `\n${heading}\n${indent(text)}`;
}

function indent(text: string): string {
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => `  ${line}`.trimEnd() + "\n")
    .join("");
}
