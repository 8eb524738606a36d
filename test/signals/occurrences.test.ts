// Which deliveries are of one alert: its firing, its end, the next firing, and what is another alert.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import { normalizeDelivery } from "../../src/signals/normalize-delivery.ts";
import { signalMappingSchema } from "../../src/wire/schemas/signal.ts";
import type { SourceKind } from "../../src/wire/types/source-kinds.ts";

type Vector = { kind: SourceKind; receivedAt: string; payload: JsonObject };

/** Keys of the alerts in a vector, in which `change` puts other words for some. */
function keysOf(name: string, change: (text: string) => string = (text) => text): string[] {
  const file = join(import.meta.dirname, "vectors", `${name}.json`);
  const { kind, receivedAt, payload } = JSON.parse(change(readFileSync(file, "utf8"))) as Vector;
  const receivedAtMs = Date.parse(receivedAt);
  const ownKeys = { pagerduty: "holdpoint.example/log/", servicenow: "holdpoint.example/log:" };
  const delivery = { body: payload, headers: {}, receivedAtMs, telemetry: null, thresholds: [], ownKeys };
  const mapping = signalMappingSchema.parse({});
  return normalizeDelivery(kind, delivery, { source: kind, mapping, receivedAtMs }).map((one) => {
    assert.ok(one.kind === "signal");
    return one.signal.deliveryKey;
  });
}

/** The key of the one alert in it, without its status. */
function alertIn(name: string, change?: (text: string) => string): string {
  const [key = "", ...more] = keysOf(name, change);
  assert.equal(more.length, 0);
  return key.replace(/:(?:firing|resolved)$/, "");
}

test("an alarm ends whatever its state before OK was, and whenever that was entered", () => {
  const firing = alertIn("eventbridge-cloudwatch-firing");
  assert.equal(alertIn("eventbridge-cloudwatch-resolved"), firing);
  const without = (text: string): string => text.replace('"value": "ALARM"', '"value": "INSUFFICIENT_DATA"');
  assert.equal(alertIn("eventbridge-cloudwatch-resolved", without), firing);
  // A new reason for the same state moves the time of that state.
  const later = (text: string): string =>
    text.replace('"timestamp": "2019-10-02T17:04:40.989+0000"', '"timestamp": "2019-10-02T17:09:40.989+0000"');
  assert.equal(alertIn("eventbridge-cloudwatch-resolved", later), firing);
});

test("of an alarm with many time series each fires and ends by itself", () => {
  const other = (text: string): string => text.replace("6d442278dba546f6", "0000000000000000");
  const firing = alertIn("eventbridge-contributor-firing");
  assert.equal(alertIn("eventbridge-contributor-resolved"), firing);
  assert.notEqual(alertIn("eventbridge-contributor-firing", other), firing);
  const about = (id: string) => (text: string) =>
    text.replace('{\\"AlarmName\\"', `{\\"AlarmContributorId\\": \\"${id}\\", \\"AlarmName\\"`);
  const one = alertIn("sns-cloudwatch-firing", about("a1b2c3d4e5f6g7h8"));
  assert.equal(alertIn("sns-cloudwatch-resolved", about("a1b2c3d4e5f6g7h8")), one);
  assert.notEqual(alertIn("sns-cloudwatch-firing", about("b1b2c3d4e5f6g7h8")), one);
  assert.notEqual(alertIn("sns-cloudwatch-firing"), one);
});

test("a run of a Splunk search fires for each row that it tells of, once", () => {
  const row = alertIn("splunk-result");
  assert.equal(alertIn("splunk-result"), row);
  assert.notEqual(
    alertIn("splunk-result", (text) => text.replace('"service": "cart"', '"service": "orders"')),
    row,
  );
  assert.notEqual(
    alertIn("splunk-result", (text) => text.replaceAll("14232356_132", "14232356_133")),
    row,
  );
});
