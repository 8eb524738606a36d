// What one window's traces showed of entries, services and calls, in the numbers that are compared before and after an action.

import { quantileMs } from "./histogram.ts";
import type { Sample, Samples } from "./samples.ts";

/** Of nodes, and of calls, in one window: those with the most requests. */
const TRACED_MAX = 500;
const P95 = 0.95;

export interface Traced {
  /** A node, or who calls. */
  readonly from: string;
  /** Who is called; null where it is about a node. */
  readonly to: string | null;
  readonly count: number;
  readonly failed: number;
  /** To a tenth. */
  readonly p95Ms: number;
}

/** Entries as the operations at which they come in, with their requests from outside alone; services; calls between these. */
export function countTraced({ nodes, edges }: Samples): readonly Traced[] {
  const found: Seen[] = [];
  const calls: Seen[] = [];
  for (const { kind, from, to, sample } of edges.values()) {
    if (sample.count === 0) continue;
    if (kind === "member-of") found.push({ from, to: null, sample });
    else if (kind === "calls") calls.push({ from, to, sample });
  }
  for (const [from, sample] of nodes) {
    if (sample.count > 0 && from.startsWith("service:")) found.push({ from, to: null, sample });
  }
  return [...mostOf(found), ...mostOf(calls)].map(tracedOf);
}

type Seen = Pick<Traced, "from" | "to"> & { readonly sample: Sample };

function mostOf(seen: readonly Seen[]): readonly Seen[] {
  if (seen.length <= TRACED_MAX) return seen;
  return seen.toSorted((a, b) => b.sample.count - a.sample.count).slice(0, TRACED_MAX);
}

function tracedOf({ from, to, sample: { count, failed, durations } }: Seen): Traced {
  const p95Ms = durations === null ? 0 : Math.round(quantileMs(durations, P95) * 10) / 10;
  return { from, to, count, failed, p95Ms };
}
