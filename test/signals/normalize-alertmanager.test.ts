// Normalization: identity of deliveries, mapping by configuration, bounds, and that nothing makes it throw.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isAppError } from "../../src/core/errors.ts";
import { normalizeAlert, type NormalizeOptions } from "../../src/signals/normalize-alert.ts";
import { readAlertmanager } from "../../src/signals/sources/alertmanager.ts";
import { parseAlertmanagerWebhook } from "../../src/wire/schemas/alertmanager.ts";
import {
  quarantinedSignalSchema,
  signalMappingSchema,
  signalSchema,
  type SignalMapping,
} from "../../src/wire/schemas/signal.ts";
import type { NormalizedSignal, Signal } from "../../src/wire/types/signal.ts";

const receivedAtMs = Date.parse("2026-11-20T10:01:00Z");
const standard = signalMappingSchema.parse({});
const labels = { alertname: "HighErrorRate", environment: "production", service: "cart", severity: "critical" };
const fullAlert = { status: "firing", labels, annotations: {}, startsAt: "2026-11-20T10:00:00Z", fingerprint: "aa" };

function delivery(...alerts: unknown[]): unknown {
  return { version: "4", status: "firing", groupKey: "{}", alerts };
}

function normalizeAll(body: unknown, options: NormalizeOptions): NormalizedSignal[] {
  return readAlertmanager({ body }).map((alert) => normalizeAlert(alert, options));
}

function normalize(alert: unknown, mapping: SignalMapping = standard): NormalizedSignal {
  const options = { source: "alertmanager", mapping, receivedAtMs };
  const [result] = normalizeAll(delivery(alert), options);
  assert.ok(result !== undefined);
  return result;
}

function signalOf(alert: unknown, mapping?: SignalMapping): Signal {
  const result = normalize(alert, mapping);
  assert.ok(result.kind === "signal", JSON.stringify(result));
  return result.signal;
}

test("a firing and its end share the delivery key but for its last word, and the next firing has another", () => {
  const firing = signalOf(fullAlert).deliveryKey;
  const resolved = signalOf({ ...fullAlert, status: "resolved", endsAt: "2026-11-20T10:00:30Z" }).deliveryKey;
  const again = signalOf({ ...fullAlert, startsAt: "2026-11-20T10:00:59Z" }).deliveryKey;
  assert.match(firing, /^[0-9a-f]{64}:firing$/);
  assert.equal(resolved, firing.replace(":firing", ":resolved"));
  assert.notEqual(again, firing);
  assert.equal(signalOf({ ...fullAlert, startsAt: "2026-11-20T11:00:00.0001+01:00" }).deliveryKey, firing);
  assert.notEqual(signalOf({ ...fullAlert, fingerprint: "ab" }).deliveryKey, firing);
});

test("without a fingerprint the labels identify the alert, in whatever order they come", () => {
  const without = { ...fullAlert, fingerprint: "" };
  const reversed = Object.fromEntries(Object.entries(labels).reverse());
  assert.equal(signalOf(without).deliveryKey, signalOf({ ...without, labels: reversed }).deliveryKey);
  assert.notEqual(
    signalOf(without).deliveryKey,
    signalOf({ ...without, labels: { ...labels, pod: "cart-0" } }).deliveryKey,
  );
});

test("defaults fill in for missing names only where they are configured", () => {
  const bare = { ...fullAlert, labels: { alertname: "A" } };
  assert.equal(normalize(bare).kind, "quarantined");
  const mapping = signalMappingSchema.parse({ defaultEnvironment: "Prod", defaultService: "legacy" });
  const { environment, service } = signalOf(bare, mapping);
  assert.deepEqual({ environment, service }, { environment: "production", service: "legacy" });
  assert.equal(signalOf(fullAlert, mapping).service, "cart");
});

test("labels and severities are read as the mapping says, and the most severe claim wins", () => {
  const mapping = signalMappingSchema.parse({
    environmentLabels: ["stage"],
    serviceLabels: ["owner"],
    severities: { desaster: "sev1" },
  });
  const custom = { ...fullAlert, labels: { ...labels, stage: "qa", owner: "shop", severity: "Desaster " } };
  const { environment, service, claimedSeverity } = signalOf(custom, mapping);
  assert.deepEqual(
    { environment, service, claimedSeverity },
    { environment: "test", service: "shop", claimedSeverity: "sev1" },
  );
  const claimed = (severity: string, priority = ""): string =>
    signalOf({ ...fullAlert, labels: { ...labels, severity, priority } }).claimedSeverity;
  assert.equal(claimed("critical"), "high");
  assert.equal(claimed("page"), "high");
  assert.equal(claimed("critical", "P1"), "sev1");
  assert.equal(claimed("warning"), "medium");
  assert.equal(claimed("info"), "low");
  for (const word of ["constructor", "__proto__", "toString", "", "extreme"]) assert.equal(claimed(word), "none");
});

test("a mapping with an unknown setting or a label name that is none is refused", () => {
  assert.throws(() => signalMappingSchema.parse({ environmentLabel: ["env"] }));
  assert.throws(() => signalMappingSchema.parse({ keptLabels: ["__proto__"] }));
  assert.throws(() => signalMappingSchema.parse({ serviceLabels: ["a b"] }));
});

test("labels outside the allow-list and log fields do not survive, and what survives is bounded", () => {
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`kept_${i}`, "é".repeat(4000)]));
  const mapping = signalMappingSchema.parse({ keptLabels: [...Object.keys(many), "log", "body"] });
  const noisy = { ...labels, ...many, log: "line", customer: "acme" };
  const signal = signalOf({ ...fullAlert, labels: noisy }, mapping);
  assert.ok(Object.keys(signal.labels).length <= 32);
  assert.ok(!("log" in signal.labels) && !("customer" in signal.labels));
  assert.ok(Object.values(signal.labels).every((value) => value.length <= 256));
  assert.ok(Buffer.byteLength(JSON.stringify(signal)) <= 16 * 1024);
});

test("log output never becomes text, in whatever form it comes", () => {
  const logs = [
    "2026-11-20T10:00:00Z ERROR SENTINEL",
    "[2026-11-20 10:00:00] SENTINEL",
    "Nov 20 10:00:00 host app[1]: SENTINEL",
    "E1120 10:00:00.000000 1 main.go:1] SENTINEL",
    'level=error msg="SENTINEL"',
    '{"level":"error","msg":"SENTINEL"}',
    "ERROR [main] SENTINEL",
    '10.0.0.1 - - [20/Nov/2026:10:00:00] "GET /SENTINEL"',
    "java.lang.IllegalStateException: SENTINEL",
    "Traceback (most recent call last):\n  SENTINEL",
    "line\nline\nline\nline\nline\nline\nSENTINEL",
  ];
  for (const log of logs) {
    for (const text of [log, `What happened:\n${log}\nmore SENTINEL`]) {
      const alert = {
        ...fullAlert,
        annotations: { summary: text, description: text, message: text, log: text, body: text },
      };
      const signal = signalOf(alert);
      assert.ok(!JSON.stringify(signal).includes("SENTINEL"), log);
      assert.ok(signal.redactions >= 3);
    }
  }
  const note = "Three pods restart.\nSee the dashboard.";
  assert.equal(signalOf({ ...fullAlert, annotations: { description: note } }).summary, note.replace("\n", " "));
});

test("a secret at the edge of what is scanned or kept does not survive in part", () => {
  const secret = `AKIA${"IOSFODNN7EXAMPLE"}`;
  for (let before = 4060; before < 4110; before += 1) {
    const summary = `${"-----BEGIN PRIVATE KEY-----".padEnd(before - 1, "x")} ${secret}`;
    assert.ok(!JSON.stringify(signalOf({ ...fullAlert, annotations: { summary } })).includes("AKIA"), String(before));
  }
  for (let before = 150; before < 210; before++) {
    const summary = `${"x".repeat(before)} ${secret} tail`;
    assert.ok(!JSON.stringify(signalOf({ ...fullAlert, annotations: { summary } })).includes("AKIA"), String(before));
  }
});

test("the excerpt of a quarantined alert shows what cannot be seen, and no secrets", () => {
  const result = normalize({
    ...fullAlert,
    labels: { ...labels, service: "ca\u202ert", password: "hunter2", note: `gh\u200bp_${"a1".repeat(20)}` },
  });
  assert.ok(result.kind === "quarantined");
  const { reason, excerpt } = result.quarantined;
  assert.equal(reason, "name-suspicious");
  assert.match(excerpt, /service="ca\\u\{202e\}rt"/);
  assert.match(excerpt, /^[ -~]+$/);
  assert.ok(!excerpt.includes("hunter2") && !excerpt.includes("a1a1"), excerpt);
});

test("a delivery of more than a thousand alerts is refused with advice, one of a thousand is taken", () => {
  const deliver = (count: number): NormalizedSignal[] =>
    normalizeAll(delivery(...Array.from({ length: count }, () => fullAlert)), {
      source: "alertmanager",
      mapping: standard,
      receivedAtMs,
    });
  assert.equal(deliver(1000).length, 1000);
  assert.throws(
    () => deliver(1001),
    (error) => isAppError(error, "request-invalid") && /max_alerts/.test(error.message),
  );
});

test("payloads that break the format are refused, telling where but not what", () => {
  const broken: unknown[] = [
    null,
    "x",
    [],
    {},
    { ...(delivery() as object), version: 4 },
    { ...(delivery() as object), version: "3" },
    { ...(delivery() as object), truncatedAlerts: 2 ** 53 },
    { ...(delivery() as object), truncatedAlerts: -1 },
    delivery({ ...fullAlert, status: "SECRETVALUE" }),
    delivery({ ...fullAlert, labels: { a: 2 ** 60 } }),
    delivery({ ...fullAlert, labels: ["x"] }),
    delivery({ ...fullAlert, startsAt: 1795226992346 }),
    delivery(...Array.from({ length: 1000 }, () => ({}))),
  ];
  for (const payload of broken) {
    assert.throws(
      () => parseAlertmanagerWebhook(payload),
      (error) =>
        isAppError(error, "request-invalid") && !JSON.stringify([error.message, error.facts]).includes("SECRETVALUE"),
    );
  }
});

const text = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
  {
    weight: 6,
    arbitrary: fc.constantFrom("", " ", "production", "cart", "\ud800", "__proto__", "\u202e", "password=hunter2!"),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.string({ unit: "binary", maxLength: 3 }), fc.nat(1300)).map(([unit, n]) => unit.repeat(n)),
  },
  { weight: 1, arbitrary: fc.nat(6000).map((n) => "漢 ".repeat(n)) },
);
const name = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...standard.keptLabels, "environment", "service", "summary", "description") },
  { weight: 1, arbitrary: text },
);
const instant = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom("2026-11-20T10:00:00Z", "2026-11-20T10:00:00.123456789+00:00"),
  },
  { weight: 1, arbitrary: fc.constantFrom("0001-01-01T00:00:00Z", "") },
  { weight: 1, arbitrary: text },
);
const anyAlert = fc.record({
  status: fc.constantFrom("firing", "resolved"),
  labels: fc
    .dictionary(name, text, { maxKeys: 24 })
    .chain((random) =>
      fc.constantFrom({ ...random, ...labels }, { ...random, ...labels }, { ...labels, ...random }, random),
    ),
  annotations: fc.dictionary(name, text, { maxKeys: 20 }),
  startsAt: instant,
  endsAt: instant,
  generatorURL: fc.oneof(fc.webUrl({ withQueryParameters: true }), text),
  fingerprint: text,
});

test("whatever an alert holds, the result keeps its schema and its 16 KiB, and nothing throws", () => {
  const seen = { signal: 0, quarantined: 0, tracked: 0 };
  fc.assert(
    fc.property(anyAlert, (alert) => {
      const result = normalize(alert);
      seen[result.kind]++;
      if (result.kind === "signal") signalSchema.parse(result.signal);
      else if (result.kind === "quarantined") quarantinedSignalSchema.parse(result.quarantined);
      const json = JSON.stringify(result);
      assert.ok(Buffer.byteLength(json) <= 16 * 1024, `${Buffer.byteLength(json)} bytes`);
      assert.ok(JSON.parse(json) !== null && !/\\ud[89a-f]/i.test(json), "well-formed text only");
      assert.ok(!json.includes("hunter2"));
    }),
    { numRuns: 600 },
  );
  assert.ok(seen.signal > 50 && seen.quarantined > 50 && seen.tracked === 0, JSON.stringify(seen));
});

test("an alert that fills every field to its bound stays within 16 KiB", () => {
  const wide = '漢"\\'.repeat(1300);
  const alert = {
    ...fullAlert,
    labels: { ...labels, ...Object.fromEntries(standard.keptLabels.map((label) => [label, wide.slice(0, 4096)])) },
    annotations: {
      summary: wide,
      description: wide,
      ...Object.fromEntries(
        standard.pointerAnnotations.map((key, i) => [key, `https://e.example/${i}?q=${"%22".repeat(120)}`]),
      ),
    },
  };
  const signal = signalOf({ ...alert, labels: { ...alert.labels, environment: "production", service: "cart" } });
  assert.ok(signal.pointers.length === 6 && signal.summary.length === 1000);
  assert.ok(Buffer.byteLength(JSON.stringify(signal)) <= 16 * 1024);
});
