// OTLP/HTTP logs as JSON: one log record for each record, the whole of it as the body, what is searched for as attributes.
// https://opentelemetry.io/docs/specs/otlp/#otlphttp

import type { Clock } from "../../core/clock.ts";
import type { Json } from "../../core/json.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { OutboundCall } from "../../wire/contracts/egress.ts";
import type { Delivery, ExportBatch, ExportRecord, ExportTransport } from "../../wire/contracts/export.ts";
import type { OtlpConfig } from "../../wire/schemas/exports-config.ts";
import { failed, failureOf, findSecret, objectIn, type Answered } from "../../wire/contracts/deliveries.ts";

export interface OtlpParts {
  readonly config: OtlpConfig;
  readonly origin: string;
  readonly call: OutboundCall;
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** Of this program. */
  readonly version: string;
}

/** Severity numbers of the log data model. */
const SEVERITY: Readonly<Record<string, readonly [number, string]>> = {
  low: [9, "INFO"],
  medium: [13, "WARN"],
  high: [17, "ERROR"],
  sev1: [21, "FATAL"],
};

export function createOtlpTransport(parts: OtlpParts): ExportTransport {
  return { recordsMax: 500, deliver: (batch, signal) => deliver(parts, batch, signal) };
}

async function deliver(parts: OtlpParts, { records }: ExportBatch, outer: AbortSignal): Promise<Delivery> {
  const { config, origin, call, clock, credentials } = parts;
  const nothing = { accepted: 0, rejected: 0, memo: null };
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (config.authorizationRef !== undefined) {
    const authorization = await findSecret(credentials, config.authorizationRef);
    if (authorization === null) return { ...nothing, failure: failed("credential-missing") };
    headers["authorization"] = authorization;
  }
  const body = JSON.stringify(requestOf(parts, records));
  const signal = AbortSignal.any([outer, AbortSignal.timeout(config.timeoutMs)]);
  const answer = await call({ method: "POST", origin, path: config.path, headers, body }, signal);
  if (answer.kind !== "answered" || answer.status !== 200) {
    return { ...nothing, failure: failureOf(answer, clock.nowMs()) };
  }
  // A partial success must not be repeated: the receiver has what it took, and will not take the rest.
  return { ...nothing, accepted: records.length, rejected: rejectedIn(answer, records.length), failure: null };
}

function rejectedIn(answer: Answered, count: number): number {
  const partial = (objectIn(answer)["partialSuccess"] ?? {}) as Readonly<Record<string, unknown>>;
  const rejected = Number(partial["rejectedLogRecords"] ?? 0); // int64 travels as text
  return Number.isSafeInteger(rejected) ? Math.min(Math.max(rejected, 0), count) : 0;
}

function requestOf({ version, clock }: OtlpParts, records: readonly ExportRecord[]): Json {
  const observed = nanos(clock.nowMs());
  const log = records[0]?.ledger.origin ?? "";
  const resource = { "service.name": "holdpoint", "service.version": version, "service.instance.id": log };
  const logRecords = records.map((record) => logRecordOf(record, observed));
  return {
    resourceLogs: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeLogs: [{ scope: { name: "holdpoint", version }, logRecords }],
      },
    ],
  };
}

function nanos(ms: number): string {
  return `${ms}000000`;
}

function logRecordOf(record: ExportRecord, observedTimeUnixNano: string): Json {
  const [severityNumber, severityText] = SEVERITY[record.classification?.severity ?? ""] ?? [9, "INFO"];
  return {
    timeUnixNano: nanos(record.time),
    observedTimeUnixNano,
    severityNumber,
    severityText,
    eventName: `holdpoint.${record.event}`,
    body: valueOf(record as unknown as Json),
    attributes: attributesOf({
      "log.record.uid": record.id,
      "holdpoint.correlation_id": record.correlationId,
      "holdpoint.run_id": record.run,
      "holdpoint.action_id": record.action?.id ?? null,
      "holdpoint.action_kind": record.action?.kind ?? null,
      "holdpoint.decision": record.decision?.decision ?? null,
      "holdpoint.status": record.status,
      "holdpoint.ledger.seq": record.ledger.seq,
      "holdpoint.ledger.leaf_hash": record.ledger.leafHash,
    }),
  };
}

/** Attributes without a value are left out. */
function attributesOf(members: Readonly<Record<string, Json>>): Json {
  return Object.entries(members)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => ({ key, value: valueOf(value) }));
}

/** AnyValue; an empty one stands for null. */
function valueOf(value: Json): Json {
  if (value === null) return {};
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") {
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(valueOf) } };
  return { kvlistValue: { values: attributesOf(value as Readonly<Record<string, Json>>) } };
}
