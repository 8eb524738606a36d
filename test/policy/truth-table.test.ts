// The truth table of S6: ticket, page and major incident over classification, confidence, environment and limits.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { CounterReader, PolicyFacts } from "../../src/wire/types/policy-facts.ts";
import type { DecisionKind } from "../../src/wire/types/verdict.ts";
import { factsWith, loadPack, NO_COUNTERS } from "./pack.ts";

const EPSILON = 1e-9;
const THRESHOLDS = [0.7, 0.8, 0.85];
const CONFIDENCES = [0, ...THRESHOLDS.flatMap((at) => [at - EPSILON, at, at + EPSILON]), 1];
const SEVERITIES = ["low", "medium", "high", "sev1"] as const;
const ENVIRONMENTS = ["production", "staging", "development", "eu-west"];
/** Pages already sent for the service, the source and in all, within fifteen minutes; the limits are 5, 15 and 20. */
const SENT = [
  { service: 0, source: 0, all: 0 },
  { service: 4, source: 14, all: 19 },
  { service: 5, source: 5, all: 5 },
  { service: 0, source: 15, all: 15 },
  { service: 0, source: 0, all: 20 },
  { service: 6, source: 16, all: 21 },
];
const ONE = { id: "s1", source: "alertmanager", detector: "errors", derived: false };
const SIGNALS = {
  none: [],
  one: [ONE],
  "same source": [ONE, { ...ONE, id: "s2", detector: "latency" }],
  "same detector": [ONE, { ...ONE, id: "s2", source: "datadog" }],
  derived: [ONE, { id: "s2", source: "datadog", detector: "latency", derived: true }],
  two: [ONE, { id: "s2", source: "datadog", detector: "latency", derived: false }],
  // Taking the first signal that comes would leave its partners without one.
  matching: [ONE, { ...ONE, id: "s2", detector: "latency" }, { ...ONE, id: "s3", source: "datadog" }],
} as const;

interface Row {
  readonly known: boolean;
  readonly severity: (typeof SEVERITIES)[number];
  readonly confidence: number;
  readonly environment: string;
  readonly sent: { readonly service: number; readonly source: number; readonly all: number };
  readonly signals: keyof typeof SIGNALS;
}

// What the requirement says, in its own words and no others. "Anything else goes to human review."
const EXPECTED: Readonly<Record<string, (row: Row) => boolean>> = {
  "servicenow.incident.create": (row) => row.known && row.confidence >= 0.7 && row.environment === "production",
  "pagerduty.trigger": (row) =>
    row.known &&
    ["high", "sev1"].includes(row.severity) &&
    row.confidence >= 0.8 &&
    row.sent.service + 1 <= 5 &&
    row.sent.source + 1 <= 15 && // the pack's own: what one source leaves for the others
    row.sent.all + 1 <= 20,
  "incident.declare-major": (row) =>
    row.known && row.severity === "sev1" && row.confidence >= 0.85 && ["two", "matching"].includes(row.signals),
};

function* rows(kind: string): Generator<Row> {
  const signals =
    kind === "incident.declare-major" ? (Object.keys(SIGNALS) as (keyof typeof SIGNALS)[]) : (["one"] as const);
  for (const known of [true, false]) {
    for (const severity of SEVERITIES) {
      for (const confidence of CONFIDENCES) {
        for (const environment of ENVIRONMENTS) {
          for (const sent of SENT)
            for (const set of signals) yield { known, severity, confidence, environment, sent, signals: set };
        }
      }
    }
  }
}

function factsOf(kind: string, row: Row): PolicyFacts {
  const { known, severity, confidence, environment } = row;
  return factsWith({
    action: { kind, environment },
    classification: known
      ? { known, severity: SEVERITIES.indexOf(severity), confidence }
      : { known, severity: 0, confidence: 0 },
    signals: SIGNALS[row.signals],
  });
}

function countersOf({ sent }: Row): CounterReader {
  return {
    ...NO_COUNTERS,
    used: (counter, windowMs) => {
      assert.equal(windowMs, 15 * 60_000);
      if (counter.endsWith("|service=cart")) return sent.service;
      return counter.endsWith("|source=alertmanager") ? sent.source : sent.all;
    },
    lastPassed: (_, windowMs) => {
      assert.ok([30 * MINUTE_MS, 7 * 24 * 60 * MINUTE_MS].includes(windowMs), `${windowMs}`);
      return null;
    },
  };
}

const MINUTE_MS = 60_000;
const bundle = loadPack();

for (const [kind, isAllowed] of Object.entries(EXPECTED)) {
  test(`${kind} is allowed exactly when the default gates say so, and held for the on-call route otherwise`, () => {
    let allowed = 0;
    let total = 0;
    for (const row of rows(kind)) {
      const got = bundle.evaluate(factsOf(kind, row), countersOf(row));
      const expected: DecisionKind = isAllowed(row) ? "allow" : "hold";
      assert.equal(got.decision, expected, JSON.stringify({ kind, ...row }));
      assert.equal(got.route, expected === "hold" ? "on-call" : null);
      total++;
      if (expected === "allow") allowed++;
    }
    assert.ok(allowed > 0 && allowed < total);
  });

  test(`${kind} is suppressed within thirty minutes of the same for its incident`, () => {
    const keys: string[] = [];
    const counters: CounterReader = {
      ...NO_COUNTERS,
      lastPassed: (key) => {
        keys.push(key);
        return "act_before";
      },
    };
    const got = bundle.evaluate(factsWith({ action: { kind }, incident: { signature: "s" } }), counters);
    assert.equal(got.decision, "refuse");
    assert.equal(got.duplicateOf, "act_before");
    assert.deepEqual(keys, [`duplicate|kind=${kind}|signature=s`, `duplicate|kind=${kind}|incident=inc_1`]);
  });
}
