// Reads the text that `kubectl describe` and `kubectl get` print, as trees and tables: what is left of a cluster in a ticket or a bundle.

/** One line `Key: value` with the lines that stand further in below it. A line without a colon is a value alone (`key` is ''). */
export interface DescribedLine {
  key: string;
  value: string;
  children: DescribedLine[];
}

export interface DescribedEvent {
  type: string;
  reason: string;
  from: string;
  message: string;
  /** How often it was seen, as `(x4 over 5m)` says. */
  count: number;
}

const LINES_MAX = 20_000;

const indentOf = (line: string): number => line.length - line.trimStart().length;

function parseLine(text: string): DescribedLine {
  const at = text.search(/:(\s|$)/);
  if (at < 0) return { key: "", value: text, children: [] };
  return { key: text.slice(0, at), value: text.slice(at + 1).trim(), children: [] };
}

/** The tree of one described object. Tables (events, conditions) come as lines without keys. */
export function parseDescription(text: string): DescribedLine[] {
  const root: DescribedLine[] = [];
  const open: { indent: number; line: DescribedLine }[] = [];
  let continued: { column: number; line: DescribedLine } | undefined;
  for (const raw of text.split("\n", LINES_MAX)) {
    if (raw.trim() === "") continue;
    const indent = indentOf(raw);
    if (continued && indent === continued.column) {
      // Labels and tolerations go on below the first value, in its column.
      continued.line.children.push({ key: "", value: raw.trim(), children: [] });
      continue;
    }
    while (open.length > 0 && (open.at(-1)?.indent ?? -1) >= indent) open.pop();
    const line = parseLine(raw.trim());
    const parent = open[open.length - 1]?.line.children ?? root;
    parent.push(line);
    open.push({ indent, line });
    continued =
      line.key !== "" && line.value !== ""
        ? { column: raw.indexOf(line.value, indent + line.key.length), line }
        : undefined;
  }
  return root;
}

/** The line at a path of keys, the first of each name. */
export function findLine(lines: readonly DescribedLine[], ...path: string[]): DescribedLine | undefined {
  let here: readonly DescribedLine[] = lines;
  let found: DescribedLine | undefined;
  for (const key of path) {
    found = here.find((line) => line.key === key);
    if (!found) return undefined;
    here = found.children;
  }
  return found;
}

export function valueAt(lines: readonly DescribedLine[], ...path: string[]): string {
  const value = findLine(lines, ...path)?.value ?? "";
  return value === "<none>" || value === "<unset>" ? "" : value;
}

/** All values of a line that may go on below: labels, selectors, tolerations, taints. */
export function valuesAt(lines: readonly DescribedLine[], ...path: string[]): string[] {
  const line = findLine(lines, ...path);
  if (!line) return [];
  const below = line.children.map((child) => (child.key === "" ? child.value : `${child.key}: ${child.value}`));
  return [line.value, ...below].filter((value) => value !== "" && value !== "<none>");
}

export function parsePairs(values: readonly string[]): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const value of values.flatMap((text) => text.split(","))) {
    const at = value.indexOf("=");
    if (at > 0) pairs[value.slice(0, at).trim()] = value.slice(at + 1).trim();
  }
  return pairs;
}

/** Rows of a table whose columns are aligned under its heading, as objects by heading. */
export function parseTable(text: string): Record<string, string>[] {
  const lines = text.split("\n", LINES_MAX).filter((line) => line.trim() !== "");
  const heading = lines[0];
  if (!heading) return [];
  const columns: { name: string; at: number }[] = [];
  for (const match of heading.matchAll(/\S+(?: \S+)*/g)) columns.push({ name: match[0], at: match.index });
  return lines.slice(1).map((line) => {
    const row: Record<string, string> = {};
    columns.forEach((column, index) => {
      const value = line.slice(column.at, columns[index + 1]?.at).trim();
      row[column.name] = value === "<none>" ? "" : value;
    });
    return row;
  });
}

/** The events below a description: `Warning  Failed  3m (x4 over 5m)  kubelet  message`. */
export function parseEvents(text: string): DescribedEvent[] {
  const events: DescribedEvent[] = [];
  const at = text.search(/^Events:/m);
  if (at < 0) return events;
  for (const line of text.slice(at).split("\n").slice(1)) {
    const match = /^\s+(Normal|Warning)\s+(\S+)\s+(\S+(?: \(x(\d+) over [^)]*\))?)\s+(\S+)\s+(.*)$/.exec(line);
    if (match) {
      events.push({
        type: match[1] ?? "",
        reason: match[2] ?? "",
        from: match[5] ?? "",
        message: match[6] ?? "",
        count: Number(match[4] ?? 1),
      });
    }
  }
  return events;
}
