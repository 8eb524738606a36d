// A folder of small JSON files, one record each, read again when a file changes.

import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../core/clock.ts";
import { isAppError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { parseStrictJson } from "../../core/strict-json.ts";

const RECORDS_MAX = 1024;
const FILE_BYTES_MAX = 65_536;
const CHECK_INTERVAL_MS = 1000;
const ENDING = ".json";

/** Called once per change of a file that cannot be used; the file's record is then absent. */
export type ProblemReport = (file: string, reason: string) => void;

export interface RecordFolderOptions<T> {
  readonly dir: string;
  readonly clock: Clock;
  /** Makes a record of a file's JSON; throws an Error whose message is the reason when it is not acceptable. */
  readonly parse: (name: string, value: Json) => T;
  readonly onProblem: ProblemReport;
}

interface Entry<T> {
  /** Changes whenever the file does: inode, times and size. */
  readonly stamp: string;
  /** Undefined for a file that is no valid record. */
  readonly record: T | undefined;
}

/**
 * The records of a folder by file name (without `.json`). `refresh` looks for changes at most once a second, in the
 * caller's time: at most 1,024 files, a few milliseconds. A file that is malformed, too large or unreadable has no
 * record, so what it granted is gone until it is repaired; the others are not affected.
 */
export class RecordFolder<T> {
  readonly #options: RecordFolderOptions<T>;
  #entries = new Map<string, Entry<T>>();
  #checkedAtMs = -Infinity;
  #folderProblem = "";
  #generation = 0;

  constructor(options: RecordFolderOptions<T>) {
    this.#options = options;
    this.reload();
  }

  /** Grows whenever any record may have changed. */
  get generation(): number {
    return this.#generation;
  }

  get(name: string): T | undefined {
    return this.#entries.get(name)?.record;
  }

  *records(): Generator<T> {
    for (const entry of this.#entries.values()) if (entry.record !== undefined) yield entry.record;
  }

  /** Of every file, also of those that are no valid record. */
  names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  refresh(): void {
    if (this.#options.clock.monotonicMs() - this.#checkedAtMs >= CHECK_INTERVAL_MS) this.reload();
  }

  /** Looks for changes now. */
  reload(): void {
    this.#checkedAtMs = this.#options.clock.monotonicMs();
    const entries = new Map<string, Entry<T>>();
    let changed = false;
    for (const file of this.#list()) {
      const name = file.slice(0, -ENDING.length);
      const before = this.#entries.get(name);
      const entry = this.#read(file, name, before);
      entries.set(name, entry);
      changed ||= entry !== before;
    }
    if (!changed && entries.size === this.#entries.size) return;
    this.#entries = entries;
    this.#generation++;
  }

  #list(): string[] {
    let files: string[] = [];
    let problem = "";
    try {
      files = readdirSync(this.#options.dir).filter((file) => file.endsWith(ENDING));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "error";
      // No folder yet is an empty folder, unless there were records a moment ago.
      if (code !== "ENOENT" || this.#entries.size > 0) problem = `the folder cannot be read: ${code}`;
    }
    if (files.length > RECORDS_MAX) {
      problem = `more than ${RECORDS_MAX} files; the last in order are not used`;
      files = files.sort().slice(0, RECORDS_MAX);
    }
    if (problem !== "" && problem !== this.#folderProblem) this.#options.onProblem(this.#options.dir, problem);
    this.#folderProblem = problem;
    return files;
  }

  #read(file: string, name: string, before: Entry<T> | undefined): Entry<T> {
    const path = join(this.#options.dir, file);
    let stamp = "unreadable";
    try {
      const stat = statSync(path, { bigint: true });
      stamp = `${stat.ino}.${stat.mtimeNs}.${stat.ctimeNs}.${stat.size}`;
      if (before?.stamp === stamp) return before;
      if (!stat.isFile()) throw new Error("not a regular file");
      if (stat.size > FILE_BYTES_MAX) throw new Error(`larger than ${FILE_BYTES_MAX} bytes`);
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
      return { stamp, record: this.#options.parse(name, parseStrictJson(text)) };
    } catch (error) {
      if (before?.stamp === stamp) return before;
      this.#options.onProblem(path, reasonOf(error));
      return { stamp, record: undefined };
    }
  }
}

function reasonOf(error: unknown): string {
  if (isAppError(error)) return error.message;
  return error instanceof Error ? error.message : "unreadable";
}
