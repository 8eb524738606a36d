// Limits under concurrency over HTTP: however many ask at once, never one more is let through.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startServer } from "./fixture.ts";

const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: limits }
spec:
  match: { actions: [record.note] }
  rules:
    - name: limited
      gates:
        - rateLimit: { max: 37, per: 15m, by: [service] }
        - cumulative: { max: 60, per: 15m, by: [environment], count: actions }
      decision: allow
`;
const CALLERS = 200;

test(`${CALLERS} concurrent callers of several identities never get one more than a limit, nor than they may add up to`, async () => {
  const server = await startServer({ policy: POLICY });
  try {
    const bearers = await Promise.all((["ada", "grace", "iris", "visitor"] as const).map((who) => server.bearer(who)));
    const answers = await Promise.all(
      Array.from({ length: CALLERS }, async (_, i) => {
        const service = i % 2 === 0 ? "cart" : "search";
        const target = { environment: "staging", service };
        const body = { kind: "record.note", target, arguments: { text: `note ${i}` } };
        const { json } = await server.ask("/v1/actions", { as: bearers[i % bearers.length] ?? "", body });
        return { service, status: json?.["status"] };
      }),
    );
    const passed = answers.filter(({ status }) => status === "succeeded");
    const of = (service: string): number => passed.filter((one) => one.service === service).length;
    assert.equal(passed.length, 60, "in all exactly as many as they may add up to");
    assert.ok(of("cart") <= 37 && of("search") <= 37, `${of("cart")} and ${of("search")}`);
    assert.equal(answers.filter(({ status }) => status === "refused").length, CALLERS - 60);
    const granted = (await server.eventsSince(0)).filter(({ type }) => type === "action.granted");
    assert.equal(granted.length, 60, "the ledger says the same");
  } finally {
    await server.stop();
  }
});
