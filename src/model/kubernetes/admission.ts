// Mismatches at admission: what the API server would not let a controller make.

import type { ClusterState, Quota } from "./cluster.ts";
import type { Mismatch } from "./mismatch.ts";
import { appOf } from "./mismatch.ts";

const QUOTA_CAUSES: readonly [RegExp, string][] = [
  [/^(requests\.|limits\.)?cpu$/, "namespace_cpu_quota_exceeded"],
  [/^(requests\.|limits\.)?memory$/, "namespace_memory_quota_exceeded"],
  [/^(count\/)?pods$/, "namespace_pod_quota_exceeded"],
  [/^(count\/)?services(\.|$)/, "namespace_service_quota_exceeded"],
  [/^(requests\.storage|(count\/)?persistentvolumeclaims)$/, "namespace_storage_quota_exceeded"],
];

const causeOfQuota = (resource: string): string | undefined =>
  QUOTA_CAUSES.find(([pattern]) => pattern.test(resource))?.[1];

/** Workloads that have fewer pods than they want, and no pod that explains why. */
function findUnmade(state: ClusterState): Set<string> {
  return new Set(
    state.workloads
      .filter(({ name, desired }) => state.pods.filter((pod) => pod.workload === name).length < desired)
      .map(({ name }) => name),
  );
}

/** Controllers that are refused: the message says by what. Older refusals of pods that are there now do not count. */
export function findRefused(state: ClusterState): Mismatch[] {
  const unmade = findUnmade(state);
  return state.failedCreates.flatMap(({ owner, message }): Mismatch[] => {
    if (!unmade.has(owner)) return [];
    const account = /service ?account "([^"]+)" not found/i.exec(message)?.[1];
    if (account !== undefined) {
      // Accounts are often made a moment after the workloads that use them: such a refusal is history.
      if (state.serviceAccounts.includes(account)) return [];
      return [
        {
          class: "Admission_Fault",
          cause: "missing_service_account",
          object: appOf(owner),
          weight: 1,
          evidence: message,
        },
      ];
    }
    const resource = /exceeded quota: [^,]+, requested: ([a-z./-]+)=/.exec(message)?.[1];
    const cause = resource && causeOfQuota(resource);
    if (!cause) return [];
    return [{ class: "Admission_Fault", cause, object: `namespace/${state.namespace}`, weight: 1, evidence: message }];
  });
}

/** A declared service account that is not there, of a workload without pods. */
export function findMissingAccounts(state: ClusterState): Mismatch[] {
  const unmade = findUnmade(state);
  if (state.serviceAccounts.length === 0) return [];
  return state.workloads
    .filter(
      ({ name, serviceAccount }) =>
        unmade.has(name) && serviceAccount !== "" && !state.serviceAccounts.includes(serviceAccount),
    )
    .map(({ name, serviceAccount }) => ({
      class: "Admission_Fault",
      cause: "missing_service_account",
      object: appOf(name),
      weight: 0.95,
      evidence: `declares service account ${serviceAccount}, which is not there`,
    }));
}

/** Declared objects that are missing while a quota leaves no room for them. */
export function findOverQuota(state: ClusterState): Mismatch[] {
  const missing = findMissingObjects(state);
  return state.quotas.flatMap((quota): Mismatch[] => {
    const cause = causeOfQuota(quota.resource);
    const demand = cause ? missing[cause] : undefined;
    if (!cause || demand === undefined || !exceeds(quota, demand)) return [];
    return [
      {
        class: "Admission_Fault",
        cause,
        object: `namespace/${state.namespace}`,
        weight: 0.95,
        evidence: `${quota.resource} ${quota.used} of ${quota.hard} is used, and ${demand} more is declared`,
      },
    ];
  });
}

const exceeds = (quota: Quota, demand: number): boolean => quota.used + demand > quota.hard;

/** How much of each quota the declared objects that are not there would need. */
function findMissingObjects(state: ClusterState): Record<string, number> {
  const there = new Set(state.services.map(({ name }) => name));
  const called = new Set(state.edges.map(([, callee]) => callee));
  const services = new Set(state.declaredServices.map(({ name }) => name).filter((name) => !there.has(name)));
  for (const name of called) if (!there.has(name)) services.add(name);
  const claims = new Set(state.claims.map(({ name }) => name));
  const wanted = state.workloads.flatMap((workload) => workload.claims).filter((name) => !claims.has(name));
  const bytes = state.declaredClaims
    .filter(({ name }) => wanted.includes(name))
    .reduce((sum, claim) => sum + claim.bytes, 0);
  const unmade = findUnmade(state);
  const missing: Record<string, number> = {};
  if (services.size > 0) missing["namespace_service_quota_exceeded"] = services.size;
  if (wanted.length > 0) missing["namespace_storage_quota_exceeded"] = Math.max(bytes, 1);
  if (unmade.size > 0) missing["namespace_pod_quota_exceeded"] = 1;
  return missing;
}
