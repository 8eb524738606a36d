// Causes that nobody made by changing something: more traffic than usual, a mismatch in the cluster, somebody else's
// service, or a node of one's own that moved and nothing says why.

import { doublingsOf } from "../../core/doublings.ts";
import { movesAlong, SLACK_MS, wayUp, type Incident } from "./incident.ts";
import type { CauseQuestion, Measure, OtherCause, RankedCause, Series, Timeline } from "./input.ts";
import { rankNodes } from "./rank-nodes.ts";
import { medianOf, quantileOf, sortedOf } from "./statistics.ts";
import { findOnset, kindOf, valuesIn } from "./timelines.ts";

/** What two recorded facts contradict each other in is surer than load, and load than a node that merely moved. */
const MISMATCH_MAX = 0.95;
const TRAFFIC_MIN = 0.7;
const TRAFFIC_MAX = 0.9;
const MOVED_MAX = 0.65;
/** Doublings of its usual range that a node moves at least, to be told of. */
const MOVED_MIN = 1;
const MOVED_LISTED = 3;
/** … and beside the one that moved most at least so much: the rest follows from it. */
const MOVED_BESIDE = 0.5;
/** A mismatch that a rule is half sure of is no cause. */
const MISMATCH_SURE = 0.6;

/** Surest first. `named` are nodes that changes that explain it already go through. */
export function findOtherCauses(incident: Incident, named: ReadonlySet<string>): OtherCause[] {
  const all = [...findTraffic(incident, named), ...findContradictions(incident), ...findMoved(incident, named)];
  return all.toSorted((a, b) => b.score - a.score || (a.cause < b.cause ? -1 : 1));
}

/** The node furthest up that is asked more than it ever usually is, from before the symptom on. */
function findTraffic(incident: Incident, named: ReadonlySet<string>): OtherCause[] {
  const { timelines, neighbours } = incident;
  const busy = new Map<string, number>();
  for (const node of new Set([...askers(incident), ...incident.reach])) {
    const timeline = timelines.find(node, "traffic");
    const times = timeline === undefined ? 1 : surgeOf(incident, timeline);
    if (times > 1) busy.set(node, times);
  }
  // Who is asked more because somebody above is, or asks again, is no beginning.
  const isCalledByBusy = (node: string): boolean =>
    neighbours.callersOf(node).some((caller) => caller !== node && busy.has(caller));
  return [...busy].flatMap(([node, times]): OtherCause[] => {
    if (isCalledByBusy(node)) return [];
    const sure = Math.min(TRAFFIC_MAX, TRAFFIC_MIN + doublingsOf(times) / 10);
    // What bends under a load that it carried before was changed: the change comes first.
    const score = named.size > 0 ? sure / 2 : sure;
    const evidence = [`${node} is asked ${times.toFixed(1)} times as often as it usually is at most`];
    return [{ kind: "traffic", cause: node, score, chain: wayDown(incident, node), evidence }];
  });
}

/** Times the most that is usual; 1 where it did not rise, or only after the symptom. */
function surgeOf({ question, onsetMs, spanMs }: Incident, timeline: Timeline): number {
  const at = question.symptom?.atMs ?? 0;
  const fromMs = at - spanMs;
  const onset = findOnset(timeline, { fromMs, toMs: at + SLACK_MS });
  if (onset === null || onset > onsetMs + SLACK_MS) return 1;
  const usual = quantileOf(sortedOf(valuesIn(timeline, { fromMs: Number.NEGATIVE_INFINITY, toMs: fromMs })), 0.99);
  const now = medianOf(valuesIn(timeline, { fromMs: onset, toMs: at + SLACK_MS }));
  return usual > 0 && now > usual ? now / usual : 1;
}

/** The symptom and whoever asks it, and on from those. */
function askers({ question: { symptom }, neighbours }: Incident): Set<string> {
  const reached = new Set(symptom === null ? [] : [symptom.node]);
  for (const node of reached) for (const caller of neighbours.callersOf(node)) reached.add(caller);
  return reached;
}

/** From who is asked to the symptom, the way that requests go; it may lie on either side. */
function wayDown({ question, neighbours }: Incident, from: string): string[] {
  const target = question.symptom?.node ?? from;
  const before = new Map<string, string | null>([[from, null]]);
  for (const node of before.keys()) {
    for (const callee of neighbours.calleesOf(node)) if (!before.has(callee)) before.set(callee, node);
  }
  const way: string[] = [];
  for (let node: string | null = before.has(target) ? target : from; node !== null; node = before.get(node) ?? null) {
    way.unshift(node);
  }
  return way;
}

/** What the cluster is declared to be and is not, of nodes that the symptom reaches. */
function findContradictions(incident: Incident): OtherCause[] {
  const { question, reach, movedMs } = incident;
  const measured = new Set(incident.timelines.nodes);
  return question.mismatches.flatMap(({ node, object, cause, weight, evidence }): OtherCause[] => {
    const isFelt = movedMs.has(node) || node === question.symptom?.node;
    // What was never measured cannot have been seen to stand still: it may be it, and comes after all that moved.
    const isUnmeasured = !measured.has(node);
    if (weight < MISMATCH_SURE || !reach.has(node) || !(isFelt || isUnmeasured)) return [];
    const sure = weight * MISMATCH_MAX;
    const way = wayUp(incident, node);
    return [
      {
        kind: "infrastructure",
        cause: `${object} ${cause}`,
        score: isFelt ? sure : sure / 2,
        chain: [object, ...way],
        evidence: [evidence, ...(isFelt ? [] : [`nothing was measured of ${node}`]), ...movesAlong(incident, way)],
      },
    ];
  });
}

const MEASURED: Readonly<Record<string, Measure>> = { errors: "errors", latency: "latency" };

/** Nodes that moved and that nothing below them explains. */
function findMoved(incident: Incident, named: ReadonlySet<string>): OtherCause[] {
  const { question, reach, onsetMs, spanMs } = incident;
  const at = question.symptom?.atMs ?? 0;
  const fromMs = at - spanMs;
  const series = question.timelines.flatMap((timeline): Series[] => {
    const measure = MEASURED[kindOf(timeline.name)];
    if (measure === undefined || !reach.has(timeline.node)) return [];
    const usual = valuesIn(timeline, { fromMs: Number.NEGATIVE_INFINITY, toMs: fromMs });
    const now = valuesIn(timeline, { fromMs: onsetMs, toMs: at + SLACK_MS });
    return usual.length === 0 ? [] : [{ node: timeline.node, measure, name: timeline.name, usual, now }];
  });
  const ranked = rankNodes({ ...question, want: "node", series, spans: null, patterns: [] });
  const least = Math.max(MOVED_MIN, (ranked[0]?.score ?? 0) * MOVED_BESIDE);
  return ranked
    .filter(({ cause, score }) => score >= least && !named.has(cause))
    .slice(0, MOVED_LISTED)
    .map((one): OtherCause => ({
      ...one,
      ...kindOfMoved(question, one),
      score: (MOVED_MAX * one.score) / (one.score + 2),
    }));
}

/** What says nothing itself, and nobody declares, is somebody else's: all that is known of it is how it answers. */
function kindOfMoved({ outsiders }: CauseQuestion, { cause }: RankedCause): Pick<OtherCause, "kind"> {
  return { kind: outsiders.has(cause) ? "outside" : "service" };
}
