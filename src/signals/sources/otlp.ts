// OpenTelemetry: error logs and metrics beyond a threshold as signals. A log line is never kept, only where it stands.

import { hash } from "node:crypto";
import { AppError } from "../../core/errors.ts";
import {
  otlpLogsSchema,
  otlpMetricsSchema,
  type OtlpAttributes,
  type OtlpLogRecord,
  type OtlpMetrics,
  type OtlpPoint,
  type OtlpThreshold,
} from "../../wire/schemas/otlp.ts";
import { parsePayload } from "../../wire/schemas/payload.ts";
import { failureWords } from "../failure-words.ts";
import type { RawAlert } from "../raw-alert.ts";
import type { SourceDelivery } from "./delivery.ts";

const ERROR_SEVERITY = 17;
const FATAL_SEVERITY = 21;
/** Records of one template within one of these are one signal, however many deliveries they come in. */
const WINDOW_MS = 5 * 60_000;
/** Beyond it, the templates of one delivery are no longer told apart. */
const GROUPS_MAX = 1000;

export function readOtlp(delivery: SourceDelivery): readonly RawAlert[] {
  if (delivery.telemetry === null) throw new AppError("request-invalid", "OTLP goes to …/v1/logs or …/v1/metrics");
  return delivery.telemetry === "metrics" ? readMetrics(delivery) : readLogs(delivery);
}

type Group = { readonly resource: ReadonlyMap<string, string>; readonly first: OtlpLogRecord; count: number };

function readLogs({ body, receivedAtMs }: SourceDelivery): readonly RawAlert[] {
  const groups = new Map<string, Group>();
  for (const { resource, scopeLogs } of parsePayload(otlpLogsSchema, body, "an OTLP logs request").resourceLogs) {
    const labels = resourceLabels(resource?.attributes);
    for (const record of (scopeLogs ?? []).flatMap(({ logRecords }) => logRecords ?? [])) {
      if (severityOf(record) < ERROR_SEVERITY) continue;
      const key = JSON.stringify([[...labels], groups.size < GROUPS_MAX ? failureOf(record) : ""]);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { resource: labels, first: record, count: 1 });
      else group.count++;
    }
  }
  return [...groups.values()].map((group) => logAlert(group, receivedAtMs));
}

function severityOf({ severityNumber, severityText }: OtlpLogRecord): number {
  if (severityNumber !== null && severityNumber !== undefined && severityNumber !== 0) return severityNumber;
  if (/^(?:fatal|critical|panic|emerg)/i.test(severityText ?? "")) return FATAL_SEVERITY;
  return /^err/i.test(severityText ?? "") ? ERROR_SEVERITY : 0;
}

/** The exception's type or the event's name; else letters that stand for the template of the line, which stays out. */
function failureOf(record: OtlpLogRecord): string {
  const named = record.eventName || scalar(record.attributes, "exception.type");
  if (named !== undefined && named !== "") return named;
  const template = failureWords({ title: record.body?.stringValue ?? "", subjects: [], instances: [] });
  const digits = hash("sha256", template).slice(0, 12);
  return `ErrorLog ${[...digits].map((digit) => "abcdefghijklmnop"[Number.parseInt(digit, 16)]).join("")}`;
}

function logAlert({ resource, first, count }: Group, receivedAtMs: number): RawAlert {
  const at = millis(first.timeUnixNano) ?? millis(first.observedTimeUnixNano) ?? receivedAtMs;
  const name = failureOf(first);
  const fatal = severityOf(first) >= FATAL_SEVERITY;
  return {
    detectorKind: "otlp-logs",
    name,
    status: "firing",
    labels: new Map([
      ...resource,
      ["severity", fatal ? "critical" : "error"],
      ...idLabel("trace_id", first.traceId),
      ...idLabel("span_id", first.spanId),
    ]),
    annotations: new Map([["description", `${count} error record${count === 1 ? "" : "s"} of one template`]]),
    startsAt: at,
    endsAt: "",
    links: [],
    fingerprint: JSON.stringify([name, ...resource]),
    occurrence: String(Math.floor(at / WINDOW_MS)),
    isEndless: true,
  };
}

/** Every configured threshold against the newest point of each resource and set of attributes. */
function readMetrics({ body, thresholds, receivedAtMs }: SourceDelivery): readonly RawAlert[] {
  const { resourceMetrics } = parsePayload(otlpMetricsSchema, body, "an OTLP metrics request");
  return resourceMetrics.flatMap((one) => thresholds.flatMap((threshold) => judge(one, threshold, receivedAtMs)));
}

function judge(
  { resource, scopeMetrics }: OtlpMetrics["resourceMetrics"][number],
  threshold: OtlpThreshold,
  receivedAtMs: number,
): RawAlert[] {
  const labels = resourceLabels(resource?.attributes);
  const newest = new Map<string, OtlpPoint>();
  for (const metric of (scopeMetrics ?? []).flatMap(({ metrics }) => metrics ?? [])) {
    if (metric.name !== threshold.metric) continue;
    for (const point of [...(metric.gauge?.dataPoints ?? []), ...(metric.sum?.dataPoints ?? [])]) {
      if (valueOf(point) === undefined || !isMeant(point, threshold)) continue;
      const key = JSON.stringify(sorted(point.attributes));
      const before = newest.get(key);
      if (before === undefined || (millis(point.timeUnixNano) ?? 0) >= (millis(before.timeUnixNano) ?? 0)) {
        newest.set(key, point);
      }
    }
  }
  return [...newest].map(([key, point]) => metricAlert({ threshold, labels, key, point, receivedAtMs }));
}

type Judged = {
  readonly threshold: OtlpThreshold;
  readonly labels: ReadonlyMap<string, string>;
  readonly key: string;
  readonly point: OtlpPoint;
  readonly receivedAtMs: number;
};

/** A threshold of one series is one alert, which fires and ends; in between, the same word again is known. */
function metricAlert({ threshold, labels, key, point, receivedAtMs }: Judged): RawAlert {
  const { above = Infinity, below = -Infinity } = threshold;
  const value = valueOf(point) ?? 0;
  const status = value > above || value < below ? "firing" : "resolved";
  const at = millis(point.timeUnixNano) ?? receivedAtMs;
  return {
    detectorKind: "otlp-metrics",
    name: threshold.name,
    status,
    labels: new Map([...sorted(point.attributes), ...labels, ["severity", threshold.severity]]),
    annotations: new Map([["description", `${threshold.metric} is ${value}`]]),
    startsAt: at,
    endsAt: status === "firing" ? "" : at,
    links: [],
    fingerprint: JSON.stringify([threshold.name, key, ...labels]),
    occurrence: "threshold",
  };
}

function isMeant({ attributes }: OtlpPoint, threshold: OtlpThreshold): boolean {
  return Object.entries(threshold.attributes).every(([name, value]) => scalar(attributes, name) === value);
}

function valueOf({ asDouble, asInt }: OtlpPoint): number | undefined {
  const value = asDouble ?? asInt ?? undefined;
  const number = value === undefined ? Number.NaN : Number(value);
  return Number.isFinite(number) ? number : undefined;
}

/** Semantic conventions in the words that the standard mapping reads. */
const RESOURCE_LABELS: ReadonlyMap<string, string> = new Map([
  ["service.name", "service"],
  ["service.version", "version"],
  ["deployment.environment.name", "environment"],
  ["deployment.environment", "environment"],
  ["k8s.namespace.name", "namespace"],
  ["k8s.cluster.name", "cluster"],
  ["k8s.deployment.name", "deployment"],
  ["k8s.pod.name", "pod"],
  ["cloud.region", "region"],
  ["host.name", "host"],
]);

function resourceLabels(attributes: OtlpAttributes): Map<string, string> {
  const labels = new Map<string, string>();
  for (const [name, value] of sorted(attributes)) {
    const label = RESOURCE_LABELS.get(name);
    if (label !== undefined && value !== "") labels.set(label, value);
  }
  return labels;
}

function sorted(attributes: OtlpAttributes): [string, string][] {
  const pairs = (attributes ?? []).map(({ key, value }): [string, string] => [key, scalarOf(value) ?? ""]);
  return pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function scalar(attributes: OtlpAttributes, name: string): string | undefined {
  return scalarOf(attributes?.find(({ key }) => key === name)?.value);
}

function scalarOf(value: NonNullable<OtlpAttributes>[number]["value"]): string | undefined {
  const found = value?.stringValue ?? value?.intValue ?? value?.boolValue ?? value?.doubleValue;
  return found === undefined ? undefined : String(found);
}

function idLabel(name: string, id: string | null | undefined): (readonly [string, string])[] {
  return id === null || id === undefined || /^0*$/.test(id) ? [] : [[name, id.toLowerCase()]];
}

/** Unknown for 0, which OTLP uses for it. */
function millis(nanos: string | number | null | undefined): number | undefined {
  if (nanos === null || nanos === undefined || Number(nanos) === 0) return undefined;
  return typeof nanos === "number" ? Math.floor(nanos / 1e6) : Number(BigInt(nanos) / 1_000_000n);
}
