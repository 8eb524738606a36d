// Arguments composed by triage fit the executors: no alert is lost because its text was odd or long.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { composeTriage, type TriageContext } from "../../src/effects/compose-triage.ts";
import { cleanText, cutText } from "../../src/signals/clean-text.ts";
import type { Executor } from "../../src/wire/contracts/executor.ts";
import { never, planRequest, TestClock } from "./contract.ts";
import { buildExecutor } from "./fixture.ts";

const CONFIG = {
  pagerduty: { baseUrl: "http://127.0.0.1:9", integrations: ["default"] },
  servicenow: { baseUrl: "http://127.0.0.1:9", auth: { kind: "basic", user: "holdpoint" } },
};

/** Bounds as in src/signals: what a normalized signal can hold at most. */
function textOf(charsMax: number): fc.Arbitrary<string> {
  const odd = fc.oneof(
    fc.string({ unit: "binary", maxLength: 3 * charsMax }),
    fc.constant("😀\u0000\n".repeat(charsMax)),
  );
  return odd.map((text) => cutText(cleanText(text), charsMax));
}

const signal = fc.record({
  title: textOf(200),
  summary: textOf(1_000),
  component: fc.option(textOf(100)),
  pointers: fc.array(fc.webUrl({ withQueryParameters: true }), { maxLength: 16 }),
});
const classification = fc.option(
  fc.record({
    severity: fc.constantFrom("low", "medium", "high", "sev1"),
    confidencePpm: fc.integer({ min: 0, max: 1_000_000 }),
    team: fc.constantFrom("", "payments", "nobody-knows"),
  }),
);

test("whatever a signal says, its page, resolve and ticket can be planned", async () => {
  const clock = new TestClock();
  const kinds = ["pagerduty.trigger", "pagerduty.resolve", "servicenow.incident.create"];
  const executors = new Map<string, Executor>(
    kinds.map((kind) => [kind, buildExecutor({ kind, config: CONFIG, clock })]),
  );
  const property = fc.asyncProperty(
    fc.option(signal),
    classification,
    fc.constantFrom(...kinds),
    async (said, classified, kind) => {
      const action = {
        id: "act_00000000c",
        kind,
        service: "cart",
        environment: "production",
        incident: "inc_000000002",
        run: null,
      };
      const signalIds = Array.from({ length: 32 }, (_, index) => `sig_${String(index).padStart(9, "0")}`);
      const context = {
        action: { ...action, classification: classified },
        origin: "holdpoint.test/log",
        page: "inc_000000002",
        services: ["cart"],
        tickets: null,
        signalIds,
        signal: said,
      };
      const args = composeTriage(context as unknown as TriageContext);
      const plan = await executors.get(kind)?.plan(planRequest({ kind, args }), never);
      assert.equal(plan?.kind, kind);
    },
  );
  await fc.assert(property, { numRuns: 200 });
});
