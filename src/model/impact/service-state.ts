// What was counted of a service before an action and since: by itself, and by those that call it.

import { AppError } from "../../core/errors.ts";
import type { ServiceState, StateCompared, StateCounts } from "../../wire/contracts/health.ts";
import type { ModelRead } from "../../wire/types/model-reads.ts";
import type { Graph } from "../graph.ts";
import { subjectOfEdge, subjectOfNode } from "../names.ts";
import type { EntryWindows, WindowCount } from "./entry-windows.ts";

const BEFORE_WINDOWS = 30;
/** So many of these at least have to be counted still. */
const BEFORE_WINDOWS_MIN = 10;
/** Of fewer requests a window's 95th percentile is one of its slowest two or three. */
const P95_REQUESTS_MIN = 20;

type StateRead = Extract<ModelRead, { readonly what: "state" }>;
type Span = { readonly fromS: number; readonly toS: number };

/** Throws `model-node-not-found`. */
export function serviceState(graph: Graph, read: StateRead): ServiceState {
  const { node: text, sinceS } = read;
  const node = graph.names.findNode(text);
  if (node === undefined) throw new AppError("model-node-not-found", `the model knows no ${text}`);
  const { names, windows } = graph;
  const before = spanBefore(windows, read);
  const after = { fromS: sinceS, toS: Infinity };
  const calls = [...names.into(node)].filter((edge) => names.kindOf(edge) === "calls").map(subjectOfEdge);
  const compared = (subjects: readonly number[]): StateCompared | null => {
    const counted = countsOf(windows, subjects, before);
    return counted.requests === 0 ? null : { before: counted, after: countsOf(windows, subjects, after) };
  };
  return { own: compared([subjectOfNode(node)]), called: compared(calls) };
}

/**
 * The time before the action. Of one in phases that takes so long that this is not counted any more: the oldest that is, so
 * that what gets worse slowly is held against what was long ago, and not against what was just now.
 */
function spanBefore({ keptFromS }: EntryWindows, { beforeS, stepS, windowS }: StateRead): Span {
  const lengthS = BEFORE_WINDOWS * windowS;
  const isKept = keptFromS === null || beforeS - keptFromS >= BEFORE_WINDOWS_MIN * windowS;
  const toS = isKept ? beforeS : Math.min(keptFromS + lengthS, stepS);
  return { fromS: toS - lengthS, toS };
}

/** Percentiles do not add up: those of the calls of each window count each as one. */
function countsOf(windows: EntryWindows, subjects: readonly number[], span: Span): StateCounts {
  const counted = subjects.flatMap((subject) => windows.of(subject, span));
  const sum = (of: (one: WindowCount) => number): number => counted.reduce((all, one) => all + of(one), 0);
  const rated = counted.filter(({ count }) => count >= P95_REQUESTS_MIN);
  const slow = rated.map(({ p95Ms }) => p95Ms);
  return {
    requests: sum(({ count }) => count),
    failed: sum(({ failed }) => failed),
    windows: windowsOf(counted),
    p95Windows: windowsOf(rated),
    p95Ms: slow.length === 0 ? null : (slow.toSorted((a, b) => a - b)[Math.floor(slow.length / 2)] ?? null),
  };
}

/** One window counts the calls of each caller by themselves. */
function windowsOf(counted: readonly WindowCount[]): number {
  return new Set(counted.map(({ fromS }) => fromS)).size;
}
