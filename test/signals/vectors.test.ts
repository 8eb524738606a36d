// Webhook payloads as data files: what arrives, and what becomes of each alert in it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { normalizeAlertmanager } from "../../src/signals/normalize-alertmanager.ts";
import { parseAlertmanagerWebhook } from "../../src/wire/schemas/alertmanager.ts";
import { quarantinedSignalSchema, signalMappingSchema, signalSchema } from "../../src/wire/schemas/signal.ts";
import type { NormalizedSignal } from "../../src/wire/types/signal.ts";

type Vector = {
  about: string;
  receivedAt: string;
  payload: unknown;
  /** Fields that must be as given; instants as RFC 3339; signatures `SAME` are equal within the vector. */
  expected: Record<string, unknown>[];
};

const DIR = join(import.meta.dirname, "vectors");
const files = readdirSync(DIR).filter((name) => name.endsWith(".json"));
const mapping = signalMappingSchema.parse({});

function normalize(vector: Vector): NormalizedSignal[] {
  const receivedAtMs = Date.parse(vector.receivedAt);
  return normalizeAlertmanager(parseAlertmanagerWebhook(vector.payload), {
    source: "alertmanager",
    mapping,
    receivedAtMs,
  });
}

function fieldsOf(normalized: NormalizedSignal): Record<string, unknown> {
  if (normalized.kind === "quarantined") {
    return { kind: "quarantined", ...quarantinedSignalSchema.parse(normalized.quarantined) };
  }
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
