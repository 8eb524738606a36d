// Planted plans for a real cluster, one per risk domain, each with its benign twin: from the proposal to the verdict.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import type { Json, JsonObject } from "../../src/core/json.ts";
import type { BudgetReader } from "../../src/wire/contracts/health.ts";
import { judge, type Judged } from "../executors/judged.ts";
import type { ApiServer } from "./api-server.ts";
import { imagesIn } from "../../src/policy/risks/images-in.ts";
import { never } from "../executors/contract.ts";
import { buildExecutor, planned, type Setting } from "./executor.ts";
import { autoscaler, configMap, deployment, revisions } from "./shop.ts";

const MERGE = "application/merge-patch+json";
const APPS = "/apis/apps/v1/namespaces/shop";

type Open = () => { readonly server: ApiServer; readonly setting: Setting };

export function riskRows(open: Open): void {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-manifests-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** In an environment in which the standard pack lets a cluster be changed without a person. */
  const judged = (kind: string, args: JsonObject, more: { budgets?: BudgetReader } = {}): Promise<Judged> => {
    const { setting } = open();
    const executor = buildExecutor({ ...setting, cluster: { takeOverFrom: ["*"], manifests: folder } });
    const proposed = { kind: `kubernetes.${kind}`, environment: "staging", service: "web" };
    return judge(executor, { ...proposed, args: { cluster: "main", namespace: "shop", ...args } }, more);
  };

  const assertHeld = ({ result, route, risks }: Judged, ...[asked, ...found]: readonly string[]): void =>
    assert.deepEqual([result, route, risks], ["held", asked, found]);
  const assertPasses = ({ result, risks }: Judged): void => assert.deepEqual([result, risks], ["granted", []]);
  const declaredIn = ({ plan }: Judged): JsonObject => (plan.diff as JsonObject)["declared"] as JsonObject;

  /** As people write it: a quantity that the API server writes otherwise, and nothing of what it fills in. */
  const manifest = (name: string, image: string, more = ""): string => `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, labels: { team: shop } }
spec:
  replicas: 3
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers:
        - name: app
          image: ${image}
          args: [serve]
          resources: { requests: { cpu: 1000m } }
          ports: [{ containerPort: 80, name: http }]${more}
`;

  it("configuration: what Git declares otherwise is drift, and what the plan sets as Git says is none", async () => {
    const { server } = open();
    await server.must("POST", `${APPS}/deployments?fieldManager=kubectl-client-side-apply`, {
      metadata: { name: "declared" },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: "declared" } },
        template: {
          metadata: { labels: { app: "declared" } },
          spec: {
            containers: [
              {
                name: "app",
                image: "shop/app:2",
                args: ["serve"],
                resources: { requests: { cpu: "1" } },
                ports: [{ containerPort: 80, name: "http" }],
              },
            ],
          },
        },
      },
    });
    const text = `${manifest("other", "shop/other:1")}---\n${manifest("declared", "shop/app:3")}`;
    writeFileSync(join(folder, "shop.yaml"), text);
    const workload = "deployment/declared";
    const caught = await judged("set-image", { workload, images: { app: "shop/app:4" } });
    assertHeld(caught, "on-call", "drift");
    const bytes = Buffer.from(text);
    const path = ".spec.template.spec.containers[app].image";
    assert.deepEqual(declaredIn(caught), {
      file: "shop.yaml",
      blob: createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex"),
      differs: [{ path, declared: "shop/app:3", left: "shop/app:4" }],
    });
    const twin = await judged("set-image", { workload, images: { app: "shop/app:3" } });
    assertPasses(twin);
    assert.deepEqual(declaredIn(twin)["differs"], []);
  });

  it("configuration: what somebody changed by hand shows in the plan of any change of that object", async () => {
    const { server } = open();
    const by = (spec: Json) =>
      server.must("PATCH", `${APPS}/deployments/declared?fieldManager=kubectl-edit`, { spec }, MERGE);
    writeFileSync(join(folder, "shop.yaml"), manifest("declared", "shop/app:2"));
    assertPasses(await judged("rollout-restart", { workload: "deployment/declared" }));
    await by({
      replicas: 5,
      template: { spec: { containers: [{ name: "app", image: "shop/app:2", args: ["debug"] }] } },
    });
    const caught = await judged("rollout-restart", { workload: "deployment/declared" });
    assertHeld(caught, "on-call", "drift");
    const paths = (declaredIn(caught)["differs"] as JsonObject[]).map((one) => one["path"]);
    const app = ".spec.template.spec.containers[app]";
    assert.deepEqual(paths, [".spec.replicas", `${app}.args[0]`, `${app}.ports`, `${app}.resources.requests`]);
    assert.ok(!JSON.stringify(caught.plan).includes("debug"), "arguments are not shown");
    writeFileSync(join(folder, "shop.yaml"), manifest("declared", "shop/app:2", "\n        - {"));
    assertHeld(await judged("rollout-restart", { workload: "deployment/declared" }), "on-call", "unseen");
    writeFileSync(join(folder, "shop.yaml"), manifest("declared", "shop/app:2", "\n          imagePullPolicy: 7"));
    assertHeld(await judged("rollout-restart", { workload: "deployment/declared" }), "on-call", "unseen");
    for (const name of ["shop.yaml", "twice.yaml"])
      writeFileSync(join(folder, name), manifest("declared", "shop/app:2"));
    const twice = await judged("rollout-restart", { workload: "deployment/declared" });
    assert.deepEqual(declaredIn(twice), { code: "declared-twice" });
    rmSync(join(folder, "twice.yaml"));
  });

  it("configuration: an autoscaler's bounds are compared in whatever version Git writes it", async () => {
    await deployment(open().server, "scaled-by-git", "kubectl-edit");
    await autoscaler(open().server, "web-git", "scaled-by-git");
    const text = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web-git, namespace: shop }
spec: { minReplicas: 2, maxReplicas: 8, metrics: [{ type: Resource }] }
`;
    writeFileSync(join(folder, "autoscaler.yaml"), text);
    const caught = await judged("autoscaler-bounds", { autoscaler: "web-git", maxReplicas: 9 });
    assertHeld(caught, "on-call", "drift");
    const path = ".spec.maxReplicas";
    assert.deepEqual(declaredIn(caught)["differs"], [{ path, declared: 8, left: 9 }]);
    assert.deepEqual((await judged("autoscaler-bounds", { autoscaler: "web-git", maxReplicas: 8 })).risks, []);
  });

  it("configuration: what a tool keeps by itself is drift where no manifest says otherwise", async () => {
    await deployment(open().server, "kept", "helm");
    await deployment(open().server, "loose", "kubectl-edit");
    const caught = await judged("scale", { workload: "deployment/kept", replicas: 4 });
    assertHeld(caught, "on-call", "drift");
    assertPasses(await judged("scale", { workload: "deployment/loose", replicas: 4 }));
  });

  it("security: a revision to go back to that ran as root, and a setting that shows more", async () => {
    const { server } = open();
    for (const name of ["rooted", "plain"]) {
      await deployment(server, name, "kubectl-edit");
      await revisions(server, name);
    }
    const set = `${APPS}/replicasets/rooted-hash1`;
    const { metadata, spec } = JSON.parse(
      JSON.stringify(await server.get(set)).replace('"name":"app"', '"name":"app","securityContext":{"runAsUser":0}'),
    ) as { metadata: JsonObject; spec: JsonObject };
    await server.must("DELETE", set);
    const { name = "", labels = {}, annotations = {}, ownerReferences = [] } = metadata;
    await server.must("POST", `${APPS}/replicasets`, {
      metadata: { name, labels, annotations, ownerReferences },
      spec,
    });
    const caught = await judged("rollout-undo", { workload: "deployment/rooted" });
    assertHeld(caught, "owners", "privilege-widening");
    assertPasses(await judged("rollout-undo", { workload: "deployment/plain" }));
    await configMap(
      server,
      "web-logs",
      { LOG_REQUEST_BODIES: "false", SINK: "https://logs.shop.internal" },
      "kubectl-edit",
    );
    const exposes = await judged("configmap-patch", { configMap: "web-logs", set: { LOG_REQUEST_BODIES: "true" } });
    assertHeld(exposes, "owners", "data-exposure");
    const sends = await judged("configmap-patch", { configMap: "web-logs", set: { SINK: "https://drop.example.net" } });
    assertHeld(sends, "owners", "data-exposure");
    assertPasses(
      await judged("configmap-patch", { configMap: "web-logs", set: { SINK: "https://logs2.shop.internal" } }),
    );
  });

  it("compliance: an object that its labels put under a regulation", async () => {
    const { server } = open();
    await configMap(server, "web-cards", { size: "1" }, "kubectl-edit");
    await server.must(
      "PATCH",
      "/api/v1/namespaces/shop/configmaps/web-cards",
      { metadata: { labels: { compliance: "pci" } } },
      MERGE,
    );
    await configMap(server, "web-carts", { size: "1" }, "kubectl-edit");
    assertHeld(await judged("configmap-patch", { configMap: "web-cards", set: { size: "2" } }), "owners", "regulated");
    assertPasses(await judged("configmap-patch", { configMap: "web-carts", set: { size: "2" } }));
  });

  it("performance: a service that has little of its error budget left", async () => {
    await deployment(open().server, "thin", "kubectl-edit");
    const left = (result: "pass" | "fail") => ({
      covers: () => true,
      ask: () => Promise.resolve({ result, evidence: {} }),
    });
    const args = { workload: "deployment/thin", replicas: 2 };
    assertHeld(await judged("scale", args, { budgets: left("fail") }), "on-call", "slo-headroom");
    assertPasses(await judged("scale", args, { budgets: left("pass") }));
  });

  it("supply chain: what was verified when planned is what runs, whatever its tag stands for by then", async () => {
    const { server, setting } = open();
    const path = await deployment(server, "pinned");
    const [verified, other] = ["a".repeat(64), "b".repeat(64)];
    let now = verified;
    const pinImage = async (image: string): Promise<string> => `${image}@sha256:${now}`;
    const executor = buildExecutor({ ...setting, pinImage, cluster: { takeOverFrom: ["kubectl"] } });
    const bundles = [{ mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json" }];
    const args = { namespace: "shop", workload: "deployment/pinned", images: { app: "shop/app:3" }, bundles };
    const { plan, request } = await planned(executor, "set-image", args);
    assert.deepEqual(imagesIn(plan), [`shop/app:3@sha256:${verified}`]);
    assert.ok(!JSON.stringify(plan).includes("sigstore"), "evidence is no part of what runs");
    const again = await planned(executor, "set-image", { ...args, bundles: [] });
    assert.equal(again.plan.change, plan.change, "whatever speaks for it");
    now = other;
    const moved = await planned(executor, "set-image", args);
    assert.notEqual(moved.plan.change, plan.change, "a tag that stands for something else is another change");
    const outcome = await executor.execute(request, never);
    const image = async (): Promise<unknown> => {
      const { spec } = (await server.get(path)) as unknown as {
        spec: { template: { spec: { containers: JsonObject[] } } };
      };
      return spec.template.spec.containers[0]?.["image"];
    };
    assert.equal(await image(), `shop/app:3@sha256:${verified}`);
    assert.ok(outcome.status === "succeeded" && outcome.left !== undefined);
    const { args: before } = plan.inverse as { args: JsonObject };
    const back = await planned(executor, "set-image", before, { left: outcome.left });
    assert.equal((await executor.execute(back.request, never)).status, "succeeded");
    assert.equal(await image(), "shop/app:2", "taken back is what was there, not what its tag stands for now");
  });
}
