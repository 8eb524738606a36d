// The rollout check against a real API server, where the test writes what a controller would write.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { createRolloutReaders } from "../../src/adapters/executors/kubernetes-rollouts.ts";
import { createHealthProbe } from "../../src/adapters/health/probe.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { HealthProbe } from "../../src/wire/contracts/health.ts";
import { healthConfigSchema } from "../../src/wire/schemas/health-config.ts";
import { kubernetesConfigSchema } from "../../src/wire/schemas/kubernetes-config.ts";
import type { RolloutCheck } from "../../src/wire/types/health.ts";
import { never } from "../executors/contract.ts";
import { absent, ApiServer } from "./api-server.ts";
import { TARGETS } from "./executor.ts";
import { deployment, openShop } from "./shop.ts";

const APPS = "/apis/apps/v1/namespaces/shop";
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

describe("a rollout", { skip: absent }, () => {
  let server: ApiServer;
  let probe: HealthProbe;

  before(async () => {
    server = await ApiServer.start();
    const token = await openShop(server);
    const connection = { kind: "token", server: server.url, tokenRef: "t", certificateAuthority: server.ca };
    const config = kubernetesConfigSchema.parse({ clusters: [{ name: "main", connection, targets: TARGETS }] });
    const ways = { egress: createEgress({ allow: [server.url] }), credentials: { get: async () => token }, clock };
    const clusters = createRolloutReaders({ config, ...ways });
    const model = { stateOf: () => Promise.reject(new Error("nobody asks the model")) };
    probe = createHealthProbe({ config: healthConfigSchema.parse({}), databases: new Map(), clusters, model, ...ways });
  });
  after(() => server?.stop());

  async function ask(workload: string, of: Partial<RolloutCheck> = {}) {
    const check: RolloutCheck = { kind: "rollout", name: "r", cluster: "main", namespace: "shop", workload, ...of };
    const { result, evidence } = await probe.ask({ check, beforeMs: 0 }, never);
    const { code } = evidence;
    return typeof code === "string" ? `${result} ${code}` : result;
  }

  const report = (path: string, status: JsonObject) =>
    server.must("PATCH", `${path}/status`, { status }, "application/merge-patch+json");

  const make = async (plural: string, name: string, more: JsonObject): Promise<string> => {
    const template = {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "app", image: "shop/app:1" }] },
    };
    const spec = { selector: { matchLabels: { app: name } }, template, ...more };
    await server.must("POST", `${APPS}/${plural}`, { metadata: { name }, spec });
    return `${APPS}/${plural}/${name}`;
  };

  it("of a Deployment is well when every pod is new and available, and no earlier one is left", async () => {
    const path = await deployment(server, "rolls");
    assert.equal(await ask("deployment/rolls"), "unknown in-progress", "nobody has looked at it yet");
    const done = { observedGeneration: 1, replicas: 3, updatedReplicas: 3, availableReplicas: 3, readyReplicas: 3 };
    await report(path, done);
    assert.equal(await ask("deployment/rolls"), "pass");
    await report(path, { ...done, replicas: 4 });
    assert.equal(await ask("deployment/rolls"), "unknown in-progress");
    await report(path, { ...done, availableReplicas: 2 });
    assert.equal(await ask("deployment/rolls"), "unknown in-progress");
    await report(path, done);
    await server.must("PATCH", path, { spec: { minReadySeconds: 1 } }, "application/merge-patch+json");
    assert.equal(await ask("deployment/rolls"), "unknown in-progress", "its controller has not seen the change");
    const conditions = [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }];
    await report(path, { ...done, observedGeneration: 2, updatedReplicas: 1, conditions });
    assert.equal(await ask("deployment/rolls"), "fail progress-deadline-exceeded");
  });

  it("of a StatefulSet with a partition is well when the pods above it are new", async () => {
    const rollingUpdate = { partition: 2 };
    const path = await make("statefulsets", "parts", {
      replicas: 3,
      serviceName: "parts",
      updateStrategy: { type: "RollingUpdate", rollingUpdate },
    });
    await report(path, { observedGeneration: 1, replicas: 3, readyReplicas: 3, updatedReplicas: 0 });
    assert.equal(await ask("statefulset/parts"), "unknown in-progress");
    await report(path, { observedGeneration: 1, replicas: 3, readyReplicas: 3, updatedReplicas: 1 });
    assert.equal(await ask("statefulset/parts"), "pass");
  });

  it("of a DaemonSet is well when every node has the new pod", async () => {
    const path = await make("daemonsets", "daemons", {});
    const status = {
      observedGeneration: 1,
      desiredNumberScheduled: 2,
      currentNumberScheduled: 2,
      numberMisscheduled: 0,
    };
    await report(path, { ...status, updatedNumberScheduled: 1, numberAvailable: 2, numberReady: 2 });
    assert.equal(await ask("daemonset/daemons"), "unknown in-progress");
    await report(path, { ...status, updatedNumberScheduled: 2, numberAvailable: 2, numberReady: 2 });
    assert.equal(await ask("daemonset/daemons"), "pass");
  });

  it("that is to have no pods is not known to be well", async () => {
    const path = await make("deployments", "none-wanted", { replicas: 0 });
    await report(path, { observedGeneration: 1 });
    assert.equal(await ask("deployment/none-wanted"), "unknown no-pods-wanted");
    const status = { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 };
    await report(await make("daemonsets", "no-nodes", {}), { observedGeneration: 1, ...status });
    assert.equal(await ask("daemonset/no-nodes"), "unknown no-pods-wanted");
  });

  it("that nobody can ask about is not known to be well", async () => {
    assert.equal(await ask("deployment/none"), "unknown target-not-found");
    assert.equal(await ask("deployment/rolls", { namespace: "default" }), "unknown credential-refused");
    assert.equal(await ask("deployment/rolls", { cluster: "other" }), "unknown cluster-unknown");
  });
});
