// A mismatch: where what is declared and what is observed in a cluster differ, and what that difference means.

import type { ClusterState, Pod, Workload } from "./cluster.ts";

/** The stage of a pod's life, or the part of the cluster, in which the mismatch shows. */
export type MismatchClass =
  | "Admission_Fault"
  | "Infrastructure_Fault"
  | "Performance_Fault"
  | "Runtime_Fault"
  | "Scheduling_Fault"
  | "Service_Routing_Fault"
  | "Startup_Fault";

export interface Mismatch {
  class: MismatchClass;
  /** Named by what is wrong: `missing_service_account`, `taint_toleration_mismatch`. */
  cause: string;
  /** `app/NAME`, `node/NAME` or `namespace/NAME`. */
  object: string;
  /** How sure the rule is, 0 to 1: 1 where two recorded facts contradict each other, less where one is inferred. */
  weight: number;
  evidence: string;
}

export type MismatchRule = (state: ClusterState) => Mismatch[];

export function podsOf(state: ClusterState, workload: Workload): Pod[] {
  return state.pods.filter((pod) => pod.workload === workload.name);
}

export const appOf = (workload: string): string => `app/${workload}`;
