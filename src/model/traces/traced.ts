// What one window's traces showed of entries, services and calls, in the numbers that are compared before and after an action.

import { quantileMs } from "./histogram.ts";
import type { Sample, Samples } from "./samples.ts";

/** Of nodes, and of calls, in one window: those with the most requests. */
const TRACED_MAX = 1_000;
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
  const found: Traced[] = [];
  const calls: Traced[] = [];
  for (const { kind, from, to, sample } of edges.values()) {
    if (kind === "member-of") addTo(found, { from, to: null, sample });
    else if (kind === "calls") addTo(calls, { from, to, sample });
  }
  for (const [from, sample] of nodes) if (from.startsWith("service:")) addTo(found, { from, to: null, sample });
  return [...mostOf(found), ...mostOf(calls)];
}

type Seen = Pick<Traced, "from" | "to"> & { readonly sample: Sample };

function addTo(traced: Traced[], { from, to, sample }: Seen): void {
  const { count, failed, durations } = sample;
  if (count === 0) return;
  const p95Ms = durations === null ? 0 : Math.round(quantileMs(durations, P95) * 10) / 10;
  traced.push({ from, to, count, failed, p95Ms });
}

function mostOf(traced: readonly Traced[]): readonly Traced[] {
  if (traced.length <= TRACED_MAX) return traced;
  return traced.toSorted((a, b) => b.count - a.count).slice(0, TRACED_MAX);
}
