// Changes to Kubernetes clusters: eight kinds, each planned as a dry run and written only onto what was planned for.

import { AppError } from "../../core/errors.ts";
import type { Clock } from "../../core/clock.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { Egress } from "../../wire/contracts/egress.ts";
import type { ExecuteRequest, Executor, Reach } from "../../wire/contracts/executor.ts";
import type { PinImage } from "../../wire/contracts/images.ts";
import type { KubernetesConfig, KubernetesConnection } from "../../wire/schemas/kubernetes-config.ts";
import { openKubernetesApi, type KubernetesApi } from "./kubernetes-api.ts";
import { BOUNDS, CORDON, DELETE_POD, PATCH_CONFIG_MAP, UNCORDON } from "./kubernetes-cluster-objects.ts";
import type { Operation } from "./kubernetes-operation.ts";
import { planChange } from "./kubernetes-plan.ts";
import { executeChange, isStillOf, readStep, reconcileChange, type Step } from "./kubernetes-step.ts";
import { UNDO } from "./kubernetes-undo.ts";
import { RESTART, SCALE, SET_IMAGE } from "./kubernetes-workloads.ts";
import { UnsettledWrites } from "./unsettled-writes.ts";

const OPERATIONS: readonly Operation[] = [
  RESTART,
  SCALE,
  BOUNDS,
  UNDO,
  CORDON,
  UNCORDON,
  PATCH_CONFIG_MAP,
  SET_IMAGE,
  DELETE_POD,
];

export interface KubernetesParts {
  readonly config: KubernetesConfig;
  readonly egress: Egress;
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** Keeps this log's actions apart from those of other installations at the same cluster. */
  readonly installation: string;
  readonly pinImage: PinImage;
  /** What kind of secret a text looks like, or null. */
  readonly findSecret: (text: string) => string | null;
}

type Cluster = { readonly api: KubernetesApi; readonly writes: UnsettledWrites };

/** Offers the nine kinds `kubernetes.…`. Throws `config-invalid` for an address that may not leave this machine. */
export function createKubernetesExecutor(parts: KubernetesParts): Executor {
  const { config, egress, credentials, clock } = parts;
  const operations = new Map(OPERATIONS.map((operation) => [operation.kind.kind, operation]));
  const clusters = new Map<string, Cluster>();
  for (const cluster of config.clusters) {
    const api = openKubernetesApi({ cluster, egress, credentials, clock });
    clusters.set(cluster.name, { api, writes: new UnsettledWrites({ clock, settleMs: cluster.settleMs }) });
  }
  const stepOf = (request: ExecuteRequest): Step | undefined => {
    const operation = operations.get(request.plan.kind);
    if (operation === undefined) return undefined;
    return readStep(operation, (name) => clusters.get(name), { request, naming: parts });
  };
  return {
    kinds: OPERATIONS.map(({ kind }) => kind),
    credentials: config.clusters.flatMap(({ connection }) => secretRefOf(connection)),
    probe: (signal) => Promise.all([...clusters.values()].map(({ api }) => probeCluster(api, signal))),
    plan: async (request, signal) => {
      const operation = operations.get(request.kind);
      const name = clusterIn(request.args);
      const cluster = clusters.get(name);
      if (operation === undefined) throw new AppError("action-kind-unknown", `no executor offers ${request.kind}`);
      operation.open(request.args); // arguments that are wrong are told before anything else
      if (cluster === undefined)
        throw new AppError("arguments-invalid", "there is no such cluster", { field: "cluster" });
      return planChange({ operation, api: cluster.api, planning: parts }, request, signal);
    },
    execute: async (request, signal) => {
      const step = stepOf(request);
      if (step === undefined || !isStillOf(step)) return { status: "failed", code: "plan-invalid", detail: null };
      return executeChange(step, signal);
    },
    reconcile: async (request, signal) => {
      const step = stepOf(request);
      if (step === undefined) return { status: "unclear", detail: { code: "plan-invalid" } };
      return reconcileChange(step, signal);
    },
  };
}

function secretRefOf(connection: KubernetesConnection): readonly string[] {
  switch (connection.kind) {
    case "kubeconfig":
      return [connection.secretRef];
    case "token":
      return [connection.tokenRef];
    case "in-cluster":
      return [];
  }
}

async function probeCluster(api: KubernetesApi, signal: AbortSignal): Promise<Reach> {
  const target = `cluster ${api.cluster.name}`;
  const { answer } = await api.discover(signal);
  if (answer.kind === "no-access") return { target, status: "missing", code: "credential-missing" };
  if (answer.kind !== "answered") return { target, status: "away", code: answer.code };
  const { status } = answer;
  if (status === 200) return { target, status: "ready", code: "" };
  if (status === 401 || status === 403) return { target, status: "refused", code: "credential-refused" };
  return { target, status: "away", code: "target-error" };
}

function clusterIn(args: JsonObject): string {
  const { cluster } = args;
  return typeof cluster === "string" ? cluster : "";
}
