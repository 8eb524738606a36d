// What applying a plan said, line by line, in a file of ours: how far it got, also when nobody saw its end.

import { createHash } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Json, JsonObject } from "../../core/json.ts";

const LOG_BYTES_MAX = 33_554_432;
const LOGS_MAX = 2_000;
const ERRORS_MAX = 8;
/** More than is shown of one: secrets are looked for before it is cut to that. */
const ERROR_CHARS_MAX = 16_384;

/** Messages of what is still to be done, or is only read. Any other, known or not, says that something was begun. */
const IDLE: ReadonlySet<string> = new Set([
  "holdpoint",
  "version",
  "log",
  "diagnostic",
  "refresh_start",
  "refresh_complete",
  "resource_drift",
  "planned_change",
  "deferred_change",
  "planned_action_invocation",
  "change_summary",
  "outputs",
]);

/** `isTold`: what is not in it did not happen. A machine that went down may have lost what was written last. */
export interface ApplyLog {
  readonly isTold: boolean;
  readonly hasBegun: boolean;
  /** Counts of the end, once it was reached: the state is written by then. */
  readonly done: JsonObject | null;
  /** Terraform's own headings of what went wrong; no values. */
  readonly errors: readonly string[];
}

function pathOf(records: string, mark: string): string {
  return join(records, `apply-${createHash("sha256").update(mark).digest("hex").slice(0, 40)}.jsonl`);
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

/** Durable before anything is run. The caller closes what it gets. */
export function openLog(records: string, mark: string): number {
  mkdirSync(records, { recursive: true, mode: 0o700 });
  forgetOldest(records);
  const path = pathOf(records, mark);
  const writing = openSync(path, "w", 0o600);
  writeSync(writing, `${JSON.stringify({ type: "holdpoint", boot: bootId(), action: mark })}\n`);
  fsyncSync(writing);
  closeSync(writing);
  const folder = openSync(records, "r");
  fsyncSync(folder);
  closeSync(folder);
  return openSync(path, "a");
}

function forgetOldest(records: string): void {
  const names = readdirSync(records).filter((name) => name.startsWith("apply-"));
  if (names.length < LOGS_MAX) return;
  const aged = names.map((name) => ({ name, atMs: statSync(join(records, name)).mtimeMs }));
  aged.sort((one, other) => one.atMs - other.atMs);
  for (const { name } of aged.slice(0, names.length - LOGS_MAX + 1)) unlinkSync(join(records, name));
}

/** Undefined where nothing was ever run for it here. */
export function readLog(records: string, mark: string): ApplyLog | undefined {
  let text: string;
  try {
    const path = pathOf(records, mark);
    if (statSync(path).size > LOG_BYTES_MAX) return { isTold: false, hasBegun: true, done: null, errors: [] };
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const messages = text.split("\n").map(messageOf);
  const errors = messages.flatMap((one) => (one?.["type"] === "diagnostic" ? errorsIn(one) : []));
  return {
    isTold: messages[0]?.["boot"] === bootId(),
    hasBegun: messages.some((one) => typeof one?.["type"] === "string" && !IDLE.has(one["type"])),
    done: messages.map((one) => (one?.["type"] === "change_summary" ? appliedIn(one) : null)).findLast(Boolean) ?? null,
    errors: errors.slice(0, ERRORS_MAX),
  };
}

/**
 * Once the program has ended only what is read of its log stays: what else it said may hold secrets. Where that cannot be
 * written the log stays as it is, and is still the truth about the apply; whoever reads it next tries again.
 */
export function settleLog(records: string, mark: string): void {
  const path = pathOf(records, mark);
  try {
    const log = readLog(records, mark);
    if (log !== undefined) replaceFile(path, settledText(log, mark));
  } catch {
    // Nothing of it is worth more than the outcome that this must not stand in the way of.
  }
}

function settledText({ isTold, hasBegun, done }: ApplyLog, mark: string): string {
  const lines: readonly JsonObject[] = [
    { type: "holdpoint", boot: isTold ? bootId() : "", action: mark },
    ...(hasBegun ? [{ type: "apply_start" }] : []),
    ...(done === null ? [] : [{ type: "change_summary", changes: { operation: "apply", ...done } }]),
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

function replaceFile(path: string, text: string): void {
  const writing = openSync(`${path}.part`, "w", 0o600);
  try {
    writeSync(writing, text);
    fsyncSync(writing);
  } finally {
    closeSync(writing);
  }
  renameSync(`${path}.part`, path);
}

/** Providers and programs may write lines of their own. */
function messageOf(line: string): JsonObject | undefined {
  try {
    const value = JSON.parse(line) as Json;
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

function errorsIn({ diagnostic }: JsonObject): readonly string[] {
  const { severity, summary } = (diagnostic ?? {}) as { severity?: unknown; summary?: unknown };
  return severity === "error" && typeof summary === "string" ? [summary.slice(0, ERROR_CHARS_MAX)] : [];
}

/** There are others, of the plan that is about to be applied. */
function appliedIn({ changes }: JsonObject): JsonObject | null {
  const { operation, add, change, remove } = (changes ?? {}) as JsonObject;
  const counts = { add: add ?? 0, change: change ?? 0, remove: remove ?? 0 };
  return operation === "apply" || operation === "destroy" ? counts : null;
}
