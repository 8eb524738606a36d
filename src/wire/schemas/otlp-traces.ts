// OpenTelemetry spans as OTLP 1.x has them, in both encodings, as far as the structure of production is read off them.
//
// Of a span's attributes only those that name structure are kept; values of every other are not even looked at.

import { AppError } from "../../core/errors.ts";
import type { SpanNames, TelemetrySpan } from "../types/telemetry-span.ts";
import { ProtobufReader } from "./protobuf-reader.ts";

/** Both spellings, where OpenTelemetry renamed one. */
const SPAN_ATTRIBUTES: ReadonlyMap<string, keyof SpanNames> = new Map([
  ["http.route", "route"],
  ["http.request.method", "method"],
  ["http.method", "method"],
  ["rpc.service", "rpcService"],
  ["rpc.method", "rpcMethod"],
  ["db.system", "dbSystem"],
  ["db.system.name", "dbSystem"],
  ["db.name", "dbName"],
  ["db.namespace", "dbName"],
  ["db.operation", "dbOperation"],
  ["db.operation.name", "dbOperation"],
  ["messaging.system", "messagingSystem"],
  ["messaging.destination.name", "destination"],
  ["messaging.operation", "messagingOperation"],
  ["messaging.operation.type", "messagingOperation"],
  ["peer.service", "peerService"],
  ["server.address", "serverAddress"],
  ["net.peer.name", "serverAddress"],
]);
const RESOURCE_ATTRIBUTES: ReadonlyMap<string, "service" | "environment"> = new Map([
  ["service.name", "service"],
  ["deployment.environment.name", "environment"],
  ["deployment.environment", "environment"],
]);
const TEXT_BYTES_MAX = 1024;
const ID_BYTES = { trace: 16, span: 8 } as const;
const ERROR_STATUS = 2;
const NANOS_PER_MS = 1e6;
const NANOS_PER_US = 1e3;

type Take = (span: TelemetrySpan) => void;
type Resource = { service: string; environment: string };

/** Hands over the spans of a request in protobuf, in their order. Throws `body-malformed`. */
export function readSpansProtobuf(bytes: Buffer, take: Take): void {
  const request = new ProtobufReader(bytes);
  while (request.next()) {
    if (request.field === 1) readResourceSpans(request.message(), take);
    else request.skip();
  }
}

function readResourceSpans(reader: ProtobufReader, take: Take): void {
  const resource: Resource = { service: "", environment: "" };
  const scopes: ProtobufReader[] = [];
  while (reader.next()) {
    if (reader.field === 1) readResource(reader.message(), resource);
    else if (reader.field === 2) scopes.push(reader.message());
    else reader.skip();
  }
  for (const scope of scopes) {
    while (scope.next()) {
      if (scope.field === 2) take(readSpan(scope.message(), resource));
      else scope.skip();
    }
  }
}

function readResource(reader: ProtobufReader, resource: Resource): void {
  while (reader.next()) {
    if (reader.field === 1) readAttribute(reader.message(), RESOURCE_ATTRIBUTES, resource);
    else reader.skip();
  }
}

function readAttribute<N extends string>(
  reader: ProtobufReader,
  wanted: ReadonlyMap<string, N>,
  into: Partial<Record<N, string>>,
): void {
  let name: N | undefined;
  while (reader.next()) {
    if (reader.field === 1) name = wanted.get(reader.latin1());
    else if (reader.field === 2 && name !== undefined) {
      const value = reader.message();
      while (value.next()) {
        if (value.field === 1) into[name] = value.text().slice(0, TEXT_BYTES_MAX);
        else value.skip();
      }
    } else reader.skip();
  }
}

type Draft = { -readonly [K in keyof TelemetrySpan]: TelemetrySpan[K] };

function emptySpan({ service, environment }: Resource): Draft {
  return {
    traceId: "",
    spanId: "",
    parentId: "",
    service,
    environment,
    name: "",
    kind: 0,
    isFailed: false,
    startMs: 0,
    durationUs: 0,
    names: {},
  };
}

function readSpan(reader: ProtobufReader, resource: Resource): TelemetrySpan {
  const span = emptySpan(resource);
  let startNanos = 0;
  let endNanos = 0;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        span.traceId = reader.latin1();
        break;
      case 2:
        span.spanId = reader.latin1();
        break;
      case 4:
        span.parentId = reader.latin1();
        break;
      case 5:
        span.name = reader.text().slice(0, TEXT_BYTES_MAX);
        break;
      case 6:
        span.kind = reader.integer();
        break;
      case 7:
        startNanos = reader.fixed64();
        break;
      case 8:
        endNanos = reader.fixed64();
        break;
      case 9:
        readAttribute(reader.message(), SPAN_ATTRIBUTES, span.names);
        break;
      case 15:
        span.isFailed = readStatus(reader.message());
        break;
      default:
        reader.skip();
    }
  }
  return finished(span, startNanos, endNanos);
}

function readStatus(reader: ProtobufReader): boolean {
  let isFailed = false;
  while (reader.next()) {
    if (reader.field === 3) isFailed = reader.integer() === ERROR_STATUS;
    else reader.skip();
  }
  return isFailed;
}

/** Throws `body-malformed` for ids that are none: without them a span joins nothing. */
function finished(span: Draft, startNanos: number, endNanos: number): TelemetrySpan {
  const { traceId, spanId, parentId } = span;
  const isNamed = traceId.length === ID_BYTES.trace && spanId.length === ID_BYTES.span;
  if (!isNamed || (parentId !== "" && parentId.length !== ID_BYTES.span)) {
    throw new AppError("body-malformed", "a span has no id, or one of another length");
  }
  if (parentId === NO_PARENT) span.parentId = "";
  span.startMs = startNanos / NANOS_PER_MS;
  span.durationUs = Math.max(0, (endNanos - startNanos) / NANOS_PER_US);
  return span;
}

const NO_PARENT = "\0".repeat(ID_BYTES.span);

/** The same of a request in JSON. Throws `request-invalid` for what is no such request, and `body-malformed`. */
export function readSpansJson(body: unknown, take: Take): void {
  for (const one of listOf(membersOf(body)["resourceSpans"])) {
    const { resource: of, scopeSpans } = membersOf(one);
    const resource: Resource = { service: "", environment: "" };
    readAttributes(membersOf(of ?? {})["attributes"], RESOURCE_ATTRIBUTES, resource);
    for (const scope of listOf(scopeSpans)) {
      for (const span of listOf(membersOf(scope)["spans"])) take(spanOf(membersOf(span), resource));
    }
  }
}

type Members = Readonly<Record<string, unknown>>;

function spanOf(value: Members, resource: Resource): TelemetrySpan {
  const span = emptySpan(resource);
  span.traceId = idOf(value["traceId"]);
  span.spanId = idOf(value["spanId"]);
  span.parentId = idOf(value["parentSpanId"] ?? "");
  span.name = textOf(value["name"]);
  span.kind = typeof value["kind"] === "number" ? value["kind"] : 0;
  span.isFailed = membersOf(value["status"] ?? {})["code"] === ERROR_STATUS;
  readAttributes(value["attributes"], SPAN_ATTRIBUTES, span.names);
  return finished(span, nanosOf(value["startTimeUnixNano"]), nanosOf(value["endTimeUnixNano"]));
}

function readAttributes<N extends string>(
  list: unknown,
  wanted: ReadonlyMap<string, N>,
  into: Partial<Record<N, string>>,
): void {
  for (const one of listOf(list)) {
    const { key, value } = membersOf(one);
    const name = typeof key === "string" ? wanted.get(key) : undefined;
    const text = membersOf(value ?? {})["stringValue"];
    if (name !== undefined && typeof text === "string") into[name] = textOf(text);
  }
}

function membersOf(value: unknown): Members {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid();
  return value as Members;
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid();
  return value;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, TEXT_BYTES_MAX) : "";
}

/** OTLP's JSON has ids in hex; anything else becomes an id of a wrong length. */
function idOf(value: unknown): string {
  return typeof value === "string" && /^(?:[0-9A-Fa-f]{2})*$/.test(value)
    ? Buffer.from(value, "hex").toString("latin1")
    : "?";
}

function nanosOf(value: unknown): number {
  const nanos = typeof value === "string" || typeof value === "number" ? Number(value) : 0;
  return Number.isFinite(nanos) && nanos > 0 ? nanos : 0;
}

function invalid(): AppError {
  return new AppError("request-invalid", "this is not an OTLP traces request");
}
