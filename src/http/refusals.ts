// Refusals at the door, counted: one event per minute and source, however many there were.

import type { RefusalCounts } from "../kernel/events.ts";

const SOURCES_MAX = 256;
const MINUTE_MS = 60_000;

export type RefusalBatch = { readonly minute: number; readonly source: string; readonly counts: RefusalCounts };

/** Counts in memory; `takeFinished` hands over whole minutes for the ledger. What a crash loses is a count. */
export class RefusalCounter {
  readonly #bySource = new Map<string, Map<string, number>>();
  #minute = 0;
  #finished: RefusalBatch[] = [];

  /** `source` is an identity for those who have one, `anonymous` for the others. */
  count(source: string, code: string, nowMs: number): void {
    this.#turn(nowMs);
    const known = this.#bySource.has(source) || this.#bySource.size < SOURCES_MAX;
    const name = known ? source : "others";
    const counts = this.#bySource.get(name) ?? new Map<string, number>();
    counts.set(code, (counts.get(code) ?? 0) + 1);
    this.#bySource.set(name, counts);
  }

  /** The counts of minutes that are over, each handed over once. */
  takeFinished(nowMs: number): readonly RefusalBatch[] {
    this.#turn(nowMs);
    const finished = this.#finished;
    this.#finished = [];
    return finished;
  }

  #turn(nowMs: number): void {
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute === this.#minute) return;
    for (const [source, counts] of this.#bySource) {
      this.#finished.push({ minute: this.#minute, source, counts: Object.fromEntries(counts) });
    }
    this.#bySource.clear();
    this.#minute = minute;
  }
}
