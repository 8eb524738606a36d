// Reads a case of rollouts that ran at once: steps of several services, and metrics per pod and edge.

import type { CandidateChange, CauseQuestion, InstanceSeries } from "../causes/input.ts";
import { emptyQuestion } from "../causes/input.ts";

export interface RolloutCase {
  detect_ts: number;
  edges: string[][];
  changes: { ts: number; service: string; release_pod?: string[]; delete_pod?: string[] }[];
  /** By `POD|CALLER|CALLEE`; the pod is an instance of one of the two. */
  pod_edge_metrics: Record<string, { t: number[] } & Record<string, (number | null)[]>>;
  /** By side, then by `CALLER_CALLEE`. */
  edge_success?: Record<string, { t: number[] } & Record<string, (number | null)[]>>;
}

const MEASURES: readonly [string, InstanceSeries["measure"]][] = [
  ["SuccessRate", "success"],
  ["Latency", "latency"],
  ["CPUUsageRate(%)", "cpu"],
  ["MemoryUsageRate(%)", "memory"],
];

export function readRolloutCase(given: RolloutCase): CauseQuestion {
  const changes = given.changes.map((change, index): CandidateChange => ({
    id: `${change.service}#${index}`,
    kind: "rollout",
    atMs: change.ts * 1000,
    deployed: true,
    targets: [change.service],
    settings: [],
    title: "",
    removed: [],
    added: [],
    files: [],
    newInstances: change.release_pod ?? [],
    oldInstances: change.delete_pod ?? [],
  }));
  const edges = given.edges.map(([caller = "", callee = ""]) => [caller, callee] as const);
  return {
    ...emptyQuestion("service"),
    symptom: { node: "", measure: "", text: "", atMs: given.detect_ts * 1000 },
    edges,
    changes,
    instances: [...readPodEdges(given), ...readEdgeSuccess(given, edges)],
  };
}

function readPodEdges({ pod_edge_metrics: metrics }: RolloutCase): InstanceSeries[] {
  return Object.entries(metrics).flatMap(([key, columns]) => {
    const [instance = "", caller = "", callee = ""] = key.split("|");
    const service = instance.startsWith(`${callee}-`) ? callee : caller;
    const atMs = columns.t.map((t) => t * 1000);
    return MEASURES.flatMap(([name, measure]): InstanceSeries[] => {
      const values = columns[name];
      if (!values || (measure !== "success" && service !== callee)) return [];
      return [{ service, instance, edge: [caller, callee], measure, atMs, values }];
    });
  });
}

function readEdgeSuccess({ edge_success: sides }: RolloutCase, edges: CauseQuestion["edges"]): InstanceSeries[] {
  return Object.values(sides ?? {}).flatMap((columns) =>
    edges.flatMap(([caller, callee]): InstanceSeries[] => {
      const values = columns[`${caller}_${callee}`];
      const atMs = columns.t.map((t) => t * 1000);
      return values
        ? [{ service: callee, instance: "", edge: [caller, callee], measure: "success", atMs, values }]
        : [];
    }),
  );
}
