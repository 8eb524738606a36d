// How far the rollout of a workload is, as its controller says it.

import type { RolloutReader, Rollout } from "../../wire/contracts/rollouts.ts";
import type { KubernetesConfig } from "../../wire/schemas/kubernetes-config.ts";
import { objectIn, openKubernetesApi, type ApiParts, type Heard } from "./kubernetes-api.ts";
import { numberOf, partOf, type KubernetesObject } from "./kubernetes-object.ts";
import { placeOf } from "./kubernetes-place.ts";

type Parts = Omit<ApiParts, "cluster"> & { readonly config: KubernetesConfig | undefined };

/** One for each configured cluster, by its name. Throws `config-invalid` for an address that may not leave this machine. */
export function createRolloutReaders({ config, ...ways }: Parts): ReadonlyMap<string, RolloutReader> {
  const readers = (config?.clusters ?? []).map((cluster): [string, RolloutReader] => {
    const api = openKubernetesApi({ cluster, ...ways });
    const read: RolloutReader["read"] = async (workload, namespace, signal) => {
      const heard = await api.read(placeOf(workload, namespace), signal);
      const object = objectIn(heard);
      return object === undefined ? codeOf(heard) : rolloutOf(object, workload);
    };
    return [cluster.name, { read }];
  });
  return new Map(readers);
}

function codeOf({ answer }: Heard): string {
  if (answer.kind === "no-access") return "credential-missing";
  if (answer.kind !== "answered") return answer.code;
  if (answer.status === 404) return "target-not-found";
  return answer.status === 401 || answer.status === 403 ? "credential-refused" : "target-error";
}

function rolloutOf(object: KubernetesObject, workload: string): Rollout {
  const status = (name: string): number => numberOf(object, "status", name) ?? 0;
  const isObserved = (numberOf(object, "metadata", "generation") ?? 0) <= status("observedGeneration");
  if (workload.startsWith("daemonset/")) {
    const [wanted, updated] = [status("desiredNumberScheduled"), status("updatedNumberScheduled")];
    const old = Math.max(0, status("currentNumberScheduled") - updated);
    return { isObserved, isStuck: false, wanted, updated, available: status("numberAvailable"), old };
  }
  const replicas = numberOf(object, "spec", "replicas") ?? 1;
  const updated = status("updatedReplicas");
  if (workload.startsWith("statefulset/")) {
    // A partition keeps the first so many on the earlier template, on purpose.
    const kept = Math.min(replicas, numberOf(object, "spec", "updateStrategy", "rollingUpdate", "partition") ?? 0);
    const old = Math.max(0, status("replicas") - updated - kept);
    return {
      isObserved,
      isStuck: false,
      wanted: replicas - kept,
      updated,
      available: status("readyReplicas") - kept,
      old,
    };
  }
  const old = Math.max(0, status("replicas") - updated);
  return {
    isObserved,
    isStuck: isStuck(object),
    wanted: replicas,
    updated,
    available: status("availableReplicas"),
    old,
  };
}

/** Only Deployments have a deadline for their progress. */
function isStuck(object: KubernetesObject): boolean {
  const conditions = partOf(object, "status", "conditions");
  return Array.isArray(conditions) && conditions.some((one) => partOf(one, "reason") === "ProgressDeadlineExceeded");
}
