// What can be asked of the runtime model. Instants are milliseconds since 1970.

import type { NodeKind } from "./model.ts";

export interface ModelTimes {
  readonly at: number;
  readonly knownAt: number;
}

/** A symptom: of which node, what, and when it was noticed (`at`). */
export interface ModelCausesRead extends ModelTimes {
  readonly what: "causes";
  readonly node: string;
  readonly measure: "errors" | "latency" | "traffic";
}

export type ModelRead =
  | ModelCausesRead
  | ({
      readonly what: "graph";
      readonly environment?: string | undefined;
      readonly kinds?: readonly NodeKind[] | undefined;
      /** Nodes at most so many edges from this one, in either direction. */
      readonly around?: { readonly id: string; readonly depth: number } | undefined;
      /** The number of the node to go on with. */
      readonly from: number;
      readonly limit: number;
    } & ModelTimes)
  | ({ readonly what: "impact"; readonly target: string; readonly failing: number } & ModelTimes)
  | ({
      readonly what: "action";
      readonly target: string;
      readonly kind: string;
      readonly measurableAfterMs: number;
    } & ModelTimes)
  | { readonly what: "calibration"; readonly kind: string | null }
  | ({ readonly what: "relations"; readonly environment: string; readonly services: readonly string[] } & ModelTimes)
  /** What was counted of a service before an action, which began its last step at `stepS`, and since; seconds since 1970. */
  | {
      readonly what: "state";
      readonly node: string;
      readonly beforeS: number;
      readonly stepS: number;
      readonly sinceS: number;
      readonly windowS: number;
    }
  /** What explains the errors of a node, or its latency where that alone rose, noticed at `at`, as it is recorded. */
  | ({ readonly what: "explanation"; readonly node: string } & ModelTimes)
  | ({ readonly what: "node"; readonly id: string } & ModelTimes)
  | {
      readonly what: "diff";
      readonly from: ModelTimes;
      readonly to: ModelTimes;
      readonly environment?: string | undefined;
    };
