// The last windows of telemetry by entry and service: how many requests came, and how many of them failed.

import type { Samples } from "../traces/samples.ts";

const WINDOWS_MAX = 90;
const NAMES_MAX = 2_000;

export interface Count {
  readonly count: number;
  readonly failed: number;
}

interface Window {
  /** Seconds since 1970. */
  readonly fromS: number;
  readonly toS: number;
  readonly counts: ReadonlyMap<string, Count>;
}

/** In memory alone: what is measured over a restart has no comparison, and says so. */
export class EntryWindows {
  readonly #windows: Window[] = [];

  add({ fromS, toS }: { readonly fromS: number; readonly toS: number }, samples: Samples): void {
    const counts = new Map<string, Count>();
    for (const { kind, from, sample } of samples.edges.values()) {
      if (kind !== "member-of" || sample.count === 0 || counts.size >= NAMES_MAX) continue;
      counts.set(from, { count: sample.count, failed: sample.failed });
    }
    for (const [text, { count, failed }] of samples.nodes) {
      if (!text.startsWith("service:") || count === 0 || counts.size >= NAMES_MAX) continue;
      counts.set(text, { count, failed });
    }
    this.#windows.push({ fromS, toS, counts });
    if (this.#windows.length > WINDOWS_MAX) this.#windows.shift();
  }

  /** Of the windows that lie wholly within. */
  sum({ fromS, toS }: { readonly fromS: number; readonly toS: number }): {
    readonly windows: number;
    readonly counts: ReadonlyMap<string, Count>;
  } {
    const within = this.#windows.filter((one) => one.fromS >= fromS && one.toS <= toS);
    const counts = new Map<string, Count>();
    for (const window of within) {
      for (const [text, { count, failed }] of window.counts) {
        const before = counts.get(text);
        counts.set(text, { count: count + (before?.count ?? 0), failed: failed + (before?.failed ?? 0) });
      }
    }
    return { windows: within.length, counts };
  }
}
