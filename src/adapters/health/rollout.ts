// A check of a rollout: well when every pod is of the newest template and available.

import type { HealthAnswer } from "../../wire/contracts/health.ts";
import type { RolloutReader } from "../../wire/contracts/rollouts.ts";
import type { RolloutCheck } from "../../wire/types/health.ts";
import { unknown } from "./asking.ts";

/**
 * One that is still on its way is not known to be well, nor is one that is to have no pods; one whose controller has given
 * up has failed.
 */
export async function askRollout(
  { cluster, namespace, workload }: RolloutCheck,
  clusters: ReadonlyMap<string, RolloutReader>,
  signal: AbortSignal,
): Promise<HealthAnswer> {
  const reader = clusters.get(cluster);
  if (reader === undefined) return unknown("cluster-unknown");
  const rollout = await reader.read(workload, namespace, signal);
  if (typeof rollout === "string") return unknown(rollout);
  const { isObserved, isStuck, wanted, updated, available, old } = rollout;
  const evidence = { observed: isObserved, wanted, updated, available, old };
  if (isStuck) return { result: "fail", evidence: { code: "progress-deadline-exceeded", ...evidence } };
  if (wanted === 0) return { result: "unknown", evidence: { code: "no-pods-wanted", ...evidence } };
  const isDone = isObserved && updated >= wanted && available >= wanted && old === 0;
  return isDone ? { result: "pass", evidence } : { result: "unknown", evidence: { code: "in-progress", ...evidence } };
}
