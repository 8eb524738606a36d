// The example of a cluster: its settings and policies are ones that the server takes, and they fit its role.

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { allowedOrigins } from "../../src/main/egress.ts";
import { loadConfig } from "../../src/main/config.ts";
import { loadBundle } from "../../src/policy/load.ts";

const EXAMPLE = join(import.meta.dirname, "..", "..", "examples", "kubernetes");
const read = (name: string): string => readFileSync(join(EXAMPLE, name), "utf8");

/** What the kinds need of each resource, as RBAC says it. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  deployments: ["get", "patch"],
  statefulsets: ["get", "patch"],
  daemonsets: ["get", "patch"],
  replicasets: ["get", "list"],
  controllerrevisions: ["get", "list"],
  horizontalpodautoscalers: ["get", "list", "patch"],
  configmaps: ["get", "patch"],
  pods: ["get", "delete"],
  nodes: ["get", "patch"],
};

test("the settings of the cluster load, and lead to its API server alone", (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), "holdpoint-cluster-"));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  copyFileSync(join(EXAMPLE, "holdpoint.yaml"), join(dataDir, "holdpoint.yaml"));
  const config = loadConfig({ HOLDPOINT_DATA: dataDir });
  const [cluster] = config.executors.kubernetes?.clusters ?? [];
  assert.deepEqual([cluster?.name, cluster?.targets.length], ["main", 2]);
  assert.ok(allowedOrigins(config).includes("https://kubernetes.default.svc"));
});

test("the policies of the cluster load, and watch the rollout that its settings name", () => {
  const { bundle, problems } = loadBundle([{ path: "policies.yaml", text: read("policies.yaml") }]);
  assert.deepEqual(problems, []);
  const of = { kind: "kubernetes.scale", environment: "production", service: "shop" };
  assert.deepEqual(
    bundle?.verificationFor(of)?.checks.map(({ kind }) => kind),
    ["rollout"],
  );
});

test("the role gives what the kinds need, resource by resource, and nothing beyond", () => {
  const rules = parseAllDocuments(read("rbac.yaml"))
    .map((document) => document.toJS() as { rules?: { resources: string[]; verbs: string[] }[] })
    .flatMap((object) => object.rules ?? []);
  const given = Object.fromEntries(rules.flatMap(({ resources, verbs }) => resources.map((one) => [one, verbs])));
  assert.deepEqual(given, NEEDED);
});
