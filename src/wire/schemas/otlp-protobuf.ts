// OTLP requests in protobuf, read into the same JSON as the other encoding.

import {
  create,
  createFileRegistry,
  fromBinary,
  fromJson,
  toBinary,
  toJson,
  type DescMessage,
  type JsonValue,
  type Message,
} from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { AppError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";

/**
 * The fields that signals are made of, with the numbers of opentelemetry-proto 1.x. What is not here is skipped, nested
 * values of attributes among it, so that no input makes the reader recurse. `*` marks repeated fields.
 */
const MESSAGES = {
  AnyValue: ["string string_value 1", "bool bool_value 2", "int64 int_value 3", "double double_value 4"],
  KeyValue: ["string key 1", "AnyValue value 2"],
  Resource: ["KeyValue* attributes 1"],
  Scope: ["string name 1"],
  LogRecord: [
    "fixed64 time_unix_nano 1",
    "int32 severity_number 2",
    "string severity_text 3",
    "AnyValue body 5",
    "KeyValue* attributes 6",
    "bytes trace_id 9",
    "bytes span_id 10",
    "fixed64 observed_time_unix_nano 11",
    "string event_name 12",
  ],
  ScopeLogs: ["Scope scope 1", "LogRecord* log_records 2"],
  ResourceLogs: ["Resource resource 1", "ScopeLogs* scope_logs 2"],
  LogsRequest: ["ResourceLogs* resource_logs 1"],
  Point: ["fixed64 time_unix_nano 3", "double as_double 4", "sfixed64 as_int 6", "KeyValue* attributes 7"],
  Points: ["Point* data_points 1"],
  Metric: ["string name 1", "Points gauge 5", "Points sum 7"],
  ScopeMetrics: ["Metric* metrics 2"],
  ResourceMetrics: ["Resource resource 1", "ScopeMetrics* scope_metrics 2"],
  MetricsRequest: ["ResourceMetrics* resource_metrics 1"],
  LogsPartial: ["int64 rejected_log_records 1", "string error_message 2"],
  LogsResponse: ["LogsPartial partial_success 1"],
  MetricsPartial: ["int64 rejected_data_points 1", "string error_message 2"],
  MetricsResponse: ["MetricsPartial partial_success 1"],
} as const;

const SCALARS: Readonly<Record<string, Type>> = {
  string: Type.STRING,
  bool: Type.BOOL,
  int32: Type.INT32,
  int64: Type.INT64,
  double: Type.DOUBLE,
  fixed64: Type.FIXED64,
  sfixed64: Type.SFIXED64,
  bytes: Type.BYTES,
};

const PACKAGE = "holdpoint.otlp";

/** Fields of which zero means something else than absent. */
const PRESENT = new Set(["string_value", "bool_value", "int_value", "double_value", "as_double", "as_int"]);

function fieldOf(text: string) {
  const [type = "", name = "", number = "0"] = text.split(" ");
  const plain = type.replace("*", "");
  const scalar = SCALARS[plain];
  return {
    name,
    jsonName: name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    number: Number(number),
    label: type.endsWith("*") ? Label.REPEATED : Label.OPTIONAL,
    ...(scalar === undefined ? { type: Type.MESSAGE, typeName: `.${PACKAGE}.${plain}` } : { type: scalar }),
  };
}

/** A field with presence in proto3 is the only member of a oneof of its own. */
function messageOf([name, fields]: readonly [string, readonly string[]]) {
  const described = fields.map(fieldOf);
  const present = described.filter((field) => PRESENT.has(field.name));
  return {
    name,
    field: described.map((field) =>
      PRESENT.has(field.name) ? { ...field, proto3Optional: true, oneofIndex: present.indexOf(field) } : field,
    ),
    oneofDecl: present.map((field) => ({ name: `_${field.name}` })),
  };
}

const FILE = create(FileDescriptorProtoSchema, {
  name: "holdpoint/otlp.proto",
  package: PACKAGE,
  syntax: "proto3",
  messageType: Object.entries(MESSAGES).map(messageOf),
});
const REGISTRY = createFileRegistry(create(FileDescriptorSetSchema, { file: [FILE] }));

/** The request of `POST …/v1/logs` or `…/v1/metrics`. Throws `body-malformed` for bytes that are no such message. */
export function otlpFromProtobuf(bytes: Uint8Array, telemetry: "logs" | "metrics"): unknown {
  const schema = schemaOf(telemetry, "Request");
  return withHexIds(toJson(schema, decode(schema, bytes)));
}

/** The answer to such a request, from its JSON. */
export function otlpToProtobuf(answer: JsonObject, telemetry: "logs" | "metrics"): Uint8Array {
  const schema = schemaOf(telemetry, "Response");
  return toBinary(schema, fromJson(schema, answer as JsonValue));
}

function schemaOf(telemetry: "logs" | "metrics", end: "Request" | "Response"): DescMessage {
  const schema = REGISTRY.getMessage(`${PACKAGE}.${telemetry === "logs" ? "Logs" : "Metrics"}${end}`);
  if (schema === undefined) throw new AppError("internal", "the OTLP descriptor is incomplete");
  return schema;
}

function decode(schema: DescMessage, bytes: Uint8Array): Message {
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (cause) {
    throw new AppError("body-malformed", "the body is not an OTLP request in protobuf", {}, cause);
  }
}

/** OTLP's own JSON has trace and span ids in hex where protobuf's JSON has base64. */
function withHexIds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withHexIds);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      (name === "traceId" || name === "spanId") && typeof member === "string"
        ? Buffer.from(member, "base64").toString("hex")
        : withHexIds(member),
    ]),
  );
}
