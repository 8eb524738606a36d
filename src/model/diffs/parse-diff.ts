// Reads unified diffs, whole or shortened, into the lines of each file.

export interface ChangedLine {
  readonly sign: " " | "+" | "-";
  readonly text: string;
}

export interface FileDiff {
  readonly path: string;
  readonly lines: readonly ChangedLine[];
}

const DIFF_LINES_MAX = 20_000;
/** A longer line is nobody's setting, and patterns are slow on it. */
const LINE_CHARS_MAX = 500;

/** Hunk headings give lines, `@@ -1,5 +1,5 @@`; shortened diffs name a file instead, `@@ pkg/db/pool.go: func X() @@`. */
const HUNK = /^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@/;
const NAMED = /^@@ ?([\w./-]+\.[\w]+)/;

/** Lines before any file is named belong to the first of `files`. */
export function parseDiff(diff: string, files: readonly string[]): FileDiff[] {
  const found: { path: string; lines: ChangedLine[] }[] = [];
  const open = (path: string): void => {
    if (found.at(-1)?.path !== path) found.push({ path, lines: [] });
  };
  const named = (text: string): string => files.find((file) => file.endsWith(text)) ?? text;
  for (const whole of diff.split("\n", DIFF_LINES_MAX)) {
    const line = whole.endsWith("\r") ? whole.slice(0, -1) : whole;
    if (line.length > LINE_CHARS_MAX) continue;
    if (/^(diff |index |--- |new file|deleted file|similarity|rename )/.test(line)) continue;
    const path = /^\+\+\+ (?:b\/)?(\S+)/.exec(line)?.[1] ?? (HUNK.test(line) ? undefined : NAMED.exec(line)?.[1]);
    if (path !== undefined) {
      open(named(path));
      continue;
    }
    if (line.startsWith("@@")) continue;
    const sign = line[0];
    if (found.length === 0) open(files[0] ?? "");
    if (sign === "+" || sign === "-" || sign === " ") found.at(-1)?.lines.push({ sign, text: line.slice(1) });
  }
  return found;
}

/** Changed lines that are not read: longer than any setting, or beyond the bound. */
export function countSkipped(diff: string): number {
  let skipped = 0;
  let number = 0;
  for (let at = 0; at < diff.length; number++) {
    const newline = diff.indexOf("\n", at);
    const end = newline < 0 ? diff.length : newline;
    const isChanged = /^(?:\+(?!\+\+ )|-(?!-- ))/.test(diff.slice(at, at + 4));
    if (isChanged && (number >= DIFF_LINES_MAX || end - at > LINE_CHARS_MAX)) skipped++;
    at = end + 1;
  }
  return skipped;
}
