// Traces compared with those of before: time lost on the way, and calls that are no longer made.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Span } from "../../src/model/causes/input.ts";
import { findSpanMovements } from "../../src/model/causes/spans.ts";

type Call = { readonly to: string; readonly workMs: number; readonly waitMs: number; readonly calls?: readonly Call[] };

/** Spans of requests at `gate`: each call is a span of the caller, and one of the callee within it. */
function trace(requests: number, callsOf: (request: number) => readonly Call[]): Span[] {
  const spans: Span[] = [];
  const add = (span: Omit<Span, "id" | "failed">): string => {
    const id = String(spans.length);
    spans.push({ id, failed: false, ...span });
    return id;
  };
  for (let request = 0; request < requests; request += 1) {
    const visit = (node: string, parent: string, calls: readonly Call[]): void => {
      for (const [index, { to, workMs, waitMs, calls: below = [] }] of calls.entries()) {
        const startUs = request * 1e6 + index * 1000 + spans.length;
        const out = add({ parent, node, operation: `call ${to}`, startUs, durationUs: (workMs + waitMs) * 1000 });
        const into = add({
          parent: out,
          node: to,
          operation: "serve",
          startUs: startUs + 1,
          durationUs: workMs * 1000,
        });
        visit(to, into, below);
      }
    };
    visit(
      "gate",
      add({ parent: "", node: "gate", operation: "GET /", startUs: request * 1e6, durationUs: 100_000 }),
      callsOf(request),
    );
  }
  return spans;
}

const blamed = (usual: readonly Span[], now: readonly Span[]): string[] => [
  ...new Set(findSpanMovements({ usual, now }).movements.map(({ node, measure }) => `${node} ${measure}`)),
];

const quick = (to: string, calls: readonly Call[] = []): Call => ({ to, workMs: 10, waitMs: 1, calls });

test("nothing is found where nothing moved", () => {
  const usual = trace(20, () => [quick("press", [quick("ink")]), quick("paper")]);
  assert.deepEqual(blamed(usual, usual), []);
});

test("time lost on the way to one service is that service's", () => {
  const usual = trace(20, () => [quick("press"), quick("paper")]);
  assert.deepEqual(
    blamed(
      usual,
      trace(20, () => [{ to: "press", workMs: 10, waitMs: 300 }, quick("paper")]),
    ),
    ["press wait"],
  );
});

test("a call that was never seen before is held against the caller's other calls", () => {
  const usual = trace(20, () => [quick("paper"), quick("ink")]);
  const now = trace(20, () => [quick("paper"), quick("ink"), { to: "press", workMs: 10, waitMs: 300 }]);
  assert.deepEqual(blamed(usual, now), ["press wait"]);
});

test("a service that is slow to reach and slow to reach others has a bad network of its own", () => {
  const usual = trace(20, () => [quick("press", [quick("ink")])]);
  const now = trace(20, () => [
    { to: "press", workMs: 250, waitMs: 500, calls: [{ to: "ink", workMs: 10, waitMs: 200 }] },
  ]);
  assert.deepEqual(blamed(usual, now), ["press wait"]);
});

test("a service from which everything is far has a bad network of its own", () => {
  const names = ["press", "ink", "paper", "glue"];
  const usual = trace(20, () => names.map((name) => quick(name)));
  assert.deepEqual(
    blamed(
      usual,
      trace(20, () => names.map((to) => ({ to, workMs: 10, waitMs: 200 }))),
    ),
    ["gate wait"],
  );
});

test("a run that ends after a call is laid to who was called last; one that ends before any, to itself", () => {
  const usual = trace(20, () => [quick("press"), quick("ink"), quick("paper")]);
  assert.deepEqual(
    blamed(
      usual,
      trace(20, () => [quick("press"), quick("ink")]),
    ),
    ["ink errors"],
  );
  assert.deepEqual(
    blamed(
      usual,
      trace(20, () => []),
    ),
    ["gate errors"],
  );
});
