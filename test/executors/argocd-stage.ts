// An application of Argo CD with two commits, of which the first one runs.

import { startArgocd, type ArgocdStandIn } from "../../examples/stand-ins/argocd.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Executor } from "../../src/wire/contracts/executor.ts";
import { TestClock, type Stage } from "./contract.ts";
import { buildExecutor } from "./fixture.ts";

const TOKEN = "eyJhbGciOi.argocd-TOKEN.0123456789";
export const FIRST = "a".repeat(40);
export const SECOND = "b".repeat(40);
export const THIRD = "c".repeat(40);
/** Beside a ConfigMap it adds what runs by itself. */
export const CANARY = "e".repeat(40);
export const MANY = "f".repeat(40);

const cart = (image: string, replicas: number, name = "cart"): JsonObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "shop" },
  spec: { replicas, template: { spec: { containers: [{ name: "cart", image }] } } },
});
export const small = (kind: string, name: string, data: JsonObject): JsonObject => ({
  apiVersion: "v1",
  kind,
  metadata: { name, namespace: "shop" },
  data,
});
const hook: JsonObject = {
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "migrate", namespace: "shop", annotations: { "argocd.argoproj.io/hook": "PreSync" } },
};

const COMMITS = {
  [FIRST]: [cart("cart:1", 2), small("ConfigMap", "old", { a: "1" }), small("Secret", "cart", { key: "b25l" })],
  [SECOND]: [cart("cart:2", 3), small("ConfigMap", "new", { b: "2" }), small("Secret", "cart", { key: "dHdv" }), hook],
  [CANARY]: [cart("cart:1", 2), small("ConfigMap", "new", { b: "2" }), cart("cart:2", 1, "canary")],
  [MANY]: [cart("cart:1", 2), ...Array.from({ length: 51 }, (_, at) => small("ConfigMap", `m${at}`, {}))],
  [THIRD]: [cart("cart:3", 3)],
};

export type ArgocdStage = Stage & {
  readonly argocd: ArgocdStandIn;
  /** With the application configured otherwise. */
  buildWith(more: object): Executor;
};

/** Two deployments for a rollback, one for a sync. */
export async function argocdStage(kind = "argocd.sync", prune = true): Promise<ArgocdStage> {
  const argocd = await startArgocd({ token: TOKEN, commits: COMMITS });
  argocd.live.set("PersistentVolumeClaim shop/data", {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "data", namespace: "shop" },
  });
  argocd.deploy(FIRST);
  if (kind === "argocd.rollback") argocd.deploy(SECOND);
  argocd.ending.looks = 0; // ended by the first look, so that nobody waits for the next
  const before = argocd.begun.length;
  const clock = new TestClock();
  const application = { name: "cart", environment: "production", service: "cart", project: "shop", prune };
  const build = (more: object = {}) => {
    const config = { argocd: { baseUrl: argocd.url, applications: [{ ...application, ...more }] } };
    return (has: Readonly<Record<string, string>> = secrets) => buildExecutor({ kind, config, clock, secrets: has });
  };
  const secrets = { "argocd/token": TOKEN };
  const path = "/api/v1/applications/cart";
  return {
    clock,
    kind,
    args: kind === "argocd.sync" ? { application: "cart", revision: SECOND } : { application: "cart", id: 0 },
    build: build(),
    buildFor: (target) => build(target)(),
    buildWith: (more) => build(more)(),
    buildWithoutSecrets: () => build()({}),
    effects: () => argocd.begun.length - before,
    complaints: () => argocd.complaints,
    standIn: argocd,
    write: { method: "POST", path },
    probe: { method: "GET", path },
    secrets: [TOKEN],
    argocd,
    close: () => argocd.close(),
  };
}
