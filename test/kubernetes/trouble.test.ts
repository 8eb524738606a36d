// What goes wrong between a plan and its cluster: targets gone or changed, hostile arguments, rights and certificates.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import type { JsonObject } from "../../src/core/json.ts";
import type { Executor } from "../../src/wire/contracts/executor.ts";
import { kubernetesConfigSchema } from "../../src/wire/schemas/kubernetes-config.ts";
import { never } from "../executors/contract.ts";
import { absent, ApiServer } from "./api-server.ts";
import { buildExecutor, planned, TARGETS, type Setting } from "./executor.ts";
import { startFailingProxy } from "./failing-proxy.ts";
import { ACCOUNT, configMap, CORE, deployment, openShop, pod } from "./shop.ts";

const MERGE = "application/merge-patch+json";
const ROLES = "/apis/rbac.authorization.k8s.io/v1";

describe("a cluster in trouble", { skip: absent }, () => {
  let server: ApiServer;
  let setting: Setting;
  let executor: Executor;
  let folder: string;

  before(async () => {
    server = await ApiServer.start();
    setting = { server: server.url, ca: server.ca, token: await openShop(server) };
    executor = buildExecutor(setting);
    const subjects = [{ kind: "User", name: "carol", apiGroup: "rbac.authorization.k8s.io" }];
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "holdpoint" };
    await server.must("POST", `${ROLES}/namespaces/shop/rolebindings`, {
      metadata: { name: "carol" },
      roleRef,
      subjects,
    });
    folder = mkdtempSync(join(tmpdir(), "holdpoint-account-"));
  });
  after(async () => {
    await server?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  const scale = (name: string, replicas: number, of = executor) =>
    planned(of, "scale", { namespace: "shop", workload: `deployment/${name}`, replicas });

  async function replicasOf(path: string): Promise<unknown> {
    return ((await server.get(path))["spec"] as JsonObject)["replicas"];
  }

  it("a target that was changed since it was planned is left alone; a status is no change", async () => {
    const path = await deployment(server, "moved");
    const { request } = await scale("moved", 5);
    await server.must("PATCH", `${path}/status`, { status: { replicas: 3, unavailableReplicas: 2 } }, MERGE);
    assert.equal((await executor.execute(request, never)).status, "succeeded");
    const next = await scale("moved", 6);
    await server.must("PATCH", path, { spec: { minReadySeconds: 9 } }, MERGE);
    assert.deepEqual(await executor.execute(next.request, never), {
      status: "failed",
      code: "target-moved",
      detail: null,
    });
    assert.equal(await replicasOf(path), 5);
    assert.equal((await executor.reconcile(next.request, never)).status, "unclear", "nobody can tell on another state");
  });

  it("a target that is gone, or another of the same name, is told as such", async () => {
    const path = await deployment(server, "gone");
    const { request } = await scale("gone", 5);
    await server.must("DELETE", path);
    const outcome = await executor.execute(request, never);
    assert.ok(outcome.status === "failed" && outcome.code === "target-not-found");
    assert.deepEqual(await executor.reconcile(request, never), { status: "unclear", detail: { code: "target-gone" } });
    await assert.rejects(scale("gone", 5), { code: "target-not-found" });
    await deployment(server, "gone");
    assert.deepEqual(await executor.execute(request, never), { status: "failed", code: "target-moved", detail: null });
    assert.deepEqual(await executor.reconcile(request, never), {
      status: "unclear",
      detail: { code: "target-replaced" },
    });
  });

  it("a revert never overwrites a newer change, also when the answer to the action was lost", async () => {
    const path = await deployment(server, "reverted");
    const { plan, request } = await scale("reverted", 5);
    assert.equal((await executor.execute(request, never)).status, "succeeded");
    await server.must("PATCH", path, { spec: { replicas: 9 } }, MERGE);
    const found = await executor.reconcile(request, never);
    assert.ok(found.status === "happened" && found.left !== undefined);
    const { args } = plan.inverse as { args: JsonObject };
    await assert.rejects(planned(executor, "scale", args, { left: found.left }), { code: "target-moved" });
    await server.must("PATCH", path, { spec: { replicas: 5 } }, MERGE);
    assert.equal((await planned(executor, "scale", args, { left: found.left })).plan.size, 2);
  });

  it("an action runs once however often it is told to, beside others and after them", async () => {
    const path = await deployment(server, "once");
    const { request } = await scale("once", 5);
    const both = await Promise.all([executor.execute(request, never), executor.execute(request, never)]);
    assert.ok(
      both.every(({ status }) => status === "succeeded"),
      JSON.stringify(both),
    );
    await server.must("PATCH", path, { spec: { replicas: 2 } }, MERGE);
    const again = await executor.execute(request, never);
    assert.ok(again.status === "succeeded" && (again.detail as JsonObject)["foundBefore"] === true);
    assert.equal(await replicasOf(path), 2);
    const marked = server
      .writesBy(ACCOUNT)
      .filter((one) => JSON.stringify(one.requestObject).includes(request.idempotencyKey));
    assert.equal(marked.length, 1);
  });

  it("of more conflicts than people are shown each counts, and so does one that is not told or cannot be read", async (t) => {
    type Cause = { field: string; message: string };
    type Refusal = { reason?: string; details?: { causes?: readonly Cause[] } };
    /** The API server tells them in any order: the one that matters comes last. */
    const last = (causes: readonly Cause[]): readonly Cause[] =>
      causes.toSorted((a, b) => Number(a.field === ".data.guarded") - Number(b.field === ".data.guarded"));
    let told = last;
    const proxy = await startFailingProxy(server, async (_request, pass) => {
      const reply = await pass();
      const { details = {}, ...body } = (reply.json ?? {}) as Refusal;
      if (details.causes === undefined) return reply;
      return { ...reply, json: { ...body, details: { ...details, causes: told(details.causes) } } };
    });
    t.after(() => proxy.close());
    const connection = { kind: "token", server: proxy.url, tokenRef: "kubernetes/token" };
    const build = (...takeOverFrom: string[]) =>
      buildExecutor({ ...setting, server: proxy.url, connection, cluster: { takeOverFrom } });
    const [strict, allowed] = [build(), build("kustomize-controller")];
    const path = await configMap(server, "web-many", { guarded: "git" }, "kustomize-controller");
    const values = (value: string): JsonObject =>
      Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`k${n}`, value]));
    const patch = (executor: Executor, set: JsonObject) =>
      planned(executor, "configmap-patch", { namespace: "shop", configMap: "web-many", set });
    const ours = await patch(strict, values("a"));
    assert.equal((await strict.execute(ours.request, never)).status, "succeeded");
    const all = { ...values("b"), guarded: "mine" };
    const isOwned = { code: "target-owned" };
    await assert.rejects(patch(strict, all), isOwned);
    const { plan, request } = await patch(allowed, all);
    const takesFrom = [{ manager: "kustomize-controller", field: ".data.guarded" }];
    assert.deepEqual((plan.diff as JsonObject)["takesFrom"], takesFrom);
    const narrowed = await strict.execute(request, never);
    assert.deepEqual(narrowed, { status: "failed", code: "target-owned", detail: takesFrom });
    // An API server that told no more than some, and one whose words are none that are known.
    told = (causes) => last(causes).slice(0, 32);
    await assert.rejects(patch(strict, all), isOwned);
    told = (causes) => last(causes).map((one) => (one.field === ".data.k7" ? { ...one, message: "somebody" } : one));
    await assert.rejects(patch(build("*"), all), isOwned);
    assert.equal(((await server.get(path))["data"] as JsonObject)["guarded"], "git");
    told = last;
    assert.equal((await allowed.execute(request, never)).status, "succeeded");
  });

  it("hostile and wrong arguments are refused before anything is asked", async () => {
    const before = server.requestsBy(ACCOUNT).length;
    const shop = { namespace: "shop" };
    const hostile: readonly (readonly [string, JsonObject])[] = [
      ["scale", { ...shop, workload: "deployment/../../secrets/x", replicas: 1 }],
      ["scale", { ...shop, workload: "secret/x", replicas: 1 }],
      ["scale", { ...shop, workload: "deployment/a?dryRun=All", replicas: 1 }],
      ["scale", { ...shop, workload: "deployment/a", replicas: -1 }],
      ["scale", { ...shop, workload: "deployment/a", replicas: 1, force: true }],
      ["scale", { namespace: "shop/../kube-system", workload: "deployment/a", replicas: 1 }],
      ["scale", { namespace: "kube-system", workload: "deployment/a", replicas: 1 }],
      ["scale", { ...shop, workload: "deployment/\u0430", replicas: 1 }],
      ["configmap-patch", { ...shop, configMap: "web", set: JSON.parse('{"__proto__": "x"}') as JsonObject }],
      ["configmap-patch", { ...shop, configMap: "web", set: { "a/b": "x" } }],
      ["configmap-patch", { ...shop, configMap: "web", set: { a: "x" }, remove: ["a"] }],
      ["configmap-patch", { ...shop, configMap: "web", set: { a: "x".repeat(65_537) } }],
      ["configmap-patch", { ...shop, configMap: "web", set: { a: "\ud800" } }],
      ["configmap-patch", { ...shop, configMap: "payments", set: { a: "x" } }],
      ["set-image", { ...shop, workload: "deployment/a", images: { app: "x; rm -rf /" } }],
      ["set-image", { ...shop, workload: "deployment/a", images: {} }],
      ["set-image", { ...shop, workload: "deployment/a", images: { app: "a:1" }, phases: [50, 100] }],
      ["set-image", { ...shop, workload: "statefulset/a", images: { app: "a:1" }, phases: [50, 90] }],
      ["scale", { ...shop, workload: "statefulset/a", replicas: 9, phases: [50, 20, 100] }],
      ["delete-pod", { ...shop, pod: "web-1/exec" }],
      ["cordon", { node: "../namespaces/shop" }],
      ["autoscaler-bounds", { ...shop, autoscaler: "web-auto", minReplicas: 5, maxReplicas: 2 }],
      ["rollout-undo", { ...shop, workload: "deployment/a", toRevision: 1, replicaSet: "a-1" }],
      ["rollout-undo", { ...shop, workload: "deployment/a", controllerRevision: "a-1" }],
      ["rollout-undo", { ...shop, workload: "statefulset/a", replicaSet: "a-1" }],
      ["scale", { ...shop, cluster: "other", workload: "deployment/a", replicas: 1 }],
    ];
    for (const [kind, args] of hostile) {
      await assert.rejects(
        planned(executor, kind, args),
        { code: "arguments-invalid" },
        JSON.stringify(args).slice(0, 100),
      );
    }
    const elsewhere = { namespace: "shop", workload: "deployment/moved", replicas: 1 };
    await assert.rejects(planned(executor, "scale", elsewhere, { service: "nodes" }), { code: "arguments-invalid" });
    assert.equal(server.requestsBy(ACCOUNT).length, before);
  });

  it("what the account may not do is refused, says which right is missing, and changes nothing", async () => {
    const role = `${ROLES}/namespaces/shop/roles/holdpoint`;
    const path = await deployment(server, "refused");
    const { request } = await scale("refused", 5);
    const rights = await server.get(role);
    const rules = (rights["rules"] as JsonObject[]).map((rule) => ({ ...rule, verbs: ["get", "list"] }));
    await server.must("PATCH", role, { rules }, MERGE);
    await untilRights(path, 403);
    const outcome = await executor.execute(request, never);
    const needs = { verb: "patch", group: "apps", resource: "deployments", namespace: "shop", name: "refused" };
    assert.deepEqual(outcome, { status: "failed", code: "forbidden", detail: { status: 403, needs } });
    await assert.rejects(scale("refused", 5), (error: Error & { code: string; facts: JsonObject }) => {
      assert.equal(error.code, "target-forbidden");
      assert.deepEqual(error.facts["needs"], needs);
      return true;
    });
    assert.equal(await replicasOf(path), 3);
    await server.must("PATCH", role, { rules: rights["rules"] }, MERGE);
    await untilRights(path, 200);
    // Beyond the role: another namespace, though configuration names it.
    const targets = [{ environment: "production", service: "web", namespace: "default", resources: ["pod/*"] }];
    const wide = buildExecutor({ ...setting, cluster: { targets } });
    await assert.rejects(planned(wide, "delete-pod", { namespace: "default", pod: "x" }), { code: "target-forbidden" });
  });

  /** RBAC is read from a cache that is a moment behind. */
  async function untilRights(path: string, status: number): Promise<void> {
    const ask = () => server.call("PATCH", `${path}?dryRun=All`, {}, MERGE, setting.token);
    while ((await ask()).status !== status) await sleep(20);
  }

  it("comes with a client certificate or a token from a kubeconfig that has everything in it", async () => {
    const { cert, key } = server.clientCertificate("carol");
    await deployment(server, "carols");
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    const cluster = { server: server.url, "certificate-authority-data": base64(server.ca) };
    const carol = { "client-certificate-data": base64(cert), "client-key-data": base64(key) };
    const build = (user: object, more: object = {}): Executor => {
      const kubeconfig = stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "main",
        contexts: [{ name: "main", context: { cluster: "main", user: "me", namespace: "ignored" } }],
        clusters: [{ name: "main", cluster: { ...cluster, ...more } }],
        users: [{ name: "me", user }],
      });
      const connection = { kind: "kubeconfig", server: server.url, secretRef: "kubernetes/main" };
      return buildExecutor({ ...setting, connection, secrets: { "kubernetes/main": kubeconfig } });
    };
    const good = build(carol);
    assert.deepEqual(await good.probe(never), [{ target: "cluster main", status: "ready", code: "" }]);
    const { request } = await scale("carols", 4, good);
    assert.equal((await good.execute(request, never)).status, "succeeded");
    assert.equal(server.writesBy("carol").length, 1);
    assert.equal((await build({ token: setting.token }).probe(never))[0]?.status, "ready");
    assert.equal((await build({ token: "of-nobody" }).probe(never))[0]?.status, "refused");
    const refused: readonly (readonly [object, object?])[] = [
      [{ exec: { apiVersion: "client.authentication.k8s.io/v1", command: "/bin/touch", args: [join(folder, "ran")] } }],
      [{ "auth-provider": { name: "gcp" } }],
      [{ tokenFile: "/etc/passwd" }],
      [{ "client-certificate": "/etc/passwd", "client-key": "/etc/passwd" }],
      [{ username: "a", password: "b" }],
      [{ ...carol, as: "system:admin" }],
      [{ "client-certificate-data": base64(cert) }],
      [{}],
      [carol, { "insecure-skip-tls-verify": true }],
      [carol, { "proxy-url": "http://127.0.0.1:1" }],
      [carol, { "certificate-authority": "/etc/passwd" }],
      [carol, { server: "https://127.0.0.1:1" }],
    ];
    for (const [user, more] of refused) {
      assert.equal(
        (await build(user, more).probe(never))[0]?.status,
        "missing",
        JSON.stringify([user, more]).slice(0, 90),
      );
      const outcome = await build(user, more).execute(request, never);
      assert.ok(outcome.status === "failed" && outcome.code === "credential-missing");
      assert.ok(!JSON.stringify(outcome).includes(base64(key).slice(0, 40)));
    }
  });

  it("believes no server whose certificate its cluster's authority did not sign", async () => {
    const [probe] = await buildExecutor({ ...setting, ca: server.clientCertificate("ca").cert }).probe(never);
    assert.deepEqual(probe, { target: "cluster main", status: "away", code: "tls-untrusted" });
  });

  it("reads the service account of its pod for each call, so that a new token counts at once", async () => {
    const connection = { kind: "in-cluster", server: server.url, path: folder };
    const inside = buildExecutor({ ...setting, connection });
    assert.equal((await inside.probe(never))[0]?.status, "missing");
    writeFileSync(join(folder, "ca.crt"), server.ca);
    writeFileSync(join(folder, "token"), "one-that-has-expired\n");
    assert.equal((await inside.probe(never))[0]?.status, "refused");
    writeFileSync(join(folder, "token"), `${await server.accountToken("shop", "holdpoint")}\n`);
    assert.equal((await inside.probe(never))[0]?.status, "ready");
  });

  it("an immutable ConfigMap, a pod that is going and what needs no change are refused when planned", async () => {
    const path = await configMap(server, "web-fixed", { a: "1" });
    await server.must("PATCH", path, { immutable: true }, MERGE);
    const change = { namespace: "shop", configMap: "web-fixed", set: { a: "2" } };
    await assert.rejects(planned(executor, "configmap-patch", change), { code: "target-refused" });
    await pod(server, "web-going");
    await server.must("PATCH", `${CORE}/pods/web-going`, { metadata: { finalizers: ["test/waits"] } }, MERGE);
    await server.must("DELETE", `${CORE}/pods/web-going`);
    await assert.rejects(planned(executor, "delete-pod", { namespace: "shop", pod: "web-going" }), {
      code: "arguments-invalid",
    });
    await deployment(server, "same");
    await assert.rejects(scale("same", 3), { code: "arguments-invalid" });
  });
});

describe("the configuration of clusters", () => {
  const parse = (change: object): boolean => {
    const connection = { kind: "in-cluster" };
    return kubernetesConfigSchema.safeParse({ clusters: [{ name: "a", connection, targets: TARGETS, ...change }] })
      .success;
  };
  const target = { environment: "production", service: "web" };

  it("names objects by kind, nodes without and everything else with a namespace", () => {
    assert.ok(parse({}));
    assert.ok(!parse({ targets: [{ ...target, resources: ["pod/*"] }] }));
    assert.ok(!parse({ targets: [{ ...target, namespace: "shop", resources: ["node/*"] }] }));
    assert.ok(!parse({ targets: [{ ...target, namespace: "shop", resources: ["secret/*"] }] }));
    assert.ok(!parse({ targets: [{ ...target, namespace: "shop", resources: ["*"] }] }));
    assert.ok(!parse({ targets: [] }));
  });

  it("leads nowhere in the clear", () => {
    const connection = { kind: "in-cluster", server: "http://10.0.0.1" };
    const build = () => buildExecutor({ server: "https://10.0.0.1", ca: "", token: "", connection });
    assert.throws(build, { code: "config-invalid" });
  });
});
