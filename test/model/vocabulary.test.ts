// Names of nodes are read back as they are written, and nothing that only looks like one is taken.

import assert from "node:assert/strict";
import { test } from "node:test";
import { changeSchema, isNodeName, nodeText, parseNodeText } from "../../src/wire/schemas/model.ts";
import {
  EDGE_KINDS,
  EVIDENCE_STATES,
  NODE_KINDS,
  type Contract,
  type EdgeRef,
  type EvidenceState,
} from "../../src/wire/types/model.ts";

const CART = { kind: "service", environment: "production", name: "cart" } as const;

test("a node's text is read back as the node", () => {
  for (const kind of NODE_KINDS) {
    const name = kind === "operation" ? "cart GET /cart/{}" : "shop/cart-2";
    for (const environment of ["production", null]) {
      const node = { kind, environment, name };
      assert.deepEqual(parseNodeText(nodeText(node)), node);
    }
  }
});

test("what is no node's name is not read", () => {
  for (const text of [
    "",
    "cart",
    "service:cart",
    "service:production:",
    "pod:production:cart",
    "service:pro duction:c",
  ]) {
    assert.equal(parseNodeText(text), undefined, text);
  }
  for (const text of ["service:production:сart", "service:production: cart", `service:production:${"c".repeat(500)}`]) {
    assert.equal(parseNodeText(text), undefined, text);
  }
  assert.ok(!isNodeName("operation", "GET"));
  assert.ok(!isNodeName("operation", "cart GET  /two-blanks"));
  assert.ok(!isNodeName("operation", `cart ${"x".repeat(201)}`));
});

test("a change names its targets as nodes and its settings with their units", () => {
  const change = changeSchema.parse({
    id: "4f1d2c3",
    kind: "configuration",
    at: 1_790_000_000_000,
    targets: ["service:production:cart", "library::redis-client"],
    settings: [{ key: "redis.client.timeout", before: 500, after: 5000, unit: "ms" }],
  });
  assert.deepEqual(change.targets[0], CART);
  assert.deepEqual(change.targets[1], { kind: "library", environment: null, name: "redis-client" });
  assert.equal(change.settings[0]?.unit, "ms");
});

test("a change without a target, with an unknown kind or with anything more is refused", () => {
  const good = { id: "a", kind: "deploy", at: 1, targets: ["service:production:cart"] };
  assert.ok(changeSchema.safeParse(good).success);
  for (const bad of [{ targets: [] }, { kind: "rumour" }, { author: "ada" }, { at: -1 }, { targets: ["cart"] }]) {
    assert.ok(!changeSchema.safeParse({ ...good, ...bad }).success, JSON.stringify(bad));
  }
});

test("edges and contracts are spelled in the same words everywhere", () => {
  const edge: EdgeRef = { kind: "calls", from: CART, to: { ...CART, name: "payments" } };
  const contract: Contract = { kind: "timeout", timeoutMs: 500 };
  const state: EvidenceState = "declared";
  assert.ok(EDGE_KINDS.includes(edge.kind) && contract.timeoutMs > 0 && EVIDENCE_STATES.indexOf(state) === 0);
  assert.equal(new Set([...EDGE_KINDS, ...EVIDENCE_STATES]).size, EDGE_KINDS.length + EVIDENCE_STATES.length);
});
