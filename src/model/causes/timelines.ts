// Timelines of metrics: what their names mean, and how their levels before and after an instant compare.

import type { Timeline } from "./input.ts";
import { medianOf, quantileOf, reachesAt, sortedOf } from "./statistics.ts";

export type TimelineKind =
  | "errors"
  | "latency"
  | "traffic"
  | "retries"
  | "connections"
  | "memory"
  | "restarts"
  | "cpu"
  | "disk"
  | "queue"
  | "expiry"
  | "other";

const KINDS: readonly [RegExp, TimelineKind][] = [
  [/expir/i, "expiry"],
  [/restart|oom|panic|crash/i, "restarts"],
  [/retr(y|ies)/i, "retries"],
  [/error|fail|5xx|4xx|throttle|reject|unavailab|success/i, "errors"],
  [/latency|duration|_ms$|wait|p9[059]|lag/i, "latency"],
  [/request.?rate|requests_per|rps|throughput|qps|_per_sec|query_count/i, "traffic"],
  [/conn|pool|in_use|active/i, "connections"],
  [/memory|heap|rss/i, "memory"],
  [/cpu/i, "cpu"],
  [/disk|storage|volume/i, "disk"],
  [/queue|backlog|depth|buffer/i, "queue"],
];

export function kindOf(name: string): TimelineKind {
  return KINDS.find(([pattern]) => pattern.test(name))?.[1] ?? "other";
}

/** Timelines by node, looked up by kind. */
export class Timelines {
  readonly #byNode = new Map<string, Timeline[]>();

  constructor(timelines: readonly Timeline[]) {
    for (const timeline of timelines) {
      const list = this.#byNode.get(timeline.node);
      if (list) list.push(timeline);
      else this.#byNode.set(timeline.node, [timeline]);
    }
  }

  get nodes(): string[] {
    return [...this.#byNode.keys()];
  }

  of(node: string): readonly Timeline[] {
    return this.#byNode.get(node) ?? [];
  }

  find(node: string, kind: TimelineKind): Timeline | undefined {
    return this.of(node).find(({ name }) => kindOf(name) === kind);
  }
}

export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

export function valuesIn({ atMs, values }: Timeline, { fromMs, toMs }: Window): number[] {
  const found: number[] = [];
  for (let index = 0; index < values.length; index += 1) {
    const at = atMs[index] ?? 0;
    if (at >= fromMs && at < toMs) found.push(values[index] ?? 0);
  }
  return found;
}

/** Level in a window as a share of another timeline at the same instants: what load alone explains falls out. */
export function shareIn(timeline: Timeline, whole: Timeline, window: Window): number {
  const wholeAt = new Map(whole.atMs.map((at, index) => [at, whole.values[index] ?? 0]));
  const shares = timeline.atMs.flatMap((at, index): number[] => {
    const base = wholeAt.get(at) ?? 0;
    return at >= window.fromMs && at < window.toMs && base > 0 ? [(timeline.values[index] ?? 0) / base] : [];
  });
  return medianOf(shares);
}

/** The most in a window, both of its ends with it. */
function mostIn({ atMs, values }: Timeline, { fromMs, toMs }: Window): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < values.length; index += 1) {
    const [at, value] = [atMs[index] ?? 0, values[index] ?? 0];
    if (at >= fromMs && at <= toMs && value > most) most = value;
  }
  return most;
}

/** The upper end of what is usual. */
const TOP = 0.99;

/** When a timeline first leaves, for good, the range it kept before the window; null while it does not. */
export function findOnset(timeline: Timeline, window: Window): number | null {
  const before = valuesIn(timeline, { fromMs: Number.NEGATIVE_INFINITY, toMs: window.fromMs });
  // Most of what is asked about never leaves its range, which is cheaper to see than what that range is.
  if (reachesAt(before, TOP, mostIn(timeline, window))) return null;
  const usual = sortedOf(before);
  if (usual.length < 5) return null;
  const median = quantileOf(usual, 0.5);
  const top = quantileOf(usual, TOP);
  const limit = top + Math.max(top - median, Math.abs(median) * 0.1, Number.MIN_VALUE) * 0.5;
  for (let index = 0; index < timeline.atMs.length; index += 1) {
    const at = timeline.atMs[index] ?? 0;
    if (at < window.fromMs || at > window.toMs) continue;
    const next = timeline.values[index + 1];
    if ((timeline.values[index] ?? 0) > limit && (next === undefined || next > limit)) return at;
  }
  return null;
}
