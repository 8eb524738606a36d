// `holdpoint model`: declared by a file and a catalog, read as of any time, compared, predicted.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { startServer } from "./running-server.ts";

const SHOP = `feed: shop
nodes:
  - id: service:production:cart
    attributes: { tier: "1" }
    contracts: [{ kind: slo, indicator: availability, objective: 0.999 }]
edges:
  - { kind: calls, from: service:production:cart, to: service:production:payments, contracts: [{ kind: timeout, timeoutMs: 500 }] }
  - { kind: embeds, from: service:production:cart, to: "library::redis-client" }
`;

const CATALOG = `apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: web, annotations: { holdpoint.dev/trust-zone: DMZ } }
spec: { type: website, owner: group:default/shop, lifecycle: production, consumesApis: [orders], dependsOn: [resource:db, component:nobody] }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: orders-service }
spec: { type: service, owner: shop, lifecycle: production, providesApis: [default/orders], dependsOn: [component:default/ui-kit] }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: ui-kit }
spec: { type: library, owner: shop, lifecycle: production }
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: { name: db }
spec: { type: database, owner: shop }
`;

test("a file declares, what it says no more ends, and the past still has it", async (t) => {
  const { terminal, dir } = await startServer(t);
  const path = join(dir, "shop.yaml");
  writeFileSync(path, SHOP);
  const applied = await terminal(["model", "apply", path]);
  assert.deepEqual([applied.code, applied.out], [0, "shop declared\n"], applied.err);
  assert.equal((await terminal(["model", "apply", path])).out, "shop is declared already\n");
  const now = await terminal(["model", "get"]);
  assert.match(now.out, /^NODE +STATE +SINCE/);
  assert.match(now.out, /service:production:cart calls service:production:payments +declared /);
  const before = new Date().toISOString();
  await setTimeout(1_100); // instants of the graph are whole seconds
  writeFileSync(path, SHOP.replace(/.*redis-client.*\n/, ""));
  assert.equal((await terminal(["model", "apply", path])).code, 0);
  assert.ok(!(await terminal(["model", "get"])).out.includes("redis-client"));
  assert.ok((await terminal(["model", "get", "--at", before])).out.includes("embeds library::redis-client"));
  assert.ok((await terminal(["model", "get", "--known-at", before])).out.includes("embeds library::redis-client"));
  const diff = await terminal(["model", "diff", before]);
  assert.match(diff.out, /ended +service:production:cart embeds library::redis-client/);
  const node = await terminal(["model", "get", "library::redis-client"]);
  assert.match(node.err, /not there at this moment/);
  assert.match(node.out, /declared no more +itself/);

  const predicted = await terminal(["model", "predict", "service:production:payments"]);
  assert.match(
    predicted.out,
    /service:production:cart +25\.0% \(0\.0% to 100\.0%\) +service:production:cart → service:production:payments/,
  );
  assert.match(predicted.err, /never measured: service:production:cart uses service:production:payments/);
  assert.equal((await terminal(["model", "predict", "service:production:nobody"])).code, 1);

  const asked = await terminal(["model", "predict", "service:production:payments", "--kind", "record.note"]);
  assert.equal(asked.code, 3, asked.err);
  assert.match(asked.out, /^review \(by on-call\)\n\nPOLICY +SAYS +BECAUSE\n/);
  assert.match(asked.out, /never done before here\n/);
  const outside = await terminal(["model", "predict", "service:production:payments", "--kind", "nobody.knows"]);
  assert.deepEqual([outside.code, outside.out.split("\n", 1)[0]], [4, "refuse: no-rule"]);

  const catalog = join(dir, "catalog-info.yaml");
  writeFileSync(catalog, CATALOG);
  const taken = await terminal(["model", "apply", catalog, "-e", "production"]);
  assert.equal(taken.code, 0, taken.err);
  assert.match(taken.err, /passed over: component:web depends on component:nobody, which is not in the catalog/);
  const { out } = await terminal(["model", "get", "-o", "json"]);
  const { edges, nodes } = JSON.parse(out) as {
    edges: { kind: string; from: string; to: string }[];
    nodes: { id: string; declared: { attributes: object } }[];
  };
  const texts = edges.map(({ kind, from, to }) => `${from} ${kind} ${to}`);
  assert.ok(texts.includes("service:production:web calls service:production:orders-service"));
  assert.ok(texts.includes("service:production:web reads datastore:production:db"));
  assert.ok(texts.includes("service:production:orders-service embeds library::ui-kit"));
  const web = nodes.find(({ id }) => id === "service:production:web");
  assert.deepEqual(web?.declared.attributes, { lifecycle: "production", owner: "shop", type: "website", zone: "dmz" });
});

test("a change is told with its diff: settings are kept, secrets are not, and the same again changes nothing", async (t) => {
  const { terminal, dir } = await startServer(t);
  const path = join(dir, "change.diff");
  const secret = "sk_live_" + "51H8xQ2eZvKYlo2C0dJk3vN7tR9w";
  writeFileSync(
    path,
    `--- a/cart.yaml\n+++ b/cart.yaml\n@@ -1,3 +1,3 @@ redis:\n redis:\n-  timeout: 500ms\n+  timeout: 50ms\n-  apiKey: none\n+  apiKey: ${secret}\n+  note: ${"x".repeat(600)}\n`,
  );
  const args = ["model", "change", "cart-7", "--target", "service:production:cart", "--at", new Date().toISOString()];
  const told = await terminal([...args, "--diff", path]);
  assert.deepEqual([told.code, told.out], [0, "cart-7 recorded: 1 setting\n"], told.err);
  assert.match(told.err, /1 settings of the diff are not recorded/);
  assert.match(told.err, /1 changed lines of the diff are not read/);
  assert.equal((await terminal([...args, "--diff", path])).out, "cart-7 is known already: 1 setting\n");
  const { out } = await terminal(["model", "get", "service:production:cart"]);
  assert.match(out, /deploy cart-7 +service:production:cart +- +- +redis\.timeout: 500 → 50/);
  const all = await terminal(["model", "get", "service:production:cart", "-o", "json"]);
  assert.ok(!all.out.includes(secret));
  assert.equal((await terminal(["model", "change", "x", "--target", "cart"])).code, 1);
});

test("a file that is none says where it is wrong", async (t) => {
  const { terminal, dir } = await startServer(t);
  const path = join(dir, "bad.yaml");
  for (const [text, told] of [
    ["nodes: [", /bad\.yaml: /],
    ["- a", /neither one declaration/],
    ["nodes: [{ id: cart }]", /nodes\/0\/id/],
    ["nodes: [{ id: 'service:p:a', attributes: { tier: 'two words' } }]", /attributes/],
    ["edges: [{ kind: loves, from: 'service:p:a', to: 'service:p:b' }]", /kind/],
  ] as const) {
    writeFileSync(path, text);
    const { code, err } = await terminal(["model", "apply", path]);
    assert.notEqual(code, 0);
    assert.match(err, told);
  }
  assert.equal((await terminal(["model", "apply", join(dir, "none.yaml")])).code, 1);
});
