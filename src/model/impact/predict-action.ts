// The prediction that a decision is made with: what an action puts at stake, in numbers and names that are recorded.

import type { CalibrationView } from "../../wire/types/model-views.ts";
import { NEIGHBOURS_MAX, PAST_MAX, ZONES_MAX, type Prediction } from "../../wire/types/prediction.ts";
import type { ImpactFacts } from "../events.ts";
import type { Graph, Moment } from "../graph.ts";
import { subjectOfEdge, subjectOfNode } from "../names.ts";
import { predictImpact, sufferingNodes } from "./blast-radius.ts";
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
  const { trafficShare, entries, services, unknown, isStale, staleS } = predictImpact(present, {
    target,
    failing: ALL,
  });
  const node = graph.names.findNode(target) ?? -1;
  const exposure = inMillionths(trafficShare);
  const calibration = graph.calibrationOf(kind);
  const zone = zoneOf(graph, node, moment);
  const crosses = zonesOf(present, node).filter((one) => one !== zone);
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
  const near = new Set<number>();
  for (const user of uses.usersOf(node)) near.add(user);
  for (const needed of uses.neededBy(node)) near.add(needed);
  near.delete(node);
  const names = [...near].map((one) => graph.names.textOf(one)).toSorted((a, b) => (a < b ? -1 : 1));
  return [graph.names.textOf(node), ...names.slice(0, NEIGHBOURS_MAX - 1)];
}

function zonesOf(present: Present, node: number): readonly string[] {
  const { graph, moment } = present;
  const zones = new Set<string>();
  for (const one of sufferingNodes(present, node)) {
    const zone = zoneOf(graph, one, moment);
    if (zone !== null) zones.add(zone);
  }
  return [...zones].toSorted((a, b) => (a < b ? -1 : 1));
}

/** By the attribute `zone`, or by membership in a trust zone; the declared word of the node itself counts first. */
function zoneOf(graph: Graph, node: number, moment: Moment): string | null {
  const declared = graph.holding(subjectOfNode(node), moment)?.declared;
  const said = declared == null ? undefined : graph.declarations[declared.declaration - 1]?.attributes["zone"];
  if (said !== undefined) return said;
  for (const edge of graph.names.out(node)) {
    if (graph.names.kindOf(edge) !== "member-of") continue;
    const to = graph.names.refOf(graph.names.toOf(edge));
    if (to.kind === "trust-zone" && graph.isThere(subjectOfEdge(edge), moment)) return to.name;
  }
  return null;
}
