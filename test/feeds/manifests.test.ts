// A folder of manifests: declared as it is written, read again when it is written again.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { runManifestsFeed } from "../../src/adapters/feeds/manifests.ts";
import type { ClusterSink, ObjectChange } from "../../src/wire/contracts/feed.ts";
import type { ClusterObject } from "../../src/wire/types/cluster-object.ts";
import { Present } from "../../src/model/impact/present.ts";
import { graphOfObjects } from "../../src/model/kubernetes/graph-of-objects.ts";
import { nodeText } from "../../src/wire/schemas/model.ts";
import { Fed } from "./fed-model.ts";

const TERMS = { environment: "staging", serviceLabels: ["app"] };
const conf = (ttl: string): string => `apiVersion: v1
kind: ConfigMap
metadata: { name: conf, namespace: shop }
data: { CACHE_TTL_SECONDS: "${ttl}" }
`;
const CART = `apiVersion: apps/v1
kind: Deployment
metadata: { name: cart, namespace: shop }
spec:
  template:
    metadata: { labels: { app: basket } }
    spec: { containers: [{ name: app, image: "cart:1", envFrom: [{ configMapRef: { name: conf } }] }] }
---
kind: CronJob
metadata: { name: other, namespace: shop }
`;

/** Looks as often as the test says: each `sleep` is one look. */
async function looks(t: TestContext, steps: readonly ((folder: string) => void)[]) {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-manifests-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const told: (readonly ClusterObject[])[] = [];
  const changes: ObjectChange[] = [];
  const statuses: (string | null)[] = [];
  const sink: ClusterSink = {
    objects: async (objects) => void told.push(objects),
    changed: async (change) => void changes.push(change),
    status: (code) => void statuses.push(code),
  };
  const stop = new AbortController();
  const rest = [...steps];
  rest.shift()?.(folder);
  const sleep = async (): Promise<void> => {
    const step = rest.shift();
    if (step === undefined) stop.abort();
    else step(folder);
  };
  await runManifestsFeed(
    { folder, sink, sleep, nowMs: () => Date.now(), digest: (text) => hash("sha256", text).slice(0, 16) },
    stop.signal,
  );
  return { told, changes, statuses };
}

test("what files declare is told once, and again with what changed when one is written", async (t) => {
  const { told, changes, statuses } = await looks(t, [
    (folder) => {
      mkdirSync(join(folder, "base"));
      writeFileSync(join(folder, "base", "cart.yaml"), CART);
      writeFileSync(join(folder, "conf.yml"), conf("900"));
      writeFileSync(join(folder, "README.md"), "kind: Deployment");
    },
    () => undefined,
    (folder) => writeFileSync(join(folder, "conf.yml"), conf("30 ")),
  ]);
  assert.equal(told.length, 2);
  const { edges } = graphOfObjects(told[0] ?? [], TERMS);
  assert.deepEqual(
    edges.map(({ edge }) => `${nodeText(edge.from)} ${edge.kind} ${nodeText(edge.to)}`),
    [
      "namespace:staging:shop member-of environment:staging:staging",
      "service:staging:basket member-of namespace:staging:shop",
      "service:staging:basket configured-by config-key:staging:shop/conf/cache_ttl_seconds",
    ],
  );
  assert.deepEqual(
    changes.map(({ keys, diff }) => [keys, diff]),
    [[["CACHE_TTL_SECONDS"], "+++ b/values.yaml\n-CACHE_TTL_SECONDS: 900\n+CACHE_TTL_SECONDS: 30 "]],
  );
  assert.deepEqual(statuses, [null, null, null]);
  assert.ok(!JSON.stringify(told).includes("900"), "values are not handed on, digests are");
});

test("a folder that is not there, or a file that is none, leaves what is known and is told", async (t) => {
  const { told, statuses } = await looks(t, [
    (folder) => writeFileSync(join(folder, "a.yaml"), CART),
    (folder) => writeFileSync(join(folder, "b.yaml"), "a: [\n"),
    (folder) => rmSync(folder, { recursive: true }),
  ]);
  assert.equal(told.length, 1);
  assert.deepEqual(statuses, [null, "manifest-malformed", "folder-unreadable"]);
});

const PROMISES = `apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { holdpoint.dev/trust-zone: pci } }
---
apiVersion: v1
kind: Service
metadata: { name: front, namespace: shop }
spec: { selector: { app: basket } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: routes, namespace: shop }
spec:
  http:
    - route: [{ destination: { host: front.shop.svc.cluster.local } }]
      timeout: 1m0.5s
      retries: { attempts: 3, perTryTimeout: 2s, backoff: 25ms }
    - { route: [{ destination: { host: front } }], timeout: 9s }
    - { route: [{ destination: { host: nobody } }], timeout: 0s }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: pools, namespace: other }
spec: { host: front.shop, trafficPolicy: { connectionPool: { tcp: { maxConnections: 40 } } } }
---
apiVersion: v1
kind: ResourceQuota
metadata: { name: all, namespace: shop }
spec: { hard: { pods: 10, limits.memory: 2Gi, requests.cpu: "4" } }
---
apiVersion: sloth.slok.dev/v1
kind: PrometheusServiceLevel
metadata: { name: basket, namespace: shop }
spec: { service: basket, slos: [{ name: latency, objective: 95 }, { name: requests, objective: 99.5 }] }
`;

test("what a mesh, a quota and an objective promise are contracts of who answers there; zones come by label", async (t) => {
  const { told } = await looks(t, [
    (folder) => {
      writeFileSync(join(folder, "cart.yaml"), CART);
      writeFileSync(join(folder, "promises.yaml"), PROMISES);
    },
  ]);
  const { nodes, edges } = graphOfObjects(told[0] ?? [], TERMS);
  const contracts = new Map(nodes.map((one) => [nodeText(one.node), one.contracts]));
  assert.deepEqual(contracts.get("service:staging:basket"), [
    { kind: "timeout", timeoutMs: 60_500 },
    { kind: "retry", attemptsMax: 3, backoffMs: 25 },
    { kind: "pool", sizeMax: 40 },
    { kind: "slo", indicator: "availability", objective: 0.995 },
  ]);
  assert.deepEqual(contracts.get("namespace:staging:shop"), [
    { kind: "quota", limit: 2 * 1024 ** 3, unit: "bytes" },
    { kind: "quota", limit: 10, unit: "count" },
  ]);
  const named = edges.map(({ edge }) => `${nodeText(edge.from)} ${edge.kind} ${nodeText(edge.to)}`);
  assert.ok(named.includes("namespace:staging:shop member-of trust-zone::pci"), named.join(", "));
  const model = new Fed();
  await model.declare({ feed: "a", at: Date.now(), nodes, edges });
  const { graph } = model;
  const present = new Present(graph, { at: Math.floor(Date.now() / 1000), seqEnd: graph.size });
  const basket = graph.names.findNode("service:staging:basket") ?? -1;
  assert.equal(present.zones().get(basket), "pci", "by its namespace");
  const own = (told[0] ?? []).map((object) =>
    object.kind === "Deployment"
      ? { ...object, body: { ...object.body, metadata: { labels: { "holdpoint.dev/trust-zone": "web" } } } }
      : object,
  );
  await model.declare({ feed: "a", at: Date.now(), ...graphOfObjects(own, TERMS) });
  const now = new Present(graph, { at: Math.floor(Date.now() / 1000), seqEnd: graph.size });
  assert.equal(now.zones().get(basket), "web", "its own word counts first");
});
