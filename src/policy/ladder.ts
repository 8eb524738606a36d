// The Ladder document: the five stages of the triage agent, each with the exact list of what it lets pass.

import { SEVERITIES, type Severity } from "../wire/types/classification.ts";
import { STAGES, type Stage, type StagePermit } from "../wire/types/stage.ts";
import { coversAction } from "./definitions.ts";
import { readAction } from "./read-action.ts";
import { readRouteUse, type RouteUse } from "./read-policy.ts";
import type { Field } from "./yaml-reader.ts";

const PERMITS_MAX = 16;
const ACTIONS_MAX = 64;
const AGENTS = ["system:triage"] as const;

export interface LadderStage {
  readonly stage: Stage;
  readonly permits: readonly StagePermit[];
}

/** Immutable. Of several permits any one is enough. */
export class Ladder {
  readonly agent: string;
  /** Where a draft waits whose policy names no route. */
  readonly route: string;
  readonly path: string;
  readonly line: number;
  /** All five, in order. */
  readonly stages: readonly LadderStage[];

  constructor(of: Pick<Ladder, "agent" | "route" | "path" | "line" | "stages">) {
    this.agent = of.agent;
    this.route = of.route;
    this.path = of.path;
    this.line = of.line;
    this.stages = of.stages;
  }

  /** Whether the stage lets the kind pass by itself. What has no severity passes only where any does. */
  permits(stage: Stage, { kind, severity }: { kind: string; severity: Severity | null }): boolean {
    const permits = this.stages.find((one) => one.stage === stage)?.permits ?? [];
    return permits.some(
      ({ actions, maxSeverity }) =>
        actions.some((action) => coversAction(action, kind)) && isUpTo(severity, maxSeverity),
    );
  }
}

function isUpTo(severity: Severity | null, max: Severity | null): boolean {
  if (max === null) return true;
  return severity !== null && SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(max);
}

/** The `spec` of a Ladder; the route it uses is added to `uses`. */
export function readLadder(spec: Field, uses: RouteUse[]): Ladder | undefined {
  const names = ["agent", "route", "stages"] as const;
  const fields = spec.fields(names, names);
  const agent = fields?.agent?.oneOf(AGENTS);
  const route = fields?.route && readRouteUse(fields.route, uses);
  const items = fields?.stages?.items(STAGES.length);
  if (agent === undefined || route === undefined || items === undefined) return undefined;
  if (items.length !== STAGES.length) return spec.fail(`\`stages\` must be ${STAGES.join(", ")}, in this order`);
  const stages: LadderStage[] = [];
  for (const [i, item] of items.entries()) {
    const stage = readStage(item, STAGES[i] as Stage);
    if (stage !== undefined) stages.push(stage);
  }
  if (stages.length < STAGES.length) return undefined;
  return new Ladder({ agent, route, path: spec.path, line: spec.line, stages });
}

function readStage(field: Field, expected: Stage): LadderStage | undefined {
  const fields = field.fields(["name", "permits"], ["name"]);
  const stage = fields?.name?.oneOf([expected]);
  if (stage === undefined) return undefined;
  if (stage === "shadow" || stage === "assist") {
    return fields?.permits === undefined ? { stage, permits: [] } : fields.permits.fail(`${stage} permits nothing`);
  }
  const permits = fields?.permits?.items(PERMITS_MAX)?.map(readPermit);
  if (fields?.permits === undefined) return field.fail("`permits` is missing");
  if (permits === undefined || permits.includes(undefined)) return undefined;
  return { stage, permits: permits as StagePermit[] };
}

function readPermit(field: Field): StagePermit | undefined {
  const fields = field.fields(["actions", "maxSeverity"], ["actions"]);
  const actions = fields?.actions?.items(ACTIONS_MAX)?.map(readAction);
  const maxSeverity = fields?.maxSeverity === undefined ? null : fields.maxSeverity.oneOf(SEVERITIES);
  if (actions === undefined || actions.includes(undefined) || maxSeverity === undefined) return undefined;
  return { actions: actions as string[], maxSeverity };
}
