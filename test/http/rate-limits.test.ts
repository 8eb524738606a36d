// Limits under concurrency over HTTP: however many ask at once, never one more is let through.

import assert from "node:assert/strict";
import { test } from "node:test";
import { note, startServer } from "./fixture.ts";

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
/** Nothing comes back while the test lasts. */
const SETTINGS = `limits:
  writes: { burst: 100000, perSecond: 10000 }
  tokens: { burst: 10000, perSecond: 1000 }
  reads: { burst: 250, perSecond: 0.001 }`;

test(`${CALLERS} concurrent callers of several identities never get one more than a limit, nor than they may add up to`, async () => {
  const server = await startServer({ policy: POLICY, settings: SETTINGS });
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

    const [, grace = "", iris = "", visitor = ""] = bearers;
    const reads = async (as: string, path: string, times: number): Promise<readonly number[]> => {
      const each = await Promise.all(Array.from({ length: times }, () => server.ask(path, { as })));
      return each.map(({ status }) => status);
    };
    const read = await reads(visitor, "/v1/killswitch", 270);
    assert.equal(read.filter((status) => status === 200).length, 250, "who reads without end is told to wait");
    assert.equal(read.filter((status) => status === 429).length, 20);
    const pages = await reads(iris, "/v1/ledger/events?limit=1000", 14);
    assert.equal(pages.filter((status) => status === 200).length, 11, "a page of a thousand counts as twenty-one");
    const perTurn = async (path: string, times: number): Promise<number> => {
      let [turns, isOver] = [0, false];
      const turn = (): void => {
        turns++;
        if (!isOver) setImmediate(turn);
      };
      turn();
      const each = await reads(grace, path, times);
      isOver = true;
      assert.ok(each.every((status) => status === 200));
      return turns / times;
    };
    assert.ok((await perTurn("/v1/actions?limit=1", 100)) >= 1, "one begins in each turn");
    for (let i = 0; i < 70; i++) await server.ask("/v1/actions", { as: grace, body: note("staging", `batch ${i}`) });
    const steps = await perTurn("/v1/ledger/events?type=none", 50);
    assert.ok(steps >= 2, `a long look has a turn for each of its steps: ${steps}`);
    const refused = await server.ask("/v1/ledger/events?limit=1000", { as: iris });
    assert.ok(Number(refused.headers.get("retry-after")) > 0, refused.text);
    assert.equal((await server.ask("/v1/killswitch", { as: grace })).status, 200, "others read on");
    const pause = { mode: "pause", scope: { service: "cart" } };
    const stopped = await server.ask("/v1/killswitch", { method: "PUT", as: visitor, body: pause });
    assert.equal(stopped.status, 200, "and whoever read too much can still stop");
  } finally {
    await server.stop();
  }
});
