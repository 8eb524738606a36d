// The prediction that a decision is made with: what an action puts at stake, in numbers and names that are recorded.

import type { CalibrationView } from "../../wire/types/model-views.ts";
import { NEIGHBOURS_MAX, PAST_MAX, ZONES_MAX, type Prediction } from "../../wire/types/prediction.ts";
import type { ImpactFacts } from "../events.ts";
import type { Graph } from "../graph.ts";
import { climbFrom, getTarget, impactAlong } from "./blast-radius.ts";
import type { Climb } from "./climb.ts";
import { inMillionths } from "./interval.ts";
import type { Present } from "./present.ts";

/** Everything that asks its target fails: what is not known of a kind of action is taken to be the worst. */
const ALL = 1;

/** Throws `model-node-not-found`. */
export function predictAction(
  present: Present,
  { target, kind, measurableAfterMs }: { target: string; kind: string; measurableAfterMs: number },
): Prediction {
  const { graph, moment } = present;
  const node = getTarget(present, target);
  const climb = climbFrom(present, node);
  const impact = impactAlong(present, climb, { target: node, failing: ALL });
  const { trafficShare, entries, services, unknown, isStale, staleS } = impact;
  const exposure = inMillionths(trafficShare);
  const calibration = graph.calibrationOf(kind);
  const zone = present.zones().get(node) ?? null;
  const crosses = zonesOf(present, climb).filter((one) => one !== zone);
  return {
    code: staleS === null ? "unmeasured" : "",
    target,
    modelVersion: moment.seqEnd,
    staleS,
    isStale,
    share: calibration.state(exposure),
    exposure,
    calibration: calibratedBy(calibration.view(kind)),
    past: pastOf(graph, node),
    measurableAfterMs,
    entries: entries.length,
    services: services.length,
    unknown: unknown.length,
    neighbourhood: neighboursOf(present, node),
    zone,
    crosses: crosses.slice(0, ZONES_MAX),
    crossed: crosses.length,
  };
}

function calibratedBy({ recent, within }: CalibrationView): Prediction["calibration"] {
  return { outcomes: recent, within };
}

/** What the newest changes to the target did, the least first. */
function pastOf({ impacts }: Graph, node: number): readonly number[] {
  const past: number[] = [];
  for (let i = impacts.length - 1; i >= 0 && past.length < PAST_MAX; i--) {
    const { target, actual, outcome } = impacts[i] as ImpactFacts;
    if (target === node && actual !== null && outcome !== "concurrent") past.push(actual.mid);
  }
  return past.toSorted((a, b) => a - b);
}

/** The target first, and the others in order of their names, so that the same graph gives the same list. */
function neighboursOf({ graph, uses }: Present, node: number): readonly string[] {
  const near = new Set([...uses.usersOf(node), ...uses.neededBy(node)]);
  near.delete(node);
  const names = [...near].map((one) => graph.names.textOf(one)).toSorted((a, b) => (a < b ? -1 : 1));
  return [graph.names.textOf(node), ...names.slice(0, NEIGHBOURS_MAX - 1)];
}

/** Of the target, whatever rests on it and everybody above who suffers. */
function zonesOf(present: Present, climb: Climb): readonly string[] {
  const suffering = [...present.zones()].filter(([node]) => climb.isReached(node));
  return [...new Set(suffering.map(([, zone]) => zone))].toSorted((a, b) => (a < b ? -1 : 1));
}
