// Webhook payloads as data files: what arrives, and what becomes of each alert in it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { normalizeDelivery } from "../../src/signals/normalize-delivery.ts";
import { otlpThresholdSchema } from "../../src/wire/schemas/otlp.ts";
import { quarantinedSignalSchema, signalMappingSchema, signalSchema } from "../../src/wire/schemas/signal.ts";
import type { NormalizedSignal } from "../../src/wire/types/signal.ts";
import { SOURCE_KINDS, type SourceKind } from "../../src/wire/types/source-kinds.ts";

type Vector = {
  about: string;
  /** Alertmanager unless it says otherwise. */
  kind?: SourceKind;
  headers?: Record<string, string>;
  mapping?: Record<string, unknown>;
  telemetry?: "logs" | "metrics";
  thresholds?: unknown[];
  receivedAt: string;
  payload: unknown;
  /** Fields that must be as given; instants as RFC 3339; signatures `SAME` are equal within the vector. */
  expected: Record<string, unknown>[];
};

const DIR = join(import.meta.dirname, "vectors");
const files = readdirSync(DIR).filter((name) => name.endsWith(".json"));

function normalize({ kind = "alertmanager", payload, ...vector }: Vector): NormalizedSignal[] {
  const receivedAtMs = Date.parse(vector.receivedAt);
  const delivery = {
    body: payload,
    headers: vector.headers ?? {},
    receivedAtMs,
    telemetry: vector.telemetry ?? null,
    thresholds: (vector.thresholds ?? []).map((one) => otlpThresholdSchema.parse(one)),
    ownKeys: { pagerduty: "holdpoint.example/log/", servicenow: "holdpoint.example/log:" },
  };
  const mapping = signalMappingSchema.parse(vector.mapping ?? {});
  return normalizeDelivery(kind, delivery, { source: kind, mapping, receivedAtMs });
}

function fieldsOf(normalized: NormalizedSignal): Record<string, unknown> {
  if (normalized.kind === "quarantined") {
    return { kind: "quarantined", ...quarantinedSignalSchema.parse(normalized.quarantined) };
  }
  if (normalized.kind === "tracked") return { kind: "tracked", ...normalized.tracked };
  const signal = signalSchema.parse(normalized.signal);
  const iso = (ms: number): string => new Date(ms).toISOString();
  return {
    kind: "signal",
    ...signal,
    startedAt: iso(signal.startedAt),
    endedAt: signal.endedAt === null ? null : iso(signal.endedAt),
  };
}

assert.ok(files.length >= 6, "the vectors are there");
for (const kind of Object.keys(SOURCE_KINDS)) {
  test(`there are vectors of ${kind}, the first of which is what its vendor documents`, () => {
    assert.ok(files.some((file) => file.startsWith(`${kind}-`)));
  });
}
for (const file of files) {
  const vector = JSON.parse(readFileSync(join(DIR, file), "utf8")) as Vector;
  test(`${file}: ${vector.about}`, () => {
    const results = normalize(vector).map(fieldsOf);
    assert.equal(results.length, vector.expected.length);
    const same = new Set<unknown>();
    for (const [index, expected] of vector.expected.entries()) {
      const result = results[index] ?? {};
      for (const [field, value] of Object.entries(expected)) {
        const actual = result[field];
        if (value === "SAME") same.add(actual);
        else if (field.endsWith("At") && typeof value === "string") {
          assert.ok(typeof actual === "string");
          assert.equal(Date.parse(actual), Date.parse(value), `alert ${index}: ${field}`);
        } else assert.deepEqual(actual, value, `alert ${index}: ${field}`);
      }
    }
    assert.ok(same.size <= 1, "one signature");
  });
}
