// Turns changed lines of configuration and constants into typed changes of settings.

import type { SettingChange, SettingUnit, SettingValue } from "../../wire/types/model.ts";
import type { ChangedLine, FileDiff } from "./parse-diff.ts";

interface Assignment {
  readonly key: string;
  readonly indent: number;
  readonly value: SettingValue;
  readonly unit: SettingUnit | null;
}

/** `key: value`, `key = value`, `"key": value`, `public static final int KEY = value;`, with or without what may stand around. */
const ASSIGNMENT =
  /^(\s*)(?:-\s+)?(?:(?:export|const|let|var|public|private|static|final|def|val|int|long|double|boolean|float|String|Duration)\s+)*["']?([A-Za-z_][\w.-]*)["']?\s*(?::=|[:=])\s*(.+?)\s*[,;]?\s*(?:#.*|\/\/.*)?$/;
/** A line that opens a block: `clients:`, `pool: {`, `const (`. */
const BLOCK = /^(\s*)(?:-\s+)?["']?([A-Za-z_][\w.-]*)["']?\s*[:=]?\s*[{(]?\s*$/;

const GO_UNITS: Readonly<Record<string, number>> = {
  Nanosecond: 1e-6,
  Microsecond: 1e-3,
  Millisecond: 1,
  Second: 1000,
  Minute: 60_000,
  Hour: 3_600_000,
};
const TIME_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTE_UNITS: Readonly<Record<string, number>> = {
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
};
const NAMED_UNITS: readonly [RegExp, number][] = [
  [/(Ms|Millis|_ms|Milliseconds)$/, 1],
  [/(Seconds|Secs|_s|_seconds)$/i, 1000],
  [/(Minutes|_minutes)$/i, 60_000],
  [/(Hours|_hours)$/i, 3_600_000],
  [/(Days|_days)$/i, 86_400_000],
];

function parseValue(key: string, raw: string): { value: SettingValue; unit: SettingUnit | null } | null {
  const text = raw.replace(/^["']|["']$/g, "").trim();
  if (/^(true|false|on|off|yes|no)$/i.test(text)) return { value: /^(true|on|yes)$/i.test(text), unit: null };
  const go = /^(\d+(?:\.\d+)?)\s*\*\s*time\.(\w+)$/.exec(text);
  if (go) return { value: Number(go[1]) * (GO_UNITS[go[2] ?? ""] ?? 1), unit: "ms" };
  const sized = /^(\d[\d_]*(?:\.\d+)?)\s*([A-Za-z%]*)$/.exec(text);
  if (!sized) return /^[\w./:-]{1,100}$/.test(text) ? { value: text, unit: null } : null;
  const value = Number((sized[1] ?? "").replaceAll("_", ""));
  const suffix = sized[2] ?? "";
  if (suffix === "%") return { value: value / 100, unit: "ratio" };
  if (suffix in TIME_UNITS && !/memory|cpu/i.test(key)) return { value: value * (TIME_UNITS[suffix] ?? 1), unit: "ms" };
  if (suffix in BYTE_UNITS) return { value: value * (BYTE_UNITS[suffix] ?? 1), unit: "bytes" };
  if (suffix !== "") return null;
  const named = NAMED_UNITS.find(([pattern]) => pattern.test(key));
  return named ? { value: value * named[1], unit: "ms" } : { value, unit: "count" };
}

function parseAssignment(text: string): Assignment | null {
  const match = ASSIGNMENT.exec(text);
  if (!match) return null;
  const key = match[2] ?? "";
  const parsed = parseValue(key, match[3] ?? "");
  return parsed ? { key, indent: (match[1] ?? "").replaceAll("\t", "  ").length, ...parsed } : null;
}

/** Pairs of a removed and an added assignment of one key. What only moved, or kept its value, is no change. */
export function findSettingChanges(files: readonly FileDiff[]): SettingChange[] {
  return files.flatMap(({ lines }) => changesOf(lines));
}

function changesOf(lines: readonly ChangedLine[]): SettingChange[] {
  const changes: SettingChange[] = [];
  const open: { indent: number; key: string }[] = [];
  let removed: (Assignment & { path: string })[] = [];
  for (const { sign, text } of lines) {
    const assigned = parseAssignment(text);
    if (sign === " ") removed = [];
    if (!assigned) {
      const block = BLOCK.exec(text);
      if (block) enter(open, (block[1] ?? "").replaceAll("\t", "  ").length, block[2] ?? "");
      continue;
    }
    leave(open, assigned.indent);
    const path = [...open.map(({ key }) => key), assigned.key].join(".");
    if (sign === "-") removed.push({ ...assigned, path });
    if (sign !== "+") continue;
    const before = removed.find(({ key }) => key === assigned.key);
    if (before && before.value !== assigned.value) {
      changes.push({ key: path, before: before.value, after: assigned.value, unit: assigned.unit ?? before.unit });
    }
  }
  return changes;
}

function leave(open: { indent: number; key: string }[], indent: number): void {
  while ((open.at(-1)?.indent ?? -1) >= indent) open.pop();
}

function enter(open: { indent: number; key: string }[], indent: number, key: string): void {
  leave(open, indent);
  open.push({ indent, key });
}
