// How verdicts become a decision.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { CounterReader } from "../../src/wire/types/policy-facts.ts";
import { loadBundle, type SourceFile } from "../../src/policy/load.ts";
import { allowWhen, type FactsPatch, factsWith, mustLoad, NO_COUNTERS, policyText } from "./pack.ts";

function decide(text: string, patch: FactsPatch = {}, counters: CounterReader = NO_COUNTERS) {
  return mustLoad([{ path: "p.yaml", text }]).evaluate(factsWith(patch), counters);
}

function policy(name: string, rules: string, match = "{ actions: ['*'] }"): SourceFile {
  const text = policyText(rules, match).replace("name: p", `name: ${name}`);
  return { path: `${name}.yaml`, text: name === "a" ? text : (text.split("---")[0] as string) };
}

test("the most restrictive policy wins, and every verdict is kept", () => {
  const allow = "- name: r\n  decision: allow";
  const hold = "- name: r\n  decision: hold";
  const refuse = "- name: r\n  decision: refuse";
  const decisionOf = (...rules: string[]): string =>
    mustLoad(rules.map((rule, i) => policy("abc"[i] as string, rule))).evaluate(factsWith(), NO_COUNTERS).decision;
  assert.equal(decisionOf(allow, allow), "allow");
  assert.equal(decisionOf(allow, hold), "hold");
  assert.equal(decisionOf(hold, allow, refuse), "refuse");
  assert.equal(decisionOf(refuse, allow), "refuse");
  const { verdicts } = mustLoad([policy("a", allow), policy("b", hold)]).evaluate(factsWith(), NO_COUNTERS);
  assert.deepEqual(
    verdicts.map(({ gate, verdict, code }) => [gate, verdict, code]),
    [
      ["a/r", "pass", "rule-allow"],
      ["b/r", "hold", "rule-hold"],
    ],
  );
});

test("a policy contributes its first rule that is true, and no other", () => {
  const rules = "- name: x\n  when: incident.known\n  decision: allow\n- name: y\n  decision: refuse";
  assert.equal(decide(policyText(rules)).decision, "allow");
  assert.equal(decide(policyText(rules), { incident: { known: false } }).decision, "refuse");
});

test("an action that no rule allows is refused", () => {
  const got = decide(allowWhen("action.service == 'other'"));
  assert.equal(got.decision, "refuse");
  assert.deepEqual(got.verdicts, [{ gate: "policy", verdict: "refuse", code: "no-rule", evidence: {} }]);
});

test("a condition that fails refuses, and the rules after it are not tried", () => {
  for (const [condition, reason] of [
    ["10 / classification.severity > 1", "divide-by-zero"],
    ["signals[3].derived", "index-out-of-range"],
    ["{'x': true}[action.service]", "no-such-key"],
    ["timestamp('9999-12-31T23:59:59Z') + (now - timestamp('2020-01-01T00:00:00Z')) > now", "timestamp-overflow"],
    ["timestamp(action.service) > now", "conversion"],
    [`[action.service]${".map(l, l + l)".repeat(30)}.exists(l, l != '')`, "text-too-long"],
  ] as const) {
    const text = policyText(
      `- name: x\n  when: ${JSON.stringify(condition)}\n  decision: hold\n- name: y\n  decision: allow`,
    );
    const got = decide(text, { classification: { severity: 0 } });
    assert.equal(got.decision, "refuse", condition);
    assert.deepEqual(got.verdicts, [{ gate: "p/x", verdict: "refuse", code: "condition-error", evidence: { reason } }]);
  }
});

test("an overflow refuses unless the other side of `||` settles it", () => {
  const text = allowWhen("9223372036854775807 + classification.severity > 0 || incident.known");
  assert.equal(decide(text).decision, "allow");
  assert.deepEqual(decide(text, { incident: { known: false } }).verdicts[0]?.evidence, { reason: "int-overflow" });
  assert.equal(decide(text, { incident: { known: false }, classification: { severity: 0 } }).decision, "allow");
});

test("facts out of range are refused before any rule sees them", () => {
  const text = policyText("- name: r\n  decision: allow");
  for (const patch of [
    { classification: { confidence: Number.NaN } },
    { classification: { confidence: -0.001 } },
    { classification: { confidence: 1.001 } },
    { classification: { severity: 4 } },
    { classification: { severity: 1.5 } },
    { timeMs: Number.NaN },
    { timeMs: 1e16 },
  ] satisfies FactsPatch[]) {
    assert.equal(decide(text, patch).verdicts[0]?.code, "facts-invalid", JSON.stringify(patch));
  }
});

const LIMITED = policyText(`- name: r
  gates:
    - rateLimit: { max: 2, per: 15m, by: [service, agent] }
    - duplicate: { per: 30m, by: [kind, signature] }
  decision: allow`);

test("gates that pass say what to reserve and what to mark", () => {
  const got = decide(LIMITED);
  assert.equal(got.decision, "allow");
  assert.deepEqual(got.reservations, [
    { counter: "p/r#rateLimit:service,agent/900000|service=cart|agent=system:triage", windowMs: 900_000, max: 2 },
  ]);
  assert.deepEqual(got.duplicateKeys, ["duplicate|kind=pagerduty.trigger|signature=sig"]);
});

test("a limit passes below its maximum and refuses at it, reserving nothing", () => {
  const used = (count: number): CounterReader => ({ ...NO_COUNTERS, used: () => count });
  assert.equal(decide(LIMITED, {}, used(1)).decision, "allow");
  const got = decide(LIMITED, {}, used(2));
  assert.equal(got.decision, "refuse");
  assert.equal(got.duplicateOf, null);
  assert.deepEqual([got.reservations, got.duplicateKeys], [[], []]);
  assert.deepEqual(got.verdicts[1], {
    gate: "p/r#rateLimit:service,agent/900000",
    verdict: "refuse",
    code: "rate-limited",
    evidence: { used: 2, max: 2, windowMs: 900_000 },
  });
});

test("a duplicate is suppressed, unless something else refuses too", () => {
  const before: CounterReader = { ...NO_COUNTERS, lastPassed: () => "act_0" };
  assert.equal(decide(LIMITED, {}, before).duplicateOf, "act_0");
  assert.equal(decide(LIMITED, {}, { ...before, used: () => 9 }).duplicateOf, null);
  const refusing = [
    policy("a", "- name: r\n  gates: [{ duplicate: { per: 1m, by: [kind] } }]\n  decision: allow"),
    policy("b", "- name: r\n  decision: refuse"),
  ];
  assert.equal(mustLoad(refusing).evaluate(factsWith(), before).duplicateOf, null);
});

test("an action is no duplicate of itself when it is evaluated again", () => {
  const itself: CounterReader = { ...NO_COUNTERS, lastPassed: () => "act_1" };
  assert.equal(decide(LIMITED, {}, itself).decision, "allow");
});

test("without an incident the request stands for the signature", () => {
  const keyOf = (patch: FactsPatch): string | undefined => decide(LIMITED, patch).duplicateKeys[0];
  const unknown = { known: false, signature: "" };
  const one = keyOf({ incident: unknown, action: { requestHash: "h1" } });
  assert.notEqual(one, keyOf({ incident: unknown, action: { requestHash: "h2" } }));
});

test("different values never share a counter", () => {
  const name = fc.string({ unit: fc.constantFrom("a", "|", "=", "%", "agent=", "|agent="), maxLength: 4 });
  const counterOf = (service: string, agent: string): string | undefined =>
    decide(LIMITED, { action: { service }, agent: { id: agent } }).reservations[0]?.counter;
  const property = fc.property(name, name, name, name, (a, b, c, d) => {
    assert.equal(counterOf(a, b) === counterOf(c, d), a === c && b === d);
  });
  fc.assert(property, { numRuns: 100 });
});

test("a gate that holds asks its own route, or the rule's", () => {
  const route =
    "---\napiVersion: holdpoint.dev/v1\nkind: Route\nmetadata: { name: other }\nspec: { steps: [{ roles: [x], within: 1h }] }\n";
  const rule = (more: string): string =>
    policyText(
      `- name: r\n  gates: [{ rateLimit: { max: 0, per: 1m, by: [all], onFail: hold${more} } }]\n  decision: allow`,
    ) + route;
  assert.equal(decide(rule("")).route, "on-call");
  assert.equal(decide(rule(", route: other")).route, "other");
  assert.equal(decide(rule("")).decision, "hold");
});

const SOURCES = ["a", "b", "c", "d"];

test("independent signals are counted as the largest set that pairwise differs in source and detector", () => {
  const gate = (min: number): string =>
    policyText(`- name: r\n  gates: [{ independentSignals: { min: ${min}, onFail: hold } }]\n  decision: allow`);
  const bundles = [1, 2, 3, 4].map((min) => mustLoad([{ path: "p", text: gate(min) }]));
  const signal = fc.record({
    id: fc.constant("s"),
    source: fc.constantFrom(...SOURCES),
    detector: fc.constantFrom(...SOURCES),
    derived: fc.boolean(),
  });
  type Signal = { source: string; detector: string; derived: boolean };
  const largest = (rest: readonly Signal[], taken: readonly Signal[]): number => {
    const [next, ...others] = rest;
    if (next === undefined) return taken.length;
    const clashes = next.derived || taken.some((one) => one.source === next.source || one.detector === next.detector);
    const without = largest(others, taken);
    return clashes ? without : Math.max(without, largest(others, [...taken, next]));
  };
  const property = fc.property(fc.array(signal, { maxLength: 8 }), (signals) => {
    const most = largest(signals, []);
    for (const [i, bundle] of bundles.entries()) {
      const { decision } = bundle.evaluate(factsWith({ signals }), NO_COUNTERS);
      assert.equal(decision, most >= i + 1 ? "allow" : "hold");
    }
  });
  fc.assert(property, { numRuns: 500 });
});

const KINDS = ["a.b", "a.b.c", "a.x", "b", "b.c", "*", "a.*"];
const KIND_PATTERNS = [["*"], ["a.*"], ["a.b.*"], ["a.b"], ["a.b", "b"], ["b.c", "a.b.c"]];
const PLACES = [null, ["production"], ["production", "staging"]];

test("the index finds exactly the rules that trying all of them would", () => {
  const when = fc.constantFrom(
    null,
    "action.service == 'cart'",
    "action.service in ['cart', 'x'] && incident.known",
    "action.kind == 'a.b' || action.kind == 'b.c'",
    "action.environment != 'staging'",
    "action.environment == 'staging' && 1 / classification.severity > 0",
    "1 / classification.severity > 0 || action.service == 'cart'",
  );
  const rule = fc.record({ when, decision: fc.constantFrom("allow", "hold", "refuse") });
  const spec = fc.record({
    actions: fc.constantFrom(...KIND_PATTERNS),
    environments: fc.constantFrom(...PLACES),
    rules: fc.array(rule, { minLength: 1, maxLength: 4 }),
  });
  const facts = fc.record({
    kind: fc.constantFrom(...KINDS),
    environment: fc.constantFrom("production", "staging", "qa1"),
    service: fc.constantFrom("cart", "x", "other", "*"),
    severity: fc.constantFrom(0, 2),
  });
  const property = fc.property(
    fc.array(spec, { minLength: 1, maxLength: 3 }),
    fc.array(facts, { maxLength: 12 }),
    (specs, many) => {
      const files = specs.map((one, i) => {
        const rules = one.rules.map(
          (r, j) => `- name: r${j}\n  decision: ${r.decision}${r.when === null ? "" : `\n  when: "${r.when}"`}`,
        );
        const places = one.environments === null ? "" : `, environments: ${JSON.stringify(one.environments)}`;
        return policy("abc"[i] as string, rules.join("\n"), `{ actions: ${JSON.stringify(one.actions)}${places} }`);
      });
      const { bundle } = loadBundle(files);
      if (bundle === null) return; // a rule that its policy's match makes impossible
      for (const one of many) {
        const { severity, ...action } = one;
        const got = bundle.evaluate(factsWith({ action, classification: { severity } }), NO_COUNTERS);
        assert.deepEqual(
          got.verdicts.map(({ gate, code }) => `${gate} ${code}`),
          expectedVerdicts(specs, one),
          JSON.stringify(one),
        );
      }
    },
  );
  fc.assert(property, { numRuns: 300 });
});

type Spec = {
  actions: readonly string[];
  environments: readonly string[] | null;
  rules: readonly { when: string | null; decision: string }[];
};
type Asked = { kind: string; environment: string; service: string; severity: number };

function expectedVerdicts(specs: readonly Spec[], asked: Asked): string[] {
  const verdicts: string[] = [];
  for (const [i, spec] of specs.entries()) {
    const isKind = spec.actions.some(
      (p) => p === "*" || p === asked.kind || (p.endsWith(".*") && asked.kind.startsWith(p.slice(0, -1))),
    );
    if (!isKind || spec.environments?.includes(asked.environment) === false) continue;
    for (const [j, rule] of spec.rules.entries()) {
      const truth = truthOf(rule.when, asked);
      if (truth === false) continue;
      verdicts.push(`${"abc"[i]}/r${j} ${truth === "error" ? "condition-error" : `rule-${rule.decision}`}`);
      break;
    }
  }
  return verdicts.length > 0 ? verdicts : ["policy no-rule"];
}

/** What each generated condition means, written by hand. */
function truthOf(when: string | null, { kind, environment, service, severity }: Asked): boolean | "error" {
  const division = severity === 0 ? "error" : Math.trunc(1 / severity) > 0;
  if (when === null) return true;
  if (when.startsWith("action.service ==")) return service === "cart";
  if (when.startsWith("action.service in")) return service === "cart" || service === "x";
  if (when.startsWith("action.kind")) return kind === "a.b" || kind === "b.c";
  if (when.startsWith("action.environment !=")) return environment !== "staging";
  if (when.startsWith("action.environment ==")) return environment === "staging" ? division : false;
  return service === "cart" ? true : division;
}

test("a gate whose own code fails refuses this action as `policy-error`, and is named", () => {
  const broken: CounterReader = {
    ...NO_COUNTERS,
    used: () => {
      throw new TypeError("a defect");
    },
  };
  const gates = "[{ rateLimit: { max: 1, per: 1m, by: [all], onFail: hold } }]";
  const got = decide(policyText(`- name: r\n  gates: ${gates}\n  decision: allow`), {}, broken);
  assert.equal(got.decision, "refuse");
  const refused = got.verdicts.filter(({ verdict }) => verdict === "refuse");
  assert.deepEqual(
    refused.map(({ code, gate }) => [code, gate.startsWith("p/r#")]),
    [["policy-error", true]],
  );
  assert.deepEqual(got.reservations, []);
});
