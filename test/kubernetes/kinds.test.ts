// Every kind of change against a real Kubernetes API server: planned as a dry run, run once, taken back, written down.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import type { ExecuteRequest, Executor, Plan, StepOutcome } from "../../src/wire/contracts/executor.ts";
import { never } from "../executors/contract.ts";
import { absent, ApiServer } from "./api-server.ts";
import { buildExecutor, planned, type Setting } from "./executor.ts";
import { riskRows } from "./risk-rows.ts";
import {
  ACCOUNT,
  autoscaler,
  configMap,
  controlled,
  controllerRevisions,
  CORE,
  deployment,
  node,
  openShop,
  pod,
  revisions,
} from "./shop.ts";

const MERGE = "application/merge-patch+json";
const TEMPLATE_MARK = "holdpoint.dev/restarted-by";

describe("a change to a real cluster", { skip: absent }, () => {
  let server: ApiServer;
  let setting: Setting;
  let executor: Executor;

  before(async () => {
    server = await ApiServer.start();
    const token = await openShop(server);
    setting = { server: server.url, ca: server.ca, token };
    executor = buildExecutor({ ...setting, cluster: { takeOverFrom: ["kubectl"] } });
  });
  after(() => server?.stop());

  async function run(
    kind: string,
    args: JsonObject,
  ): Promise<{ plan: Plan; outcome: Extract<StepOutcome, { status: "succeeded" }> }> {
    const { plan, request } = await planned(executor, kind, args);
    const outcome = await executor.execute(request, never);
    assert.ok(outcome.status === "succeeded", JSON.stringify(outcome));
    return { plan, outcome };
  }

  /** Plans and runs what the plan names as its inverse. */
  async function undo({ plan, outcome }: Awaited<ReturnType<typeof run>>): Promise<void> {
    const { kind, args } = plan.inverse as { kind: string; args: JsonObject };
    assert.ok(outcome.left !== undefined);
    const back = await planned(executor, kind.slice("kubernetes.".length), args, { left: outcome.left });
    const undone = await executor.execute(back.request, never);
    assert.equal(undone.status, "succeeded", JSON.stringify(undone));
  }

  async function specOf(path: string): Promise<JsonObject> {
    return (await server.get(path))["spec"] as JsonObject;
  }

  const changesOf = (plan: Plan): unknown => (plan.diff as JsonObject)["changes"];

  it("scales a workload and back", async () => {
    const path = await deployment(server, "scaled");
    const ran = await run("scale", { namespace: "shop", workload: "deployment/scaled", replicas: 7 });
    assert.deepEqual(changesOf(ran.plan), [{ path: ".replicas", from: 3, to: 7 }]);
    assert.equal(ran.plan.size, 4);
    assert.deepEqual((ran.plan.diff as JsonObject)["setBy"], [{ manager: "kubectl", path: ".replicas" }]);
    assert.equal((await specOf(path))["replicas"], 7);
    await undo(ran);
    assert.equal((await specOf(path))["replicas"], 3);
    const none = await planned(executor, "scale", { namespace: "shop", workload: "deployment/scaled", replicas: 0 });
    assert.equal(none.plan.signature, "destructive", "a service without pods is for people to decide");
  });

  it("does not scale what an autoscaler scales, and changes its bounds instead", async () => {
    await deployment(server, "auto");
    const path = await autoscaler(server, "web-auto", "auto");
    await assert.rejects(planned(executor, "scale", { namespace: "shop", workload: "deployment/auto", replicas: 4 }), {
      code: "target-owned",
    });
    const ran = await run("autoscaler-bounds", { namespace: "shop", autoscaler: "web-auto", maxReplicas: 12 });
    assert.equal(ran.plan.size, 7);
    assert.equal((await specOf(path))["maxReplicas"], 12);
    await undo(ran);
    const { minReplicas, maxReplicas } = await specOf(path);
    assert.deepEqual({ minReplicas, maxReplicas }, { minReplicas: 2, maxReplicas: 5 });
    await assert.rejects(
      planned(executor, "autoscaler-bounds", { namespace: "shop", autoscaler: "web-auto", minReplicas: 6 }),
      {
        code: "target-refused",
      },
    );
  });

  it("finds the autoscaler of a workload among more than one page of others", async () => {
    await deployment(server, "zz-paged");
    const names = Array.from({ length: 100 }, (_, i) => `aa-${i}`);
    await Promise.all([...names, "zz"].map((name) => autoscaler(server, name, name === "zz" ? "zz-paged" : name)));
    const args = { namespace: "shop", workload: "deployment/zz-paged", replicas: 4 };
    await assert.rejects(planned(executor, "scale", args), { code: "target-owned" });
  });

  it("restarts a workload by a mark on its template, and not one whose rollout is paused", async () => {
    const path = await deployment(server, "restarted");
    const { plan, request } = await planned(executor, "rollout-restart", {
      namespace: "shop",
      workload: "deployment/restarted",
    });
    assert.equal(plan.inverse, null);
    assert.equal((await executor.execute(request, never)).status, "succeeded");
    const { template } = (await specOf(path)) as { template: { metadata: { annotations: JsonObject } } };
    assert.equal(template.metadata.annotations[TEMPLATE_MARK], `test:${request.idempotencyKey}`);
    await server.must("PATCH", path, { spec: { paused: true } }, "application/merge-patch+json");
    await assert.rejects(
      planned(executor, "rollout-restart", { namespace: "shop", workload: "deployment/restarted" }),
      {
        code: "target-refused",
      },
    );
  });

  it("takes a Deployment back to an earlier revision and forth again, and copies no template into the record", async () => {
    const path = await deployment(server, "undone");
    await revisions(server, "undone");
    const image = async (): Promise<unknown> => {
      const { template } = (await specOf(path)) as {
        template: { spec: { containers: JsonObject[] }; metadata: JsonObject };
      };
      assert.deepEqual(template.metadata["labels"], { app: "undone" });
      return template.spec.containers[0]?.["image"];
    };
    const ran = await run("rollout-undo", { namespace: "shop", workload: "deployment/undone" });
    assert.equal(await image(), "shop/app:1");
    assert.deepEqual(changesOf(ran.plan), [
      { path: ".template.spec.containers[app].image", from: "shop/app:2", to: "shop/app:1" },
    ]);
    assert.ok(!JSON.stringify(ran.plan).includes("hunter2"));
    await undo(ran);
    assert.equal(await image(), "shop/app:2");
    await assert.rejects(
      planned(executor, "rollout-undo", { namespace: "shop", workload: "deployment/undone", toRevision: 9 }),
      {
        code: "target-not-found",
      },
    );
  });

  it("takes a StatefulSet and a DaemonSet back to an earlier revision and forth again", async () => {
    for (const kind of ["StatefulSet", "DaemonSet"] as const) {
      const name = `undone-${kind.toLowerCase()}`;
      const path = await controlled(server, kind, name);
      const workload = `${kind.toLowerCase()}/${name}`;
      await assert.rejects(planned(executor, "rollout-undo", { namespace: "shop", workload }), {
        code: "target-not-found",
      });
      await controllerRevisions(server, path);
      const template = async (): Promise<unknown> => (await specOf(path))["template"];
      const now = await template();
      const ran = await run("rollout-undo", { namespace: "shop", workload });
      const image = { path: ".template.spec.containers[app].image", from: "shop/app:2", to: "shop/app:1" };
      assert.deepEqual(changesOf(ran.plan), [image]);
      assert.ok(!JSON.stringify(ran.plan).includes("hunter2"));
      assert.ok(!JSON.stringify(await template()).includes("$patch"));
      await undo(ran);
      assert.deepEqual(await template(), now);
      // Somebody's own revision, put in the place of the one that was approved.
      const { request } = await planned(executor, "rollout-undo", { namespace: "shop", workload, toRevision: 1 });
      const revision = `/apis/apps/v1/namespaces/shop/controllerrevisions/${name}-rev1`;
      const { metadata, data } = (await server.get(revision)) as { metadata: JsonObject; data: JsonObject };
      await server.must("DELETE", revision);
      const { labels, ownerReferences } = metadata;
      const altered = JSON.parse(JSON.stringify(data).replaceAll("shop/app:1", "evil/app:1")) as JsonObject;
      await server.must("POST", revision.slice(0, revision.lastIndexOf("/")), {
        metadata: { name: `${name}-rev1`, labels, ownerReferences },
        revision: 1,
        data: altered,
      });
      const moved = await executor.execute(request, never);
      assert.ok(moved.status === "failed" && moved.code === "target-moved", JSON.stringify(moved));
      assert.deepEqual(await template(), now);
    }
  });

  it("gives a StatefulSet an image by its partition, phase by phase, and takes back as many as were done", async () => {
    const path = await controlled(server, "StatefulSet", "canary");
    const stands = async (): Promise<unknown> => {
      const { template, updateStrategy } = (await specOf(path)) as {
        template: { spec: { containers: JsonObject[] } };
        updateStrategy: { rollingUpdate: { partition: number } };
      };
      return [template.spec.containers[0]?.["image"], updateStrategy.rollingUpdate.partition];
    };
    const asked = { namespace: "shop", workload: "statefulset/canary", images: { app: "shop/app:3" } };
    const { plan, request } = await planned(executor, "set-image", { ...asked, phases: [5, 50, 100] });
    const labels = ["5 %: 1 of 10 pods", "50 %: 5 of 10 pods", "100 %: 10 of 10 pods"];
    assert.deepEqual([plan.phases, (plan.diff as JsonObject)["phases"]], [labels, labels]);
    assert.deepEqual(await stands(), ["shop/app:2", 0], "planning changes nothing");
    const phase = (n: number): ExecuteRequest => {
      return {
        ...request,
        phase: n,
        idempotencyKey: n === 1 ? request.idempotencyKey : `${request.idempotencyKey}.${n}`,
      };
    };
    const early = await executor.execute(phase(2), never);
    assert.ok(early.status === "failed" && early.code === "target-moved", "no phase goes before its turn");
    assert.equal((await executor.execute(phase(1), never)).status, "succeeded");
    assert.deepEqual(await stands(), ["shop/app:3", 9]);
    assert.equal((await executor.reconcile(phase(2), never)).status, "absent");
    const second = await executor.execute(phase(2), never);
    assert.deepEqual(await stands(), ["shop/app:3", 5]);
    assert.equal((await executor.reconcile(phase(2), never)).status, "happened");
    assert.equal((await executor.execute(phase(2), never)).status, "succeeded", "a repeat finds its own work");
    // Somebody else takes it on from there: neither does the next phase run, nor is that overwritten.
    const theirs = { spec: { updateStrategy: { rollingUpdate: { partition: 2 } } } };
    await server.must("PATCH", `${path}?fieldManager=kubectl`, theirs, MERGE);
    const third = await executor.execute(phase(3), never);
    assert.ok(third.status === "failed" && third.code === "target-moved", JSON.stringify(third));
    assert.ok(second.status === "succeeded");
    await assert.rejects(undo({ plan, outcome: second }), { code: "target-moved" });
    theirs.spec.updateStrategy.rollingUpdate.partition = 5;
    await server.must("PATCH", `${path}?fieldManager=kubectl`, theirs, MERGE);
    await undo({ plan, outcome: second });
    assert.deepEqual(await stands(), ["shop/app:2", 0]);
    const crowded = { ...asked, phases: [1, 2, 3, 100] };
    await assert.rejects(planned(executor, "set-image", crowded), { code: "arguments-invalid" });
  });

  it("scales in steps, each onto what the one before it left, and back at once", async () => {
    const path = await deployment(server, "stepped");
    const asked = { namespace: "shop", workload: "deployment/stepped", replicas: 13 };
    const { plan, request } = await planned(executor, "scale", { ...asked, phases: [10, 50, 100] });
    assert.deepEqual(plan.phases, ["10 %: 4 replicas", "50 %: 8 replicas", "100 %: 13 replicas"]);
    for (const [at, replicas] of [4, 8, 13].entries()) {
      const idempotencyKey = at === 0 ? request.idempotencyKey : `${request.idempotencyKey}.${at + 1}`;
      const outcome = await executor.execute({ ...request, phase: at + 1, idempotencyKey }, never);
      assert.equal((await specOf(path))["replicas"], replicas, JSON.stringify(outcome));
      if (outcome.status === "succeeded" && replicas === 13) await undo({ plan, outcome });
    }
    assert.equal((await specOf(path))["replicas"], 3);
  });

  it("cordons a node and lets pods onto it again, and does not undo what somebody else did", async () => {
    const path = await node(server, "node-1");
    const ran = await run("cordon", { node: "node-1" });
    assert.equal((await specOf(path))["unschedulable"], true);
    await assert.rejects(planned(executor, "cordon", { node: "node-1" }), { code: "arguments-invalid" });
    await undo(ran);
    assert.equal((await specOf(path))["unschedulable"], undefined);
  });

  it("sets, adds and removes keys of a ConfigMap, and back", async () => {
    const path = await configMap(server, "web-flags", { level: "info", size: "3", other: "stays" });
    const ran = await run("configmap-patch", {
      namespace: "shop",
      configMap: "web-flags",
      set: { level: "debug", fresh: "1" },
    });
    assert.deepEqual((ran.plan.diff as JsonObject)["setBy"], [{ manager: "kubectl", path: ".data.level" }]);
    const data = async (): Promise<unknown> => (await server.get(path))["data"];
    assert.deepEqual(await data(), { fresh: "1", level: "debug", other: "stays", size: "3" });
    const removed = await run("configmap-patch", { namespace: "shop", configMap: "web-flags", remove: ["size"] });
    assert.deepEqual(await data(), { fresh: "1", level: "debug", other: "stays" });
    await undo(removed);
    await undo(ran);
    assert.deepEqual(await data(), { level: "info", other: "stays", size: "3" });
  });

  it("sets images by server-side apply, one container of several, and keeps what earlier actions set", async () => {
    const path = await deployment(server, "imaged");
    const first = await run("set-image", {
      namespace: "shop",
      workload: "deployment/imaged",
      images: { app: "shop/app:3" },
    });
    assert.deepEqual((first.plan.diff as JsonObject)["takesFrom"], [
      { manager: "kubectl", field: '.spec.template.spec.containers[name="app"].image' },
    ]);
    const image = ".template.spec.containers[app].image";
    assert.deepEqual((first.plan.diff as JsonObject)["setBy"], [{ manager: "kubectl", path: image }]);
    await run("scale", { namespace: "shop", workload: "deployment/imaged", replicas: 4 });
    const second = await run("set-image", {
      namespace: "shop",
      workload: "deployment/imaged",
      images: { app: "shop/app:4" },
    });
    await undo(second);
    const { replicas, template } = (await specOf(path)) as {
      replicas: number;
      template: { spec: { containers: JsonObject[] } };
    };
    assert.equal(replicas, 4);
    assert.equal(template.spec.containers[0]?.["image"], "shop/app:3");
    await assert.rejects(
      planned(executor, "set-image", { namespace: "shop", workload: "deployment/imaged", images: { none: "a/b:1" } }),
      { code: "arguments-invalid" },
    );
  });

  it("deletes one pod once, and one that nothing would replace only for people who sign", async () => {
    const path = await pod(server, "web-1");
    const { plan, request } = await planned(executor, "delete-pod", { namespace: "shop", pod: "web-1" });
    assert.equal(plan.signature, undefined);
    assert.equal((await server.call("GET", path)).status, 200, "planning deletes nothing");
    assert.equal((await executor.reconcile(request, never)).status, "absent");
    assert.equal((await executor.execute(request, never)).status, "succeeded");
    assert.equal((await server.call("GET", path)).status, 404);
    assert.equal((await executor.reconcile(request, never)).status, "happened");
    await pod(server, "web-1");
    const again = await executor.execute(request, never);
    assert.ok(again.status === "failed" && again.code === "target-moved", "its successor is another pod");
    await pod(server, "web-lone", false);
    const lone = await planned(executor, "delete-pod", { namespace: "shop", pod: "web-lone" });
    assert.equal(lone.plan.signature, "destructive");
  });

  it("refuses what other field managers own, unless configuration lets it take that over", async () => {
    await deployment(server, "owned", "argocd-controller");
    const path = await configMap(server, "web-owned", { level: "info" }, "argocd-controller");
    const image = { namespace: "shop", workload: "deployment/owned", images: { app: "shop/app:3" } };
    await assert.rejects(planned(executor, "set-image", image), { code: "target-owned" });
    const config = { namespace: "shop", configMap: "web-owned", set: { level: "debug" } };
    await assert.rejects(planned(executor, "configmap-patch", config), { code: "target-owned" });
    const removal = { namespace: "shop", configMap: "web-owned", remove: ["level"] };
    await assert.rejects(planned(executor, "configmap-patch", removal), { code: "target-owned" });
    const allowed = buildExecutor({ ...setting, cluster: { takeOverFrom: ["argocd-controller"] } });
    const { request } = await planned(allowed, "configmap-patch", config);
    // Somebody narrowed the configuration after the plan was approved.
    const narrowed = await executor.execute(request, never);
    assert.ok(narrowed.status === "failed" && narrowed.code === "target-owned", JSON.stringify(narrowed));
    assert.deepEqual((await server.get(path))["data"], { level: "info" });
    assert.equal((await allowed.execute(request, never)).status, "succeeded");
  });

  it("shares an object with another installation, each with its own fields", async () => {
    const path = await configMap(server, "web-shared", { theirs: "0", ours: "0" });
    const other = buildExecutor({ ...setting, installation: "other", cluster: { takeOverFrom: ["kubectl"] } });
    const theirs = await planned(other, "configmap-patch", {
      namespace: "shop",
      configMap: "web-shared",
      set: { theirs: "1" },
    });
    assert.equal((await other.execute(theirs.request, never)).status, "succeeded");
    await run("configmap-patch", { namespace: "shop", configMap: "web-shared", set: { ours: "1" } });
    assert.deepEqual((await server.get(path))["data"], { theirs: "1", ours: "1" });
    const taking = { namespace: "shop", configMap: "web-shared", set: { theirs: "2" } };
    await assert.rejects(planned(executor, "configmap-patch", taking), { code: "target-owned" });
    const heir = buildExecutor({ ...setting, cluster: { takeOverFrom: ["kubectl", "holdpoint/other/*"] } });
    assert.equal((await planned(heir, "configmap-patch", taking)).plan.size, 1);
    assert.equal((await other.reconcile(theirs.request, never)).status, "happened");
  });

  it("repeats no password that stands in a ConfigMap where none should", async () => {
    await configMap(server, "web-bad", { DB_PASSWORD: "Tr0ub4dor-and-3-more" });
    const args = { namespace: "shop", configMap: "web-bad", set: { DB_PASSWORD: "x" } };
    await assert.rejects(planned(executor, "configmap-patch", args), (error: Error & { code: string }) => {
      assert.equal(error.code, "secret-detected");
      assert.ok(!JSON.stringify([error.message, error]).includes("Tr0ub4dor"));
      return true;
    });
  });

  riskRows(() => ({ server, setting }));

  it("asks for nothing that the shipped role does not give, and never for a Secret", async () => {
    const asked = server.requestsBy(ACCOUNT);
    assert.ok(asked.length > 50);
    const refused = asked.filter(({ responseStatus }) => responseStatus?.code === 403);
    assert.deepEqual(
      refused.map(({ requestURI }) => requestURI),
      [],
    );
    assert.ok(asked.every(({ requestURI }) => !requestURI.includes("/secrets")));
    assert.equal((await server.call("GET", `${CORE}/secrets`, undefined, undefined, setting.token)).status, 403);
  });
});
