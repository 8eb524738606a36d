// OpenTelemetry's own SDK delivers logs to a running server, in both encodings, packed and not; what of logs, metrics and traces is taken.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter as JsonExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from "@opentelemetry/sdk-logs";
import { createSource } from "../../src/adapters/identity/source-secrets.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { systemRandom } from "../../src/main/system.ts";
import { metric, startServer } from "./fixture.ts";

let server: Awaited<ReturnType<typeof startServer>>;
let secret: string;
let reader: string;

before(async () => {
  server = await startServer();
  const thresholds = [{ name: "HighErrorRate", metric: "http.error.ratio", above: 0.05, severity: "critical" }];
  const source = { name: "otel", kind: "otlp", thresholds } as const;
  secret = createSource(join(server.dataDir, "sources"), source, systemRandom);
  reader = await server.bearer("ada");
  await new Promise((resolve) => setTimeout(resolve, 1100)); // sources are looked at again within a second
});
after(() => server.stop());

const SENTINEL = "order 4711 of jane.doe@example.org failed";

/** Emits error records through the SDK and answers the error that the exporter ended with, if any. */
async function emit(exporter: LogRecordExporter, service: string): Promise<void> {
  const resource = resourceFromAttributes({ "service.name": service, "deployment.environment.name": "production" });
  const provider = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor({ exporter })] });
  const logger = provider.getLogger("checkout");
  for (let i = 0; i < 50; i++) {
    logger.emit({ severityNumber: SeverityNumber.ERROR, severityText: "ERROR", body: `${SENTINEL} ${i}` });
    logger.emit({ severityNumber: SeverityNumber.INFO, severityText: "INFO", body: `${SENTINEL} ${i}` });
  }
  await provider.forceFlush();
  await provider.shutdown();
}

function itemsOf(page: JsonObject | null): readonly JsonObject[] {
  return (page?.["items"] ?? []) as unknown as readonly JsonObject[];
}

async function signalsOf(service: string): Promise<readonly JsonObject[]> {
  const { json } = await server.ask(`/v1/signals?service=${service}`, { as: reader });
  return itemsOf(json);
}

const exporters = { JSON: JsonExporter, protobuf: ProtobufExporter };

describe("the OpenTelemetry SDK", () => {
  for (const [name, Exporter] of Object.entries(exporters)) {
    test(`delivers its error logs in ${name} as one signal, without the lines`, async () => {
      const service = `cart-${name.toLowerCase()}`;
      const url = `${server.url}/v1/signals/otel/v1/logs`;
      await emit(new Exporter({ url, headers: { authorization: `Bearer ${secret}` } }), service);
      const signals = await signalsOf(service);
      assert.equal(signals.length, 1);
      const { json, text } = await server.ask(`/v1/signals/${signals[0]?.["id"] as string}`, { as: reader });
      assert.equal(json?.["environment"], "production");
      assert.equal((json["content"] as JsonObject)["summary"], "50 error records of one template");
      assert.ok(!text.includes("4711") && !text.includes("jane") && !text.includes("order"), text);
    });
  }
});

interface Points {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly metrics: readonly { readonly gauge: { readonly dataPoints: Json[] } }[];
    }[];
  }[];
}

const metrics = (value: number, { service = "payments", atMs = 0 } = {}): JsonObject => ({
  resourceMetrics: [
    {
      resource: {
        attributes: [
          { key: "service.name", value: { stringValue: service } },
          { key: "deployment.environment.name", value: { stringValue: "production" } },
        ],
      },
      scopeMetrics: [
        {
          metrics: [
            { name: "http.error.ratio", gauge: { dataPoints: [{ asDouble: value, timeUnixNano: `${atMs}000000` }] } },
          ],
        },
      ],
    },
  ],
});

const deliver = (path: string, body: Uint8Array | JsonObject, headers: Record<string, string> = {}) =>
  server.ask(`/v1/signals/otel/v1/${path}`, { method: "POST", as: `Bearer ${secret}`, body, headers });

describe("an OTLP source", () => {
  test("answers as OTLP servers do: 200 and an empty message of the same encoding", async () => {
    const json = await deliver("logs", { resourceLogs: [] });
    assert.deepEqual([json.status, json.text], [200, "{}"]);
    const empty = await deliver("logs", Buffer.from([0x0a, 0x00]), { "content-type": "application/x-protobuf" });
    assert.deepEqual([empty.status, empty.text], [200, ""]);
    assert.equal(empty.headers.get("content-type"), "application/x-protobuf");
  });

  test("takes bodies packed with gzip, and never unpacks more than it would take", async () => {
    const headers = { "content-encoding": "gzip" };
    const packed = gzipSync(JSON.stringify({ resourceLogs: [] }));
    assert.equal((await deliver("logs", packed, headers)).status, 200);
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x20));
    assert.equal((await deliver("logs", bomb, headers)).json?.["code"], "body-too-large");
    assert.equal((await deliver("logs", packed.subarray(0, -9), headers)).json?.["code"], "body-malformed");
    const other = await deliver("logs", packed, { "content-encoding": "br" });
    assert.equal(other.json?.["code"], "content-type-unsupported");
  });

  test("refuses bytes that are no such message, and never a nested value by falling over it", async () => {
    const type = { "content-type": "application/x-protobuf" };
    for (const bytes of [
      Buffer.from([0x0a]),
      Buffer.from([0x0a, 0xff, 0xff]),
      Buffer.from("{}"),
      Buffer.alloc(4096, 0xff),
    ]) {
      assert.equal((await deliver("logs", bytes, type)).json?.["code"], "body-malformed");
    }
    let nested: JsonObject = { stringValue: "deep" };
    for (let i = 0; i < 8; i++) nested = { arrayValue: { values: [nested] } };
    const record = { severityNumber: 17, body: nested };
    const { status } = await deliver("logs", { resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] });
    assert.equal(status, 200);
  });

  test("a metric beyond its threshold opens an incident once, and back within it ends that incident", async () => {
    const incidents = async () => {
      const { json } = await server.ask("/v1/incidents?service=payments", { as: reader });
      return itemsOf(json).map(({ status }) => status);
    };
    for (const value of [0.2, 0.3, 0.25]) assert.equal((await deliver("metrics", metrics(value))).status, 200);
    assert.deepEqual(await incidents(), ["open"]);
    assert.equal((await signalsOf("payments")).length, 1);
    await deliver("metrics", metrics(0.01));
    assert.deepEqual(await incidents(), ["resolved"]);
  });

  test("a metric that is back before it was beyond opens nothing; one of another day is kept aside", async () => {
    const received = (result: string): Promise<number> =>
      metric(server, `holdpoint_signals_total{source="otel",result="${result}"}`);
    const aside = await received("quarantined");
    const open = server.running.kernel.state.incidents.size;
    await deliver("metrics", metrics(0.01, { service: "early" }));
    assert.equal(await received("unmatched"), 1);
    await deliver("metrics", metrics(0.2, { service: "early", atMs: Date.now() - 60_000 }));
    assert.equal(await received("suppressed"), 1);
    const day = 86_400_000;
    await deliver("metrics", metrics(0.2, { service: "tomorrow", atMs: Date.now() + day }));
    await deliver("metrics", metrics(0.2, { service: "last-month", atMs: Date.now() - 31 * day }));
    assert.equal((await received("quarantined")) - aside, 2);
    assert.equal(server.running.kernel.state.incidents.size, open);
  });

  test("what shows another secret, is cut or comes twice in one body is refused, and nothing is recorded", async () => {
    const from = server.running.kernel.durableSize;
    const text = JSON.stringify(metrics(0.2, { service: "untouched" }));
    const send = async (body: string, as = `Bearer ${secret}`): Promise<unknown> => {
      const { status, json } = await server.ask("/v1/signals/otel/v1/metrics", { method: "POST", as, body });
      assert.ok(status >= 400 && status < 500);
      return json?.["code"];
    };
    assert.equal(await send(text, `Bearer ${server.secret}`), "source-secret-invalid");
    assert.equal(await send(text.slice(0, -20)), "body-malformed");
    assert.equal(await send(`${text}${text}`), "body-malformed");
    assert.equal(await send("[]"), "request-invalid");
    const events = await server.eventsSince(from);
    assert.ok(events.every(({ type }) => !type.startsWith("signal.")));
  });

  test("telemetry goes to sources of kind otlp alone", async () => {
    const as = `Bearer ${server.secret}`;
    const { json } = await server.ask("/v1/signals/alertmanager/v1/logs", { as, body: { resourceLogs: [] } });
    assert.equal(json?.["code"], "request-invalid");
    const without = await server.ask("/v1/signals/otel", { as: `Bearer ${secret}`, body: { resourceLogs: [] } });
    assert.equal(without.json?.["code"], "request-invalid");
  });

  test("leaves malformed records out, takes the others and says how many, in the encoding of the request", async () => {
    const good = { severityNumber: 17, body: { stringValue: "no connection" } };
    const bad = [{ ...good, traceId: "not hex" }, { ...good, timeUnixNano: {} }, "a line", null];
    const resource = metrics(0, { service: "partly" })["resourceMetrics"] as unknown as readonly JsonObject[];
    const scopeLogs = [{ logRecords: [bad[0] as Json, good, ...bad.slice(1)] }, { logRecords: [good] }];
    const sent = { resourceLogs: [{ resource: resource[0]?.["resource"] as JsonObject, scopeLogs }] };
    const { status, json } = await deliver("logs", sent);
    assert.deepEqual(
      [status, json?.["partialSuccess"]],
      [200, { rejectedLogRecords: "4", errorMessage: "left out what is malformed, first /traceId: invalid_format" }],
    );
    assert.equal((await signalsOf("partly")).length, 1);
    assert.equal(await metric(server, 'holdpoint_deliveries_partial_total{source="otel"}'), 1);
    const points = structuredClone(metrics(0.2, { service: "measured" })) as unknown as Points;
    points.resourceMetrics[0]?.scopeMetrics[0]?.metrics[0]?.gauge.dataPoints.unshift({ asDouble: "much" });
    const measured = await deliver("metrics", points as unknown as JsonObject);
    assert.deepEqual(measured.json?.["partialSuccess"], {
      rejectedDataPoints: "1",
      errorMessage: "left out what is malformed, first /asDouble: invalid_union",
    });
    assert.equal((await signalsOf("measured")).length, 1);
    // resource_logs { scope_logs { log_records { trace_id: three bytes } } }
    const packed = Buffer.from([0x0a, 0x09, 0x12, 0x07, 0x12, 0x05, 0x4a, 0x03, 1, 2, 3]);
    const answer = await deliver("logs", packed, { "content-type": "application/x-protobuf" });
    const message = "left out what is malformed, first /traceId: invalid_format";
    // partial_success { rejected_log_records: 1 error_message: message }
    const bytes = [0x0a, message.length + 4, 0x08, 1, 0x12, message.length];
    assert.equal(answer.text, `${String.fromCodePoint(...bytes)}${message}`);
  });
});

describe("traces", () => {
  const send = (body: Uint8Array | string | JsonObject, headers: Record<string, string> = {}) =>
    server.ask("/v1/traces", { method: "POST", as: `Bearer ${secret}`, body, headers });
  const PROTOBUF = { "content-type": "application/x-protobuf" };

  test("are answered as OTLP servers do, packed or not", async () => {
    assert.deepEqual((await send({ resourceSpans: [] })).text, "{}");
    const packed = await send(gzipSync("{}"), { "content-encoding": "gzip" });
    assert.deepEqual([packed.status, packed.text], [200, "{}"]);
    const empty = await send(Buffer.from([0x0a, 0x00]), PROTOBUF);
    assert.deepEqual(
      [empty.status, empty.text, empty.headers.get("content-type")],
      [200, "", PROTOBUF["content-type"]],
    );
  });

  test("that are none, or too much once unpacked, are refused with what is wrong", async () => {
    const span = { traceId: "00", spanId: "00", name: "x" };
    const cases: readonly (readonly [Uint8Array | string | JsonObject, Record<string, string>, string])[] = [
      [Buffer.from([0x0a]), PROTOBUF, "body-malformed"],
      [Buffer.alloc(4096, 0xff), PROTOBUF, "body-malformed"],
      [Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f]), PROTOBUF, "body-malformed"],
      ["{", {}, "body-malformed"],
      ["[]", {}, "request-invalid"],
      [{ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }, {}, "body-malformed"],
      [{ resourceSpans: 7 }, {}, "request-invalid"],
      ["{}", { "content-type": "text/plain" }, "content-type-unsupported"],
      ["{}", { "content-encoding": "br" }, "content-type-unsupported"],
      [gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x20)), { "content-encoding": "gzip" }, "body-too-large"],
      [gzipSync("{}").subarray(0, -9), { "content-encoding": "gzip" }, "body-malformed"],
    ];
    for (const [body, headers, code] of cases) assert.equal((await send(body, headers)).json?.["code"], code);
  });

  test("come from sources of kind otlp alone", async () => {
    const other = await server.ask("/v1/traces", { as: `Bearer ${server.secret}`, body: { resourceSpans: [] } });
    assert.equal(other.json?.["code"], "request-invalid");
    const nobody = await server.ask("/v1/traces", { as: "Bearer nothing", body: { resourceSpans: [] } });
    assert.equal(nobody.status, 401);
  });
});
