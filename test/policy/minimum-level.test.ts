// minimumLevel of a rule: below it an agent's action waits for a person; the rule must say where.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadBundle } from "../../src/policy/load.ts";
import { factsWith, NO_COUNTERS } from "./pack.ts";

function policy(rule: string, route = "\n  route: asked"): string {
  return `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: p }
spec:
  match: { actions: ["*"] }${route}
  rules: [${rule}]
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: asked }
spec: { steps: [{ roles: [owner], within: 1h }] }
`;
}

const load = (text: string) => loadBundle([{ path: "p.yaml", text }]);
const RULE = "{ name: r, minimumLevel: 2, decision: allow }";

describe("minimumLevel", () => {
  it("holds below it and names level and minimum; at it and above it the rule stands", () => {
    const { bundle } = load(policy(RULE));
    const at = (level: number) => bundle?.evaluate(factsWith({ agent: { kind: "agent", level } }), NO_COUNTERS);
    const below = at(1);
    assert.deepEqual([below?.decision, below?.route, below?.minimumLevel], ["hold", "asked", 2]);
    assert.deepEqual(below?.verdicts.at(-1), {
      gate: "p/r#minimumLevel",
      verdict: "hold",
      code: "below-level",
      evidence: { level: 1, minimum: 2 },
    });
    assert.deepEqual(
      [2, 3].map((level) => at(level)?.decision),
      ["allow", "allow"],
    );
  });

  it("is of the strictest rule that speaks", () => {
    const { bundle } = load(`${policy(RULE)}---
apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: q }
spec:
  match: { actions: ["*"] }
  route: asked
  rules: [{ name: r, minimumLevel: 3, decision: allow }]
`);
    const facts = factsWith({ agent: { kind: "agent", level: 2 } });
    const { decision, minimumLevel } = bundle?.evaluate(facts, NO_COUNTERS) ?? {};
    assert.deepEqual([decision, minimumLevel], ["hold", 3]);
  });

  const refusals: readonly (readonly [string, string, RegExp])[] = [
    ["without a route", policy(RULE, ""), /name a route/],
    ["0, which says nothing", policy(RULE.replace("2", "0")), /minimumLevel|from 1|between/i],
    ["4, which nobody has", policy(RULE.replace("2", "4")), /3/],
    ["two and a half", policy(RULE.replace("2", "2.5")), /whole|integer/],
    ["of a rule that holds anyway", policy(RULE.replace("allow", "hold")), /only what is allowed/],
    ["of a rule that refuses", policy(RULE.replace("allow", "refuse")), /only what is allowed/],
  ];
  for (const [what, text, says] of refusals) {
    it(`is not loaded: ${what}`, () => {
      const { bundle, problems } = load(text);
      assert.equal(bundle, null);
      assert.match(problems.map(({ message }) => message).join("\n"), says);
    });
  }

  it("takes no facts with a level that does not exist", () => {
    const { bundle } = load(policy(RULE));
    for (const level of [-1, 4, 1.5, Number.NaN]) {
      const got = bundle?.evaluate(factsWith({ agent: { kind: "agent", level } }), NO_COUNTERS);
      assert.deepEqual([got?.decision, got?.verdicts[0]?.code], ["refuse", "facts-invalid"]);
    }
  });
});
