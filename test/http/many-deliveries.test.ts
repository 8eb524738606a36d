// Ten thousand alerts at once, as sources of each way of proof would send them, and Amazon SNS at its borders.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ERRORS, type ErrorCode } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { SourceKind } from "../../src/wire/types/source-kinds.ts";
import { snsMessage, TOPIC } from "../identity/sns-message.ts";
import { metric, startServer, type Answer } from "./fixture.ts";
import { AMAZON, openSender, vectorNow, type Sender } from "./senders.ts";

const BURST = 12_000;
const SETTINGS = `limits: { signals: { burst: ${BURST}, perSecond: 1 } }`;
const SENDERS = ["alertmanager", "cloudevents", "otlp", "datadog", "github", "pagerduty", "sns"] as const;

let server: Awaited<ReturnType<typeof startServer>>;
const senders = new Map<SourceKind, Sender>();

before(async () => {
  server = await startServer({ settings: SETTINGS });
  for (const kind of SENDERS) senders.set(kind, openSender(server, kind));
  await new Promise((resolve) => setTimeout(resolve, 1100)); // sources are looked at again within a second
});
after(() => server.stop());

function senderOf(kind: SourceKind): Sender {
  const sender = senders.get(kind);
  assert.ok(sender, kind);
  return sender;
}

const results = ({ json }: Answer): unknown[] =>
  ((json?.["signals"] ?? []) as unknown as readonly JsonObject[]).map(({ result }) => result);

const received = (kind: string, result: string): Promise<number> =>
  metric(server, `holdpoint_signals_total{source="${kind}",result="${result}"}`);

const startsAt = new Date(Date.now() - 60_000).toISOString();
/** Fifty failures, none of which is another one elsewhere. */
const failureOf = (i: number): string => `part${"abcdefghij"[i % 10] ?? ""}${"vwxyz"[Math.floor(i / 10) % 5] ?? ""}`;
const alert = (i: number): JsonObject => ({
  status: "firing",
  startsAt,
  fingerprint: `many-${i}`,
  labels: {
    alertname: `Broken ${failureOf(i)}`,
    environment: "production",
    service: `many-${i % 50}`,
    severity: "critical",
  },
});
const event = (i: number): JsonObject => ({
  specversion: "1.0",
  id: `many-${i}`,
  source: "/monitors/1",
  type: "com.example.alert",
  data: { name: `Full ${failureOf(i)}`, environment: "staging", service: `many-events-${i % 50}`, severity: "low" },
});
const list = (count: number, make: (i: number) => JsonObject, from = 0): JsonObject[] =>
  Array.from({ length: count }, (_, i) => make(from + i));

describe("ten thousand alerts at once", () => {
  const bodies = {
    alertmanager: (from: number) => JSON.stringify({ version: "4", status: "firing", alerts: list(1000, alert, from) }),
    cloudevents: (from: number) => JSON.stringify(list(1000, event, from)),
  };
  const headers: Record<string, string> = { "content-type": "application/cloudevents-batch+json" };
  for (const [kind, bodyFrom] of Object.entries(bodies)) {
    const send = (from: number): Promise<Answer> =>
      senderOf(kind as SourceKind).send(bodyFrom(from), kind === "cloudevents" ? { headers } : {});

    test(`of ${kind} are each recorded once, as fifty failures, whichever way the deliveries overlap`, async () => {
      const from = server.running.kernel.durableSize;
      const incidents = server.running.kernel.state.incidents.size;
      const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => send(i * 1000)));
      for (const answer of answers) assert.equal(answer.status, 202, answer.text.slice(0, 300));
      const all = answers.flatMap(results);
      assert.equal(all.length, 10_000);
      assert.ok(all.every((result) => result === "triaged" || result === "suppressed"));
      assert.equal(server.running.kernel.state.incidents.size - incidents, 50);
      assert.equal((await received(kind, "triaged")) + (await received(kind, "suppressed")), 10_000);
      assert.ok(server.running.kernel.durableSize - from < 3 * 10_000, "events of the flood are bounded");
    });

    test(`of ${kind}, and more of it than its source may send, are turned away whole and lost by nobody who repeats them`, async () => {
      const before = await received(kind, "suppressed");
      const answers = [await send(10_000), await send(11_000), await send(12_000)];
      const away = answers.filter(({ status }) => status !== 202);
      assert.ok(away.length > 0);
      for (const { status, json, headers: sent } of away) {
        assert.deepEqual([status, json?.["code"]], [503, "overloaded"]);
        assert.match(sent.get("content-type") ?? "", /^application\/problem\+json/);
        assert.match(sent.get("retry-after") ?? "", /^[1-9][0-9]*$/);
      }
      assert.equal(
        (await received(kind, "suppressed")) - before,
        1000 * (3 - away.length),
        "all of a delivery or none",
      );
    });
  }

  test("as log records of OpenTelemetry are as many signals as there are failures", async () => {
    const { secret } = senderOf("otlp");
    const now = String(BigInt(Date.now()) * 1_000_000n);
    const record = (i: number): JsonObject => ({
      timeUnixNano: now,
      severityNumber: 17,
      body: { stringValue: `order ${i} failed` },
    });
    const attribute = (key: string, value: string): JsonObject => ({ key, value: { stringValue: value } });
    const resource = { attributes: [attribute("service.name", "orders"), attribute("deployment.environment", "prod")] };
    const body = { resourceLogs: [{ resource, scopeLogs: [{ logRecords: list(10_000, record) }] }] };
    const answer = await server.ask("/v1/signals/otlp/v1/logs", { as: `Bearer ${secret}`, body });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(await received("otlp", "triaged"), 1);
    const more = { resourceLogs: [{ resource, scopeLogs: [{ logRecords: list(10_001, record) }] }] };
    assertRefused(
      await server.ask("/v1/signals/otlp/v1/logs", { as: `Bearer ${secret}`, body: more }),
      "request-invalid",
    );
  });
});

function assertRefused({ status, json }: Answer, code: ErrorCode, what = ""): void {
  assert.deepEqual([json?.["code"], status], [code, ERRORS[code].status], what);
}

describe("five hundred deliveries of one alert each", () => {
  for (const kind of ["datadog", "pagerduty", "sns", "github"] as const) {
    const vectors = { datadog: "datadog-triggered", pagerduty: "pagerduty-triggered", sns: "sns-cloudwatch-firing" };
    test(`of ${kind}, half of them not its own, are each judged for themselves`, async () => {
      const sender = senderOf(kind);
      const name = kind === "github" ? "github-deployment" : vectors[kind];
      const { payload, headers = {} } = vectorNow(name, { service: `burst-${kind}` });
      const text = JSON.stringify(payload);
      const refused = await metric(server, 'holdpoint_refusals_total{code="source-secret-invalid"}');
      const send = (i: number): Promise<Answer> => {
        const one = text
          .replace(/"12345678901234567890"|"PGR0VU2"|145988746/, (id) => (id.startsWith('"') ? `"ID${i}"` : String(i)))
          .replaceAll(String.raw`\"HighErrorRate\"`, String.raw`\"HighErrorRate${i}\"`);
        const bytes = sender.bytesOf(JSON.parse(one) as JsonObject);
        const isForged = i % 2 === 1;
        const forged = kind === "sns" && isForged ? bytes.replace('"Signature":"', '"Signature":"AAAA') : bytes;
        return sender.send(forged, { headers, forged: isForged });
      };
      const answers: Answer[] = [];
      for (let from = 0; from < 500; from += 50) {
        answers.push(...(await Promise.all(Array.from({ length: 50 }, (_, i) => send(from + i)))));
      }
      for (const [i, answer] of answers.entries()) {
        if (i % 2 === 1) assertRefused(answer, "source-secret-invalid", String(i));
        else assert.ok(!results(answer).includes("known") && answer.status === 202, answer.text);
      }
      assert.equal((await metric(server, 'holdpoint_refusals_total{code="source-secret-invalid"}')) - refused, 250);
    });
  }
});

describe("a message of Amazon SNS", () => {
  const send = (fields: Record<string, string>, atMs = Date.now()): Promise<Answer> =>
    senderOf("sns").send(JSON.stringify(snsMessage(AMAZON.key, atMs, fields)));
  const alarm = vectorNow("sns-cloudwatch-firing", { service: "borders" }).payload["Message"] as string;

  test("of another account's topic is refused, well signed though it is, and so is one from another day", async () => {
    const from = server.running.kernel.durableSize;
    const foreign = TOPIC.replace("123456789012", "210987654321");
    assertRefused(await send({ Message: alarm, TopicArn: foreign }), "source-secret-invalid", "another account");
    assertRefused(await send({ Message: alarm }, Date.now() - 86_400_000), "source-secret-invalid", "yesterday's");
    assertRefused(await send({ Message: alarm }, Date.now() + 86_400_000), "source-secret-invalid", "tomorrow's");
    const events = await server.eventsSince(from);
    assert.deepEqual(
      [...new Set(events.map(({ type }) => type))].filter((type) => type.startsWith("signal.")),
      [],
    );
  });

  test("that asks for a confirmation waits while nothing may go out to Amazon, and confirms no other topic", async () => {
    const confirmation = { Type: "SubscriptionConfirmation", Message: "You have chosen to subscribe" };
    assertRefused(await send(confirmation), "target-unavailable", "no way out");
    const foreign = TOPIC.replace("alarms", "others");
    assertRefused(await send({ ...confirmation, TopicArn: foreign }), "source-secret-invalid", "another topic");
  });
});
