// What the linter reports, and what it must not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { lintBundle } from "../../src/policy/lint.ts";
import type { SourceFile } from "../../src/policy/load.ts";
import { runPolicyTests } from "../../src/policy/test-cases.ts";
import { loadPack, mustLoad, policyText } from "./pack.ts";

function findings(...files: SourceFile[]): string[] {
  return lintBundle(mustLoad(files)).map(({ code, subject }) => `${code} ${subject}`);
}

function rules(...conditions: (string | null)[]): string {
  const text = conditions.map(
    (when, i) => `- name: r${i}\n  decision: hold${when === null ? "" : `\n  when: "${when}"`}`,
  );
  return policyText(text.join("\n"));
}

const LINTED: readonly (readonly [string, (string | null)[], string[]])[] = [
  ["a rule after an unconditional one is dead", [null, "incident.known"], ["dead p/r1"]],
  ["an exact repetition is shadowed", ["incident.known", "incident.known"], ["shadowed p/r1"]],
  [
    "a narrower bound after a wider one is shadowed",
    ["classification.confidence >= 0.5", "classification.confidence > 0.8"],
    ["shadowed p/r1"],
  ],
  [
    "a wider bound after a narrower one is not",
    ["classification.confidence > 0.8", "classification.confidence >= 0.5"],
    [],
  ],
  ["a part of a list is shadowed", ["action.service in ['a', 'b']", "action.service == 'b'"], ["shadowed p/r1"]],
  [
    "more conditions on the same are shadowed",
    ["incident.known", "action.reversible && incident.known"],
    ["shadowed p/r1"],
  ],
  [
    "rules that cover everything together leave a dead one",
    ["incident.known", "!incident.known", "action.reversible"],
    ["dead p/r2"],
  ],
  [
    "severities used up leave a dead one",
    ["classification.severity >= 2", "classification.severity <= 1", null],
    ["dead p/r2"],
  ],
  [
    "a condition it cannot see through shadows nothing",
    ["signals.exists(s, s.derived)", "signals.exists(s, s.derived)"],
    [],
  ],
  [
    "a condition that may fail does not shadow what is independent",
    ["10 / classification.severity > 3", "incident.known"],
    [],
  ],
  ["a catch-all at the end is fine", ["incident.known", null], []],
];

for (const [name, conditions, expected] of LINTED) {
  test(name, () => assert.deepEqual(findings({ path: "p.yaml", text: rules(...conditions) }), expected));
}

test("policies that decide differently about one action overlap, others do not", () => {
  const policy = (name: string, when: string, decision: string, actions: string): SourceFile => ({
    path: `${name}.yaml`,
    text: (
      policyText(`- name: r\n  when: "${when}"\n  decision: ${decision}`, `{ actions: [${actions}] }`).split(
        "---",
      )[0] as string
    )
      .replace("name: p", `name: ${name}`)
      .replace("  route: on-call\n", ""),
  });
  const allow = policy("a", "action.environment == 'staging'", "allow", "a.*");
  assert.deepEqual(findings(allow, policy("b", "incident.known", "refuse", "a.b")), ["overlapping a"]);
  assert.deepEqual(findings(allow, policy("b", "incident.known", "allow", "a.b")), []);
  assert.deepEqual(findings(allow, policy("b", "incident.known", "refuse", "b.c")), []);
  assert.deepEqual(findings(allow, policy("b", "action.environment == 'production'", "refuse", "a.b")), []);
});

test("a route that no rule holds on is unused, with its name", () => {
  const text = policyText("- name: r\n  decision: allow");
  assert.deepEqual(findings({ path: "p.yaml", text }), ["route-unused on-call"]);
});

test("a finding has the place of its rule", () => {
  const [finding] = lintBundle(mustLoad([{ path: "p.yaml", text: rules(null, null) }]));
  assert.deepEqual([finding?.path, finding?.line], ["p.yaml", 10]);
});

const freely = (gates: string): string => `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: free }
spec: { match: { actions: [a.b] }, rules: [{ name: r, gates: [${gates}], decision: allow }] }
`;

test("a calendar that no gate names is unused, and one that a gate names is not", () => {
  const calendar = (name: string): string =>
    `---\napiVersion: holdpoint.dev/v1\nkind: Calendar\nmetadata: { name: ${name} }\nspec: { days: [{ on: 2026-12-24 }] }\n`;
  const text = `${freely("freeze: { zone: UTC, calendar: named }")}${calendar("named")}${calendar("idle")}`;
  assert.deepEqual(findings({ path: "p.yaml", text }), ["calendar-unused idle"]);
});

test("a check of the model that has no time to tell is hasty", () => {
  const checked = (terms: string, check = "model: { maxRise: 0.01 }"): readonly string[] => {
    const spec = `{ match: { actions: ['*'] }, within: 1h, ${terms}, checks: [{ name: c, ${check} }] }`;
    const text = `---\napiVersion: holdpoint.dev/v1\nkind: Verification\nmetadata: { name: v }\nspec: ${spec}\n`;
    return findings({ path: "p.yaml", text: `${freely("circuitBreaker: {}")}${text}` });
  };
  assert.deepEqual(checked("settle: 134s"), ["verification-hasty v"]);
  assert.deepEqual(checked("settle: 135s"), []);
  assert.deepEqual(checked("settle: 15s, every: 10s, failures: 13"), []);
  assert.deepEqual(checked("settle: 1s", "http: { endpoint: shop }"), []);
});

test("a thousand rules are compared within the linter's bound", () => {
  const many = Array.from({ length: 1_000 }, (_, i) => `action.service == 's${i}'`);
  assert.deepEqual(findings({ path: "p.yaml", text: rules(...many) }), []);
});

function runCases(cases: string): ReturnType<typeof runPolicyTests> {
  const text = `apiVersion: holdpoint.dev/v1\nkind: PolicyTest\nmetadata: { name: t }\ncases:\n${cases}`;
  return runPolicyTests(loadPack(), [{ path: "t.yaml", text }]);
}

test("a failing case says what it expected and what it got", () => {
  const { results } = runCases(
    "  - { name: c, facts: { action: { kind: x } }, expect: { decision: allow, codes: [rule-allow], route: owners } }",
  );
  assert.deepEqual(results, [
    {
      path: "t.yaml",
      line: 5,
      name: "t/c",
      passed: false,
      difference:
        "expected allow, got refuse; expected the code rule-allow, got no-rule; expected the route owners, got none",
    },
  ]);
});

test("a counter that no gate reads fails its case", () => {
  const { results } = runCases(
    "  - { name: c, facts: { action: { kind: x } }, counters: { used: { pge: 5 } }, expect: { decision: refuse } }",
  );
  assert.match(results[0]?.difference ?? "", /the counter pge was never read/);
});

test("a case with an unknown fact is a problem with a place, and nothing runs", () => {
  const { results, problems } = runCases(
    "  - { name: c, facts: { action: { kind: x }, incidnet: {} }, expect: { decision: refuse } }",
  );
  assert.deepEqual(results, []);
  assert.match(problems[0]?.message ?? "", /unknown field `incidnet`/);
  assert.equal(problems[0]?.line, 5);
});
