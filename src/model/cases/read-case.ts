// Reads one case of any kind by what it holds, never by where it comes from.

import { AppError } from "../../core/errors.ts";
import type { CauseQuestion } from "../causes/input.ts";
import { emptyQuestion } from "../causes/input.ts";
import { readChangeCase, type ChangeCase } from "./read-change-case.ts";
import { readRolloutCase, type RolloutCase } from "./read-rollout-case.ts";
import { readStateCase, type StateCase } from "./read-state-case.ts";
import type {
  AlertedNode,
  BeforeAndDuring,
  NodeStatistics,
  PodReference,
  PodTelemetry,
} from "./read-telemetry-case.ts";
import { readBeforeAndDuring, readNodeStatistics, readPodTelemetry } from "./read-telemetry-case.ts";

/** A parsed case file. What its fields hold is checked where they are read. */
export interface CaseFile {
  readonly id: string;
  readonly kind: string;
  /** The file beside it that shows the same system without a fault. */
  readonly normal_ref?: string;
}

export type LoadReference = (name: string) => unknown;

/** Gives null for kinds that ask for no cause (narratives). Throws `request-invalid` for what has none of the known shapes. */
export function readCase(file: CaseFile, loadReference: LoadReference): CauseQuestion | null {
  const has = (name: string): boolean => Object.hasOwn(file, name);
  const given: unknown = file;
  if (file.kind === "narrative") return null;
  if (has("k8s")) return { ...emptyQuestion("mismatch"), cluster: readStateCase(given as StateCase) };
  if (has("pod_edge_metrics")) return readRolloutCase(given as RolloutCase);
  if (has("commits")) return readChangeCase(given as ChangeCase);
  if (has("normal") && has("anomalous")) return readBeforeAndDuring(given as BeforeAndDuring);
  if (has("abnormal") && file.normal_ref) {
    const { alert, abnormal } = given as { alert: AlertedNode; abnormal: NodeStatistics };
    const reference = loadReference(file.normal_ref) as { edges: [string, string][]; normal: NodeStatistics };
    return readNodeStatistics(alert, abnormal, reference);
  }
  if (has("detect_ts") && file.normal_ref)
    return readPodTelemetry(given as PodTelemetry, loadReference(file.normal_ref) as PodReference);
  throw new AppError("request-invalid", `case ${file.id} of kind ${file.kind} has none of the shapes that can be read`);
}
