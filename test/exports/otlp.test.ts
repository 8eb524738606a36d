// OTLP/HTTP logs: the shape of the protocol's JSON, partial success, and being asked to wait.

import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { createOtlpTransport } from "../../src/adapters/exports/otlp.ts";
import { exportsConfigSchema, type OtlpConfig } from "../../src/wire/schemas/exports-config.ts";
import { NEVER, secretsOf, sleepingClock, startReceiver, type Answered, type Asked } from "./receiver.ts";
import { recordOf, recordsFrom } from "./records.ts";

interface LogRecord {
  readonly timeUnixNano: string;
  readonly observedTimeUnixNano: string;
  readonly severityNumber: number;
  readonly eventName: string;
  readonly body: unknown;
  readonly attributes: readonly { readonly key: string; readonly value: unknown }[];
}

/** AnyValue in the protocol's JSON: exactly one member, and 64-bit numbers as text. */
function readValue(value: unknown): unknown {
  const entries = Object.entries(value as Record<string, unknown>);
  if (entries.length === 0) return null;
  assert.equal(entries.length, 1, JSON.stringify(value));
  const [kind = "", held] = entries[0] ?? [];
  switch (kind) {
    case "stringValue":
      assert.equal(typeof held, "string");
      return held;
    case "boolValue":
      assert.equal(typeof held, "boolean");
      return held;
    case "intValue":
      assert.match(held as string, /^-?\d+$/);
      return Number(held);
    case "doubleValue":
      assert.equal(typeof held, "number");
      return held;
    case "arrayValue":
      return (held as { values: readonly unknown[] }).values.map(readValue);
    case "kvlistValue":
      return readList((held as { values: LogRecord["attributes"] }).values);
    default:
      return assert.fail(`no such AnyValue: ${kind}`);
  }
}

function readList(list: LogRecord["attributes"]): Record<string, unknown> {
  assert.equal(new Set(list.map(({ key }) => key)).size, list.length, "keys are unique");
  return Object.fromEntries(list.map(({ key, value }) => [key, readValue(value)]));
}

async function connected(t: TestContext, over: Partial<OtlpConfig> = {}) {
  const received: LogRecord[] = [];
  const asked: Asked[] = [];
  const next: Answered[] = [];
  const { origin, call } = await startReceiver(t, (request) => {
    asked.push(request);
    const instead = next.shift();
    if (instead !== undefined) return instead;
    if (request.method !== "POST" || request.path !== "/v1/logs") return { status: 404 };
    if (request.headers["content-type"] !== "application/json") return { status: 415 };
    const { resourceLogs } = JSON.parse(request.body) as {
      resourceLogs: { resource: unknown; scopeLogs: { scope: { name: string }; logRecords: LogRecord[] }[] }[];
    };
    for (const { scopeLogs } of resourceLogs) for (const { logRecords } of scopeLogs) received.push(...logRecords);
    return { status: 200, json: {} };
  });
  const config = exportsConfigSchema.parse({ otel: { kind: "otlp", baseUrl: origin, ...over } })["otel"] as OtlpConfig;
  const { clock } = sleepingClock();
  const credentials = secretsOf({ "otel/auth": "Basic dXNlcjpwYXNz" });
  const transport = createOtlpTransport({ config, origin, call, clock, credentials, version: "1.2.3" });
  return { received, asked, next, transport };
}

/** Without members that are null, which the protocol's lists leave out. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, held]) => (held === null ? [] : [[key, withoutNulls(held)]])),
  );
}

it("a record is a log record: its time, its severity, its whole self as body, its ids as attributes", async (t) => {
  const { received, transport } = await connected(t);
  const record = recordOf(12);
  const delivery = await transport.deliver({ records: [record], memo: null }, NEVER);
  assert.deepEqual(delivery, { accepted: 1, rejected: 0, memo: null, failure: null });
  const [log] = received;
  assert.ok(log !== undefined);
  assert.equal(log.timeUnixNano, "1790000000012000000");
  assert.match(log.observedTimeUnixNano, /^\d{19}$/);
  assert.deepEqual([log.severityNumber, log.eventName], [17, "holdpoint.action.granted"]);
  assert.deepEqual(readValue(log.body), withoutNulls(record));
  const attributes = readList(log.attributes);
  assert.equal(attributes["log.record.uid"], record.id);
  assert.equal(attributes["holdpoint.correlation_id"], "inc_000000004");
  assert.equal(attributes["holdpoint.ledger.seq"], 12);
});

it("a partial success is accepted, its rejections counted, and nothing of it sent again", async (t) => {
  const { next, asked, transport } = await connected(t);
  next.push({ status: 200, json: { partialSuccess: { rejectedLogRecords: "2", errorMessage: "too large" } } });
  const delivery = await transport.deliver({ records: recordsFrom(1, 5), memo: null }, NEVER);
  assert.deepEqual(delivery, { accepted: 5, rejected: 2, memo: null, failure: null });
  assert.equal(asked.length, 1);
});

it("Retry-After is honoured, as seconds and as a date", async (t) => {
  const { next, transport } = await connected(t);
  const batch = { records: recordsFrom(1, 1), memo: null };
  next.push({ status: 429, headers: { "retry-after": "17" } });
  assert.deepEqual((await transport.deliver(batch, NEVER)).failure, { code: "receiver-busy", retryAfterMs: 17_000 });
  const date = new Date(1_790_000_000_000 + 30_000).toUTCString();
  next.push({ status: 503, headers: { "retry-after": date } });
  const { failure } = await transport.deliver(batch, NEVER);
  assert.equal(failure?.code, "receiver-busy");
  assert.equal(failure.retryAfterMs, 30_000);
  next.push({ status: 429, headers: { "retry-after": "999999999" } });
  assert.equal((await transport.deliver(batch, NEVER)).failure?.retryAfterMs, 3_600_000, "at most an hour");
});

it("what is not success is not accepted: other answers, lost ones, and garbage", async (t) => {
  const { next, transport } = await connected(t);
  const batch = { records: recordsFrom(1, 1), memo: null };
  for (const answer of [{ status: 400 }, { status: 500 }, { status: 302 }, { status: 202 }, "drop"] as const) {
    next.push(answer);
    const { accepted, failure } = await transport.deliver(batch, NEVER);
    assert.equal(accepted, 0);
    assert.ok(failure !== null);
  }
});

it("the configured authorization goes along; without its secret nothing is sent", async (t) => {
  const { asked, transport } = await connected(t, { authorizationRef: "otel/auth" });
  await transport.deliver({ records: recordsFrom(1, 1), memo: null }, NEVER);
  assert.equal(asked[0]?.headers.authorization, "Basic dXNlcjpwYXNz");
  const without = await connected(t, { authorizationRef: "otel/none" });
  const delivery = await without.transport.deliver({ records: recordsFrom(1, 1), memo: null }, NEVER);
  assert.equal(delivery.failure?.code, "credential-missing");
  assert.equal(without.asked.length, 0);
});
