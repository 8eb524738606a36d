// Reads cases that hold telemetry of before and during: resource series, call series, traces and logs.

import type { Measure, Pattern, Series, Span } from "../causes/input.ts";
import { emptyQuestion, type CauseQuestion } from "../causes/input.ts";
import { isBadLine, patternOf } from "../causes/log-patterns.ts";
import { ownerOf } from "../kubernetes/cluster.ts";

type Samples = (number | null)[];

/** Series by name, with a column of times: `SERVICE_RESOURCE`. */
export interface BeforeAndDuring {
  normal: Record<string, Samples>;
  anomalous: Record<string, Samples>;
}

const RESOURCES: readonly [RegExp, Measure][] = [
  [/^cpu/i, "cpu"],
  [/^mem/i, "memory"],
  [/^lat/i, "latency"],
  [/^err/i, "errors"],
  [/^(lod|load|rps|req|ops)/i, "traffic"],
];

const measureOf = (name: string): Measure => RESOURCES.find(([pattern]) => pattern.test(name))?.[1] ?? "other";

export function readBeforeAndDuring({ normal, anomalous }: BeforeAndDuring): CauseQuestion {
  const series = Object.keys(normal).flatMap((name): Series[] => {
    const at = name.indexOf("_");
    const now = anomalous[name];
    if (at < 1 || !now || name === "time") return [];
    const measure = measureOf(name.slice(at + 1));
    if (measure === "traffic" || measure === "other") return [];
    return [{ node: name.slice(0, at), measure, name: name.slice(at + 1), usual: normal[name] ?? [], now }];
  });
  return { ...emptyQuestion("service"), series };
}

/** Five-minute statistics per node, keyed `NODE|MEASURE|STATISTIC`, and the calls between nodes. */
export interface NodeStatistics {
  t: number[];
  series: Record<string, Samples>;
}

export interface AlertedNode {
  node: string;
  metric: string;
  timestamp: number;
}

/** Windows around an alert: it fires after the first bad window, and faults end before the last. */
const BEFORE_ALERT_S = 330;
const AFTER_ALERT_S = 630;

export function readNodeStatistics(
  alert: AlertedNode,
  abnormal: NodeStatistics,
  reference: { edges: [string, string][]; normal: NodeStatistics },
): CauseQuestion {
  const at = abnormal.t
    .map((t, index) => ({ t, index }))
    .filter(({ t }) => t >= alert.timestamp - BEFORE_ALERT_S && t <= alert.timestamp + AFTER_ALERT_S);
  const measure: Measure = alert.metric === "latency" ? "latency" : "errors";
  const isShare = alert.metric === "availability";
  const harmOf = (value: number | null | undefined): number | null => {
    if (typeof value !== "number") return null;
    return isShare ? 1 - value / 100 : value;
  };
  const series = Object.keys(abnormal.series).flatMap((key): Series[] => {
    const [node = "", name, statistic] = key.split("|");
    const usual = reference.normal.series[key];
    if (name !== alert.metric || statistic !== "Average" || !usual) return [];
    const requests = abnormal.series[`${node}|requests|Sum`] ?? [];
    return [
      {
        node,
        measure,
        name,
        usual: usual.map(harmOf),
        now: at.map(({ index }) => harmOf(abnormal.series[key]?.[index])),
        requests: at.map(({ index }) => requests[index] ?? null),
      },
    ];
  });
  const symptom = { node: alert.node, measure: alert.metric, text: "", atMs: alert.timestamp * 1000 };
  return { ...emptyQuestion("node"), symptom, edges: reference.edges, series };
}

/** Metrics per pod, spans `[trace, span, parent, pod, operation, startUs, durationUs]` and log lines `[ms, pod, span, text]`. */
export interface PodTelemetry {
  detect_ts: number;
  metrics: Record<string, { t: number[] } & Record<string, Samples>>;
  trace: [number, string, string, string, string, number, number][] | null;
  log: [number, string, string, string][] | null;
}

export type PodReference = Omit<PodTelemetry, "detect_ts">;

/** Metrics come in minutes; the two that end after detection, and the one before, are now. */
const NOW_FROM_S = -65;
const NOW_TO_S = 125;

export function readPodTelemetry(given: PodTelemetry, reference: PodReference): CauseQuestion {
  const serviceOf = new Map<string, string>();
  const service = (pod: string): string => {
    const known = serviceOf.get(pod);
    if (known !== undefined) return known;
    const owner = ownerOf(pod);
    serviceOf.set(pod, owner);
    return owner;
  };
  const toSpan = ([, id, parent, pod, operation, startUs, durationUs]: NonNullable<
    PodTelemetry["trace"]
  >[number]): Span => ({
    id,
    parent,
    node: service(pod),
    operation,
    startUs,
    durationUs,
    failed: false,
  });
  const spans =
    given.trace?.length && reference.trace?.length
      ? { usual: reference.trace.map(toSpan), now: given.trace.map(toSpan) }
      : null;
  return {
    ...emptyQuestion("service"),
    series: readPodSeries(given, reference, service),
    spans: spans ?? splitSpans(given, toSpan),
    patterns: readPatterns(given, reference, service),
  };
}

/** Without a reference, the first of what was traced stands for before: faults are detected about a minute in. */
function splitSpans(
  given: PodTelemetry,
  toSpan: (row: NonNullable<PodTelemetry["trace"]>[number]) => Span,
): CauseQuestion["spans"] {
  if (!given.trace?.length) return null;
  const from = (given.detect_ts - 80) * 1e6;
  const usual = given.trace.filter((row) => row[5] < from).map(toSpan);
  const now = given.trace.filter((row) => row[5] >= from + 20e6).map(toSpan);
  return { usual, now };
}

const POD_MEASURES: readonly [RegExp, Measure][] = [
  [/^CpuUsageRate/, "cpu"],
  [/^PodServerLatencyP90/, "latency"],
];

function readPodSeries(given: PodTelemetry, reference: PodReference, service: (pod: string) => string): Series[] {
  return Object.entries(given.metrics).flatMap(([pod, metrics]) =>
    Object.keys(metrics).flatMap((name): Series[] => {
      const measure = POD_MEASURES.find(([pattern]) => pattern.test(name))?.[1];
      const usual = reference.metrics[pod]?.[name];
      if (!measure || !usual) return [];
      const now = (metrics[name] ?? []).filter((_, index) => {
        const age = (metrics.t[index] ?? 0) - given.detect_ts;
        return age >= NOW_FROM_S && age <= NOW_TO_S;
      });
      return [{ node: service(pod), measure, name, usual, now }];
    }),
  );
}

function readPatterns(given: PodTelemetry, reference: PodReference, service: (pod: string) => string): Pattern[] {
  if (!given.log?.length || !reference.log?.length) return [];
  const patterns = new Map<string, Pattern>();
  const add = (pod: string, line: string, when: "usual" | "now"): void => {
    const text = patternOf(line);
    const key = `${service(pod)}\t${text}`;
    let pattern = patterns.get(key);
    if (!pattern) patterns.set(key, (pattern = { node: service(pod), text, usual: 0, now: 0, bad: isBadLine(line) }));
    pattern[when] += 1;
  };
  for (const [, pod, , line] of reference.log) add(pod, line, "usual");
  for (const [, pod, , line] of given.log) add(pod, line, "now");
  return [...patterns.values()];
}
