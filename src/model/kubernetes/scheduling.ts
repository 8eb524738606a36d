// Mismatches of scheduling: what a pod asks of a node or a volume, against the nodes and volumes that are there.

import type { ClusterNode, ClusterState, Pod, Volume, VolumeClaim, Workload } from "./cluster.ts";
import { isSelected } from "./cluster.ts";
import type { Mismatch } from "./mismatch.ts";
import { appOf } from "./mismatch.ts";

interface Complaint {
  nodes: number;
  about: string;
}

/** `0/4 nodes are available: 1 node(s) were unschedulable, 3 Insufficient cpu.` as counts by complaint. */
function parseComplaints(message: string): Complaint[] {
  const list = /nodes are available: (.*?)(?:\. preemption|\.$|\. no new claims|$)/.exec(message)?.[1] ?? "";
  return [...list.matchAll(/(?:^|, )(\d+) ((?:[^,{]|\{[^}]*\})+)/g)].map((match) => ({
    nodes: Number(match[1]),
    about: match[2] ?? "",
  }));
}

const SIMPLE: readonly [RegExp, string][] = [
  [/Insufficient cpu/, "cpu_capacity_mismatch"],
  [/Insufficient memory/, "memory_capacity_mismatch"],
  [/untolerated taint/, "taint_toleration_mismatch"],
  [/anti-affinity/, "pod_anti_affinity_conflict"],
];

const isPending = (pod: Pod): boolean => !pod.ready && (pod.node === "" || pod.node === "<none>");

/** Pods that no node takes, by what most nodes complain of; nodes that take no pods at all complain of nothing. */
export function findUnscheduled(state: ClusterState): Mismatch[] {
  return state.pods.flatMap((pod): Mismatch[] => {
    const event = pod.events.findLast(({ reason }) => reason === "FailedScheduling");
    if (!isPending(pod) || !event) return [];
    const cause = findSchedulingCause(state, pod, event.message);
    if (!cause) return [];
    return [{ class: "Scheduling_Fault", cause, object: appOf(pod.workload), weight: 1, evidence: event.message }];
  });
}

function findSchedulingCause(state: ClusterState, pod: Pod, message: string): string | undefined {
  if (/unbound immediate PersistentVolumeClaims/.test(message)) return undefined;
  const complaints = parseComplaints(message).filter(
    ({ about }) => !/taint \{node\.kubernetes\.io\/(unreachable|not-ready)/.test(about),
  );
  const workload = state.workloads.find(({ name }) => name === pod.workload);
  const unmatched = complaints.find(
    ({ about }) => /node affinity|node selector|affinity\/selector/.test(about) && !/anti-affinity/.test(about),
  );
  if (workload && unmatched) {
    // The pod's own rules leave it some nodes: what keeps it from those is the cause, not the rules.
    const fitting = state.nodes.filter((node) => !node.controlPlane && isFitting(node, workload));
    if (fitting.some(({ ready }) => !ready)) return undefined;
    if (fitting.length > 0) return findSimpleCause(complaints.filter((one) => one !== unmatched));
    return Object.keys(workload.nodeSelector).length > 0 ? "node_selector_mismatch" : "node_affinity_mismatch";
  }
  return findSimpleCause(complaints);
}

/** The complaint of most nodes; that a node takes no pods at all counts only where nothing else is said. */
function findSimpleCause(complaints: readonly Complaint[]): string | undefined {
  const worst = complaints.filter(({ about }) => !/unschedulable/.test(about)).toSorted((a, b) => b.nodes - a.nodes)[0];
  if (!worst) return complaints.length > 0 ? "node_cordon_mismatch" : undefined;
  return SIMPLE.find(([pattern]) => pattern.test(worst.about))?.[1];
}

function isFitting(node: ClusterNode, workload: Workload): boolean {
  const selected = Object.keys(workload.nodeSelector).length === 0 || isSelected(node.labels, workload.nodeSelector);
  return selected && workload.affinityLabels.every((rule) => isAllowed(node, rule));
}

function isAllowed(node: ClusterNode, { key, operator, values }: Workload["affinityLabels"][number]): boolean {
  const value = node.labels[key];
  if (operator === "In") return value !== undefined && values.includes(value);
  if (operator === "NotIn") return value === undefined || !values.includes(value);
  if (operator === "Exists") return value !== undefined;
  if (operator === "DoesNotExist") return value === undefined;
  return false;
}

/** Claims that no volume satisfies, by the first property in which the nearest volume differs. */
export function findUnbound(state: ClusterState): Mismatch[] {
  return state.workloads.flatMap((workload) =>
    workload.claims.flatMap((name): Mismatch[] => {
      const observed = state.claims.find((claim) => claim.name === name);
      if (observed?.bound || (!observed && state.claims.length + state.volumes.length === 0)) return [];
      if (!observed) return [];
      const declared = state.declaredClaims.find((claim) => claim.name === name) ?? observed;
      const cause = findClaimCause(state, {
        ...declared,
        storageClass: observed.storageClass || declared.storageClass,
      });
      return [
        {
          class: "Scheduling_Fault",
          cause,
          object: appOf(workload.name),
          weight: 0.95,
          evidence: `claim ${name} is not bound: ${describeClaim(declared)}`,
        },
      ];
    }),
  );
}

function findClaimCause(state: ClusterState, claim: VolumeClaim): string {
  const volumes = state.volumes;
  const free = volumes.filter(({ status }) => status === "Available");
  const taken = volumes.filter((volume) => volume.status === "Bound" && volume.claim !== claim.name);
  if (claim.volumeName !== "") {
    const named = volumes.find(({ name }) => name === claim.volumeName);
    if (named && named.status !== "Available" && named.claim !== claim.name) return "pv_binding_occupied";
  }
  // The nearest free volume is the one that differs in the fewest properties.
  const nearest = free.map((volume) => differences(claim, volume)).toSorted((a, b) => a.length - b.length)[0];
  if (nearest === undefined) return taken.length > 0 ? "pv_binding_occupied" : "pvc_storage_class_mismatch";
  if (nearest.length === 0) return claim.selector ? "pvc_selector_mismatch" : "pvc_capacity_mismatch";
  return nearest[0] ?? "pvc_capacity_mismatch";
}

function differences(claim: VolumeClaim, volume: Volume): string[] {
  const found: string[] = [];
  if (claim.storageClass !== volume.storageClass) found.push("pvc_storage_class_mismatch");
  if (claim.accessModes.some((mode) => !volume.accessModes.includes(mode))) found.push("pvc_access_mode_mismatch");
  if (claim.bytes > volume.bytes) found.push("pvc_capacity_mismatch");
  if (claim.selector && found.length === 0) found.push("pvc_selector_mismatch");
  return found;
}

const describeClaim = ({ bytes, accessModes, storageClass }: VolumeClaim): string =>
  `${bytes} bytes, ${accessModes.join(" ") || "any access"}, class ${storageClass || "none"}`;
