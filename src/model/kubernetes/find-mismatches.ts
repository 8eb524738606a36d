// All rules of mismatches, and what of their findings is left when one explains another.

import { findMissingAccounts, findOverQuota, findRefused } from "./admission.ts";
import type { ClusterState } from "./cluster.ts";
import { findDeadUnits, findDegraded, findSilentUnits } from "./infrastructure.ts";
import type { Mismatch, MismatchRule } from "./mismatch.ts";
import { findDatabaseRefusals, findFailingProbes, findKilled, findScaledToZero, findTakenPorts } from "./runtime.ts";
import { findLostAddresses, findLostNames, findLostPorts, findLostSelectors } from "./routing.ts";
import { findUnbound, findUnscheduled } from "./scheduling.ts";
import { findDeniedVolumes, findMissingSecrets, findUnpulled } from "./startup.ts";

const RULES: readonly MismatchRule[] = [
  findRefused,
  findMissingAccounts,
  findOverQuota,
  findDeadUnits,
  findSilentUnits,
  findDegraded,
  findUnpulled,
  findMissingSecrets,
  findDeniedVolumes,
  findUnscheduled,
  findUnbound,
  findLostSelectors,
  findLostPorts,
  findLostAddresses,
  findLostNames,
  findKilled,
  findScaledToZero,
  findFailingProbes,
  findDatabaseRefusals,
  findTakenPorts,
];

/** The mismatches of a cluster, each object and cause once with its best evidence, surest first. */
export function findMismatches(state: ClusterState): Mismatch[] {
  const best = new Map<string, Mismatch>();
  for (const found of RULES.flatMap((rule) => rule(state))) {
    const key = `${found.cause} ${found.object}`;
    const known = best.get(key);
    if (!known || known.weight < found.weight) best.set(key, found);
  }
  return [...best.values()].toSorted((a, b) => b.weight - a.weight || (a.object < b.object ? -1 : 1));
}
