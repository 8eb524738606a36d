// Turns changed lines of configuration and constants into typed changes of settings.

import type { SettingChange, SettingUnit, SettingValue } from "../../wire/types/model.ts";
import type { ChangedLine, FileDiff } from "./parse-diff.ts";

interface Assignment {
  readonly key: string;
  readonly indent: number;
  readonly value: SettingValue;
  readonly unit: SettingUnit | null;
}

/** `key: value`, `key = value`, `"key": value`, `public static final int KEY = value;`, with what may stand behind it. */
const ASSIGNMENT =
  /^(\s*)(?:-\s+)?(?:(?:export|const|let|var|public|private|static|final|def|val|int|long|double|boolean|float|String|Duration)\s+)*["']?([A-Za-z_][\w.-]*)["']?\s*(?::=|[:=])\s*(.+)$/;
/** Where what stands behind a value begins. */
const COMMENT = /(?<=[\s,;])(?:#|\/\/)/;
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
  [/(Ms|Millis|_ms|_MS|_MILLIS|Milliseconds)$/, 1],
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

/** Without what stands behind it: a comma, a comment. */
function bareValue(text: string): string {
  const comment = text.search(COMMENT);
  const bare = (comment > 0 ? text.slice(0, comment) : text).trimEnd();
  return /[,;]$/.test(bare) && bare.length > 1 ? bare.slice(0, -1).trimEnd() : bare;
}

function parseAssignment(text: string): Assignment | null {
  const match = ASSIGNMENT.exec(text);
  if (!match) return null;
  const key = match[2] ?? "";
  const parsed = parseValue(key, bareValue(match[3] ?? ""));
  return parsed ? { key, indent: (match[1] ?? "").replaceAll("\t", "  ").length, ...parsed } : null;
}

/** Pairs of a removed and an added assignment of one key. What only moved, or kept its value, is no change. */
export function findSettingChanges(files: readonly FileDiff[]): SettingChange[] {
  return files.flatMap(({ lines }) => readFile(lines).paired);
}

const CONFIGURATION = /\.(ya?ml|json|properties|env|toml|ini|conf|cfg|tf|tfvars|hcl)$|(^|\/)\.?env(\.[\w-]+)?$/i;

/** … and, in files of configuration, settings that were not there before or are not any more. */
export function findAllSettingChanges(files: readonly FileDiff[]): SettingChange[] {
  return files.flatMap(({ path, lines }) => {
    const { paired, removed, added } = readFile(lines);
    return CONFIGURATION.test(path) ? [...paired, ...unpaired(removed, added)] : paired;
  });
}

type Placed = Assignment & { readonly path: string };
type Read = {
  readonly paired: SettingChange[];
  readonly removed: readonly Placed[];
  readonly added: readonly Placed[];
};

function readFile(lines: readonly ChangedLine[]): Read {
  const paired: SettingChange[] = [];
  const added: Placed[] = [];
  const removed = new Set<Placed>();
  const open: { indent: number; key: string }[] = [];
  /** Removed assignments that the next added one may take the place of: the first of each key. */
  let pending = new Map<string, Placed>();
  let named = "";
  for (const { sign, text: written } of lines) {
    // Runs of blanks within a line mean nothing, and patterns are slow on them.
    const text = written.replaceAll(/(\S)\s+/g, "$1 ").trimEnd();
    const assigned = parseAssignment(text);
    if (sign === " ") pending = new Map();
    if (!assigned) {
      const block = BLOCK.exec(text);
      if (block) enter(open, (block[1] ?? "").replaceAll("\t", "  ").length, block[2] ?? "");
      continue;
    }
    leave(open, assigned.indent);
    // An element that is called by its name: `- name: TIMEOUT` and, below it, `value: "5s"`.
    if (assigned.key === "name" && typeof assigned.value === "string") named = assigned.value;
    const key = assigned.key === "value" && named !== "" ? named : assigned.key;
    const placed = { ...typedBy(key, assigned, text), path: [...open.map((block) => block.key), key].join(".") };
    if (sign === "-") {
      removed.add(placed);
      if (!pending.has(key)) pending.set(key, placed);
    }
    if (sign !== "+") continue;
    const before = pending.get(key);
    if (before === undefined) {
      added.push(placed);
      continue;
    }
    removed.delete(before);
    if (before.value === placed.value) continue;
    paired.push({ key: placed.path, before: before.value, after: placed.value, unit: placed.unit ?? before.unit });
  }
  return { paired, removed: [...removed], added };
}

/** A value of a named element is read as its own name says: `TIMEOUT_SECONDS` counts seconds. */
function typedBy(key: string, assigned: Assignment, text: string): Assignment {
  if (key === assigned.key) return assigned;
  const parsed = parseValue(key, bareValue(ASSIGNMENT.exec(text)?.[3] ?? ""));
  return parsed === null ? assigned : { ...assigned, ...parsed, key };
}

/** What only moved, far apart, is in both lists with one value. */
function unpaired(removed: readonly Placed[], added: readonly Placed[]): SettingChange[] {
  const gone = new Map(removed.map((one) => [one.path, one]));
  const changes = added.flatMap((one): SettingChange[] => {
    const before = gone.get(one.path);
    gone.delete(one.path);
    if (before?.value === one.value) return [];
    return [{ key: one.path, before: before?.value ?? null, after: one.value, unit: one.unit ?? before?.unit ?? null }];
  });
  const lost = [...gone.values()].map(({ path, value, unit }) => ({ key: path, before: value, after: null, unit }));
  return [...changes, ...lost];
}

function leave(open: { indent: number; key: string }[], indent: number): void {
  while ((open.at(-1)?.indent ?? -1) >= indent) open.pop();
}

function enter(open: { indent: number; key: string }[], indent: number, key: string): void {
  leave(open, indent);
  open.push({ indent, key });
}
