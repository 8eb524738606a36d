// Ids that must be remembered until they expire, across restarts: assertions and proofs seen, tokens revoked.

import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import { replaceFile } from "./durable-files.ts";

/** Ids are kept this much longer than they need, so that a clock set back a little revives none. */
const GRACE_MS = 60_000;
/** A full set looks for expired ids at most this often. */
const SWEEP_INTERVAL_MS = 1000;
/** Lines that may be obsolete before the file is written anew. */
const SLACK_LINES = 1000;

const line = z.tuple([z.string(), z.string(), z.number()]);

export interface ExpiringSetOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly idsMax: number;
  /** Bound for one group, so that one client cannot fill the set for all. */
  readonly groupIdsMax: number;
  /** What an id outlives when `add` has returned: a loss of power (the default), or the end of the process alone. */
  readonly survives?: "power-loss" | "process";
}

/**
 * A bounded set of (group, id) with an expiry each, written when `add` returns. The file holds one JSON array a line;
 * a torn last line is an `add` that never returned and is dropped. It is never shared between processes.
 */
export class ExpiringSet {
  readonly #options: ExpiringSetOptions;
  readonly #groups = new Map<string, Map<string, number>>();
  #ids = 0;
  #lines = 0;
  #sweptAtMs = -Infinity;
  /** The end of the file is not known to be whole. */
  #torn = false;

  /** Reads the file at `options.path`, if there is one. Throws `config-invalid` when it is damaged. */
  constructor(options: ExpiringSetOptions) {
    this.#options = options;
    this.#load();
    this.#rewrite();
  }

  has(group: string, id: string): boolean {
    return this.#groups.get(group)?.has(id) ?? false;
  }

  /** Adds an id, unless it is there or there is no room. Throws `store-unavailable` when the file cannot be written. */
  add(group: string, id: string, expiresAtMs: number): "added" | "present" | "full" {
    if (this.has(group, id)) return "present";
    if (this.#isFull(group)) {
      this.#sweep();
      if (this.#isFull(group)) return "full";
    }
    this.#write(group, id, expiresAtMs);
    return "added";
  }

  #isFull(group: string): boolean {
    return this.#ids >= this.#options.idsMax || (this.#groups.get(group)?.size ?? 0) >= this.#options.groupIdsMax;
  }

  #insert(group: string, id: string, expiresAtMs: number): void {
    const ids = this.#groups.get(group) ?? new Map<string, number>();
    if (!ids.has(id)) this.#ids++;
    ids.set(id, expiresAtMs);
    this.#groups.set(group, ids);
  }

  #sweep(): void {
    if (this.#options.clock.monotonicMs() - this.#sweptAtMs < SWEEP_INTERVAL_MS) return;
    this.#sweptAtMs = this.#options.clock.monotonicMs();
    const nowMs = this.#options.clock.nowMs();
    for (const [group, ids] of this.#groups) {
      for (const [id, expiresAtMs] of ids) {
        if (expiresAtMs + GRACE_MS <= nowMs && ids.delete(id)) this.#ids--;
      }
      if (ids.size === 0) this.#groups.delete(group);
    }
  }

  #write(group: string, id: string, expiresAtMs: number): void {
    try {
      if (this.#torn || this.#lines > 2 * this.#ids + SLACK_LINES) {
        this.#sweep();
        this.#rewrite();
      }
      this.#torn = true;
      append(this.#options.path, `${JSON.stringify([group, id, expiresAtMs])}\n`, this.#options.survives !== "process");
      this.#torn = false;
    } catch (cause) {
      throw new AppError("store-unavailable", "the record of used ids cannot be written", {}, cause);
    }
    this.#lines++;
    this.#insert(group, id, expiresAtMs);
  }

  #rewrite(): void {
    let text = "";
    for (const [group, ids] of this.#groups) {
      for (const [id, expiresAtMs] of ids) text += `${JSON.stringify([group, id, expiresAtMs])}\n`;
    }
    replaceFile(this.#options.path, text);
    this.#lines = this.#ids;
    this.#torn = false;
  }

  #load(): void {
    const lines = readLines(this.#options.path);
    lines.pop(); // what follows the last line feed: nothing, or a torn line
    const nowMs = this.#options.clock.nowMs();
    for (const text of lines) {
      const [group, id, expiresAtMs] = this.#parseLine(text);
      if (expiresAtMs + GRACE_MS > nowMs) this.#insert(group, id, expiresAtMs);
    }
  }

  #parseLine(text: string): [string, string, number] {
    try {
      return line.parse(JSON.parse(text));
    } catch (cause) {
      throw new AppError("config-invalid", `${this.#options.path} is damaged`, {}, cause);
    }
  }
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new AppError("config-invalid", `${path} cannot be read`, {}, error);
  }
}

function append(path: string, text: string, sync: boolean): void {
  const file = openSync(path, "a", 0o600);
  try {
    const bytes = Buffer.from(text);
    if (writeSync(file, bytes) !== bytes.length) throw new Error("short write");
    if (sync) fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
}
