// A real cluster, watched: what it is becomes the graph, what changes in it becomes changes with their settings.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parseAllDocuments } from "yaml";
import type { JsonObject } from "../../src/core/json.ts";
import { Fed, startFeeds } from "../feeds/fed-model.ts";
import { absent, ApiServer } from "./api-server.ts";

const CART = "service:production:cart";
const APPS = "/apis/apps/v1/namespaces/shop/deployments";
const CORE = "/api/v1/namespaces/shop";

/** Who may look at all of it, and at nothing else. */
const READER = new URL("../../examples/kubernetes/model-reader.yaml", import.meta.url);
const PLACES: Readonly<Record<string, string>> = {
  ServiceAccount: `${CORE}/serviceaccounts`,
  ClusterRole: "/apis/rbac.authorization.k8s.io/v1/clusterroles",
  ClusterRoleBinding: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
};

function cart(timeout: string, image: string): JsonObject {
  const env = [
    { name: "REDIS_TIMEOUT_MS", value: timeout },
    { name: "API_KEY", value: `sk_live_51H8xQ2eZvKYlo2C0dJk3${timeout}` },
    { name: "LEVEL", valueFrom: { configMapKeyRef: { name: "shared", key: "level" } } },
  ];
  const volumes = [{ name: "conf", configMap: { name: "cart-conf" } }];
  const template = {
    metadata: { labels: { app: "cart" } },
    spec: { containers: [{ name: "app", image, env }], volumes },
  };
  return {
    metadata: { name: "cart-v2", labels: { "app.kubernetes.io/name": "cart" } },
    spec: { replicas: 3, selector: { matchLabels: { app: "cart" } }, template },
  };
}

describe("a watched cluster", { skip: absent, timeout: 240_000 }, () => {
  let server: ApiServer;
  let dataDir: string;
  const model = new Fed();
  let stop: () => Promise<void>;
  let begin: () => () => Promise<void>;

  before(async () => {
    server = await ApiServer.start();
    dataDir = mkdtempSync(join(tmpdir(), "holdpoint-feed-"));
    const labels = { "holdpoint.dev/trust-zone": "pci" };
    await server.must("POST", "/api/v1/namespaces", { metadata: { name: "shop", labels } });
    for (const document of parseAllDocuments(readFileSync(READER, "utf8"))) {
      const object = document.toJS() as { kind: string };
      await server.must("POST", PLACES[object.kind] ?? "", object);
    }
    await server.must("POST", `${CORE}/configmaps`, {
      metadata: { name: "shared" },
      data: { level: "info", unused: "1" },
    });
    const text = "redis:\n  pool:\n    size: 40\n  host: redis\n";
    await server.must("POST", `${CORE}/configmaps`, { metadata: { name: "cart-conf" }, data: { "app.yaml": text } });
    await server.must("POST", APPS, cart("500", "shop/cart:1"));
    for (const [i, node] of ["n1", "n1", "n2"].entries()) await running(`cart-${i}`, node);
    mkdirSync(join(dataDir, "secrets"), { recursive: true, mode: 0o700 });
    writeFileSync(join(dataDir, "secrets", "token"), await server.accountToken("shop", "holdpoint-model"), {
      mode: 0o600,
    });
    const connection = { kind: "token", server: server.url, tokenRef: "token", certificateAuthority: server.ca };
    const feeds = { kubernetes: [{ name: "main", environment: "production", connection }] };
    begin = () => startFeeds(model, { feeds, dataDir, allow: [server.url] });
    stop = begin();
  });
  after(async () => {
    await stop?.();
    await server?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  /** As a ReplicaSet and a kubelet would have it. */
  async function running(name: string, node: string): Promise<void> {
    const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "cart-v2-abc", uid: "0-0", controller: true };
    const labels = { app: "cart", "pod-template-hash": "abc" };
    await server.must("POST", `${CORE}/pods`, {
      metadata: { name, labels, ownerReferences: [owner] },
      spec: { nodeName: node, containers: [{ name: "app", image: "shop/cart:1" }] },
    });
    const status = { status: { phase: "Running" } };
    await server.must("PATCH", `${CORE}/pods/${name}/status`, status, "application/merge-patch+json");
  }

  const merge = (path: string, body: JsonObject): Promise<unknown> =>
    server.must("PATCH", path, body, "application/merge-patch+json");

  test("is services, namespaces, nodes and configuration keys, and how they hang together", async () => {
    await model.until(() => model.edges().some((edge) => edge.includes("runs-on")));
    const own = model.edges().filter((edge) => edge.startsWith(CART));
    assert.deepEqual(own, [
      `${CART} configured-by config-key:production:shop/cart-conf/app.yaml`,
      `${CART} configured-by config-key:production:shop/shared/level`,
      `${CART} member-of namespace:production:shop`,
      `${CART} runs-on node:production:n1`,
      `${CART} runs-on node:production:n2`,
    ]);
    const onN1 = model.view().edges.find(({ from, to }) => from === CART && to === "node:production:n1");
    assert.deepEqual(onN1?.declared?.attributes, { part: "0.7" });
    assert.deepEqual(model.changes(), []);
    assert.equal(model.statuses.at(-1)?.failing, null);
  });

  test("has its namespaces' trust zones and quotas in it", async () => {
    await server.must("POST", `${CORE}/resourcequotas`, { metadata: { name: "all" }, spec: { hard: { pods: "10" } } });
    const shop = "namespace:production:shop";
    const contracts = () => model.view().nodes.find(({ id }) => id === shop)?.declared?.contracts ?? [];
    await model.until(() => contracts().length > 0);
    assert.deepEqual(contracts(), [{ kind: "quota", limit: 10, unit: "count" }]);
    assert.ok(model.edges().includes(`${shop} member-of trust-zone::pci`));
    assert.ok(model.edges().includes(`${shop} member-of environment:production:production`));
  });

  test("tells of a changed ConfigMap by the keys and settings that moved", async () => {
    await merge(`${CORE}/configmaps/shared`, { data: { unused: "2" } });
    const text = "redis:\n  pool:\n    size: 8\n  host: redis\n";
    await merge(`${CORE}/configmaps/cart-conf`, { data: { "app.yaml": text } });
    await model.until(() => model.changes().length === 2);
    const change = model.changes().find(({ id }) => id.includes("cart-conf"));
    assert.equal(change?.kind, "configuration");
    assert.deepEqual(change.targets, ["config-key:production:shop/cart-conf/app.yaml"]);
    assert.deepEqual(change.settings, [{ key: "redis.pool.size", before: 40, after: 8, unit: "count" }]);
    assert.ok(Math.abs(change.at - Date.now()) < 60_000);
  });

  test("tells of a deploy with what its template moved, and never of a secret in it", async () => {
    const path = `${APPS}/cart-v2`;
    await merge(path, { spec: cart("50", "shop/cart:2")["spec"] as JsonObject });
    await model.until(() => model.changes().some(({ kind }) => kind === "deploy"));
    const deploy = model.changes().find(({ kind }) => kind === "deploy");
    assert.deepEqual(deploy?.targets, [CART]);
    assert.deepEqual(
      deploy.settings.map(({ key, before, after, unit }) => [key, before, after, unit]),
      [
        ["containers.app.image", "shop/cart:1", "shop/cart:2", null],
        ["containers.app.env.REDIS_TIMEOUT_MS", 500, 50, "ms"],
      ],
    );
    assert.ok(!JSON.stringify(model.graph.dump()).includes("sk_live"));
  });

  test("takes no notice of an instance more, and tells when most of them are gone", async () => {
    const before = model.changes().length;
    await merge(`${APPS}/cart-v2`, { spec: { replicas: 4 } });
    await merge(`${APPS}/cart-v2`, { spec: { replicas: 1 } });
    await model.until(() => model.changes().length > before);
    assert.equal(model.changes().length, before + 1);
    const [scaled] = model.changes();
    assert.deepEqual(
      [scaled?.kind, scaled?.settings],
      ["configuration", [{ key: "replicas", before: 4, after: 1, unit: "count" }]],
    );
  });

  test("that was changed while nobody looked is seen to have another digest", async () => {
    await stop();
    const before = model.changes().length;
    await merge(`${CORE}/configmaps/shared`, { data: { level: "debug" } });
    stop = begin();
    await model.until(() => model.changes().length > before);
    const [missed] = model.changes();
    assert.deepEqual(missed?.targets, ["config-key:production:shop/shared/level"]);
    assert.deepEqual(missed.settings, []);
  });

  test("loses what is deleted, and what it was is still there in the past", async () => {
    const then = Date.now();
    await server.must("DELETE", `${APPS}/cart-v2`);
    await model.until(() => !model.edges().some((edge) => edge.startsWith(CART)));
    assert.ok(model.graph.names.findNode(CART) !== undefined);
    assert.ok(model.view().at > then);
  });

  test("that may not be read says so, and what is known of it stays", async () => {
    const nodes = model.view().nodes.length;
    await server.must("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/holdpoint-model");
    await stop();
    stop = begin();
    await model.until(() => (model.statuses.at(-1)?.failing ?? "").endsWith("answered-403"));
    assert.equal(model.view().nodes.length, nodes);
  });
});
