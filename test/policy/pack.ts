// The standard pack and small policies, as the tests of this room use them.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { CounterReader, PolicyFacts } from "../../src/wire/types/policy-facts.ts";
import { nothingPredicted, type Prediction } from "../../src/wire/types/prediction.ts";
import { type Bundle, loadBundle, type Problem, type SourceFile } from "../../src/policy/load.ts";

const FOLDER = fileURLToPath(new URL("../../policies/", import.meta.url));
const NOT_POLICY = ["classifier-rules.yaml"];

export function packFiles(folder = ""): SourceFile[] {
  return readdirSync(FOLDER + folder)
    .filter((name) => name.endsWith(".yaml") && !NOT_POLICY.includes(name))
    .map((name) => ({ path: folder + name, text: readFileSync(FOLDER + folder + name, "utf8") }));
}

export function readSchema(): object {
  return JSON.parse(readFileSync(`${FOLDER}schema.json`, "utf8")) as object;
}

export function loadPack(): Bundle {
  return mustLoad(packFiles());
}

export function mustLoad(files: readonly SourceFile[]): Bundle {
  const { bundle, problems } = loadBundle(files);
  assert.deepEqual(problems, []);
  assert.ok(bundle);
  return bundle;
}

export function problemsOf(text: string): readonly Problem[] {
  return loadBundle([{ path: "test.yaml", text }]).problems;
}

const ROUTE = `
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: on-call }
spec: { steps: [{ roles: [on-call], within: 15m }] }
`;

/** One policy named `p` for every kind, with these rules (YAML, indented by none), and a route `on-call`. */
export function policyText(rules: string, match = "{ actions: ['*'] }"): string {
  const indented = rules.trim().replaceAll(/^/gm, "    ");
  return `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: p }
spec:
  match: ${match}
  route: on-call
  rules:
${indented}
${ROUTE}`;
}

/** A bundle of one policy with one rule that allows under this condition. */
export function allowWhen(condition: string, match?: string): string {
  return policyText(`- name: r\n  when: ${JSON.stringify(condition)}\n  decision: allow`, match);
}

export type FactsPatch = {
  readonly [K in keyof PolicyFacts]?: PolicyFacts[K] extends readonly unknown[] | number
    ? PolicyFacts[K]
    : Partial<PolicyFacts[K]>;
};

/** Of 2 % to 6 % of the traffic, within the zone `shop`. */
const PREDICTION: Prediction = {
  ...nothingPredicted("unmeasured"),
  code: "",
  target: "service:production:cart",
  modelVersion: 7,
  staleS: 30,
  isStale: false,
  share: { low: 20_000, mid: 40_000, high: 60_000 },
  zone: "shop",
};

/** A page about `cart` in production, classified high at 0.9, by the triage pipeline. */
export function factsWith(patch: FactsPatch = {}): PolicyFacts {
  return {
    action: {
      id: "act_1",
      kind: "pagerduty.trigger",
      environment: "production",
      service: "cart",
      reversible: false,
      requestHash: "hash",
      target: "case",
      size: 1,
      ownSize: 1,
      pieces: 0,
      ...patch.action,
    },
    agent: {
      id: "system:triage",
      kind: "system",
      registered: false,
      signed: false,
      model: { provider: "", name: "", version: "" },
      delegated: false,
      level: 3,
      ...patch.agent,
    },
    classification: {
      known: true,
      severity: 2,
      confidence: 0.9,
      requiresTicket: false,
      requiresPaging: true,
      requiresMim: false,
      team: "payments",
      ...patch.classification,
    },
    incident: { known: true, id: "inc_1", absorbed: [], signature: "sig", pagedSeverity: -1, ...patch.incident },
    stage: { name: "controlled-paging", raises: false, ...patch.stage },
    evidence: { signals: 0, runs: 0, incidents: 0, actions: 0, ...patch.evidence },
    storm: { active: false, id: "", consolidated: false, ...patch.storm },
    prediction: patch.prediction == null ? null : { ...PREDICTION, ...patch.prediction },
    plan: { risks: [], tags: [], ...patch.plan },
    images: patch.images ?? [],
    signals: patch.signals ?? [],
    timeMs: patch.timeMs ?? 1_767_225_600_000,
  };
}

export const NO_COUNTERS: CounterReader = {
  used: () => 0,
  lastPassed: () => null,
  contenders: () => [],
  underWay: () => [],
  rehearsal: () => null,
  impact: () => ({ actions: 0, size: 0, share: 0, targets: 0, isKnown: false }),
};
