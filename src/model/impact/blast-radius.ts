// Blast radius: what suffers when something fails, and how much of the traffic from outside, from measured propagation.
//
// Upwards from the target every user is taken with the part of its requests that need what fails and with how often that
// made it fail before. Where an entry's own requests were seen to fail with the target, that counts instead of the walk.
// What was never measured widens the bounds, and is named.

import { Climb } from "./climb.ts";
import { nodeText } from "../../wire/schemas/model.ts";
import type { ModelImpactView } from "../../wire/types/model-views.ts";
import { AppError } from "../../core/errors.ts";
import { either, measuredPart, NEVER, product, rounded, weighted, type Interval } from "./interval.ts";
import type { Entry, Present } from "./present.ts";

const AFFECTED_MAX = 20_000;
/** Failures of one entry with the target after which they say more than a walk does. */
const MEASURED_MIN = 20;
const LISTED_MAX = 200;
/** Telemetry older than this says how it was. */
const STALE_S = 15 * 60;

export interface ImpactQuery {
  readonly target: string;
  /** The part of the target's requests that fail. */
  readonly failing: number;
}

/** Throws `model-node-not-found` for a target that was never known. */
export function predictImpact(present: Present, { target, failing }: ImpactQuery): Impact {
  const node = getTarget(present, target);
  return impactAlong(present, climbFrom(present, node), { target: node, failing });
}

/** The number of a node. Throws `model-node-not-found`. */
export function getTarget({ graph }: Present, target: string): number {
  const node = graph.names.findNode(target);
  if (node === undefined) throw new AppError("model-node-not-found", "the model has never known it");
  return node;
}

/** What suffers when a node fails, and whatever rests on it with it. */
export function climbFrom(present: Present, target: number): Climb {
  return new Climb(present, seedsOf(present, target), AFFECTED_MAX);
}

export type Impact = Omit<ModelImpactView, MomentMembers>;

/** Of a climb from the target. */
export function impactAlong(
  present: Present,
  climb: Climb,
  { target: node, failing }: { target: number; failing: number },
): Impact {
  const { names } = present.graph;
  const { seeds } = climb;
  const observedUntil = present.graph.observedUntilAt(present.moment.seqEnd);
  const isStale = isStaleAt(present);
  const scale: Interval = { low: failing, mid: failing, high: failing };
  const entries = entriesOf(present, { seeds, climb, isStale, scale });
  const environment = names.refOf(node).environment;
  const affected = climb.worst((one) => present.isService(one), LISTED_MAX);
  const services = affected.nodes.map((one) => ({
    id: names.textOf(one),
    part: rounded(product(climb.impactOf(one), scale)),
    path: climb.pathOf(one).map((on) => names.textOf(on)),
  }));
  return {
    target: nodeText(names.refOf(node)),
    failing,
    trafficShare: rounded(
      trafficShare(entries, environment === null ? total(present) : present.enteredIn.get(environment)),
    ),
    entries: entries.map(({ weight: _weight, ...entry }) => entry).slice(0, LISTED_MAX),
    services,
    unknown: unknownOf(present, climb),
    isStale,
    staleS: observedUntil === 0 ? null : Math.max(0, present.moment.at - observedUntil),
    truncated: affected.all > LISTED_MAX || entries.length > LISTED_MAX,
  };
}

/** True when the newest telemetry says how it was, and not how it is. */
export function isStaleAt({ graph, moment }: Present): boolean {
  return moment.at - graph.observedUntilAt(moment.seqEnd) > STALE_S;
}

type MomentMembers = "at" | "knownAt" | "modelVersion" | "observedUntil";

/** The target, and whatever rests on it. */
export function seedsOf(present: Present, target: number): ReadonlySet<number> {
  const seeds = new Set([target]);
  for (const node of seeds) {
    for (const one of present.resting.get(node) ?? []) {
      // Operations rest on their service only in name.
      if (seeds.size < AFFECTED_MAX && present.graph.names.refOf(one).kind !== "operation") seeds.add(one);
    }
  }
  return seeds;
}

type Walked = {
  readonly seeds: ReadonlySet<number>;
  readonly climb: Climb;
  readonly isStale: boolean;
  readonly scale: Interval;
};

/** Entries from which requests get to the target, the most affected first. */
function entriesOf(present: Present, walked: Walked) {
  const byOperation = new Map<number, { part: Interval; reaching: number }>();
  for (const seed of walked.seeds) {
    for (const entry of present.entries.get(seed) ?? []) {
      const before = byOperation.get(entry.operation) ?? { part: NEVER, reaching: 0 };
      const part = affectedPart(present, entry, { ...walked, seed });
      const reaching = Math.max(before.reaching, entry.part);
      byOperation.set(entry.operation, { part: worst(before.part, part), reaching });
    }
  }
  const { names } = present.graph;
  return [...byOperation]
    .map(([operation, { part, reaching }]) => ({
      id: names.textOf(operation),
      reaching,
      part: rounded(product(part, walked.scale)),
      weight: present.entered.get(operation) ?? 0,
    }))
    .toSorted((a, b) => b.part.mid * b.weight - a.part.mid * a.weight);
}

/** Of parts of the same requests: at least the larger, at most both. */
function worst(a: Interval, b: Interval): Interval {
  const joined = either(a, b);
  return { low: Math.max(a.low, b.low), mid: Math.max(a.mid, b.mid), high: joined.high };
}

function affectedPart(present: Present, entry: Entry, { seed, climb, isStale }: Walked & { seed: number }): Interval {
  const part = { low: entry.part, mid: entry.part, high: entry.part };
  const conditional = conditionalOf(present, entry, { seed, climb });
  return product(part, isStale ? { ...conditional, high: 1 } : conditional);
}

function conditionalOf(present: Present, entry: Entry, { seed, climb }: { seed: number; climb: Climb }): Interval {
  const walked = climb.conditionalOf(serviceOf(present, entry.operation));
  // Nobody above waits for who takes its work from a queue; of another there is a way that is not seen.
  const expected = walked ?? (present.fromQueues.has(seed) ? NEVER : { low: 0, mid: 0, high: 1 });
  if (entry.failures < MEASURED_MIN) return expected;
  return measuredPart(entry.spread, entry.failures, expected.mid);
}

/** The service of an operation, by its name; a number that is nobody's where it is unknown. */
function serviceOf(present: Present, operation: number): number {
  const { environment, name } = present.graph.names.refOf(operation);
  const service = nodeText({ kind: "service", environment, name: name.split(" ", 1)[0] ?? "" });
  return present.graph.names.findNode(service) ?? -1;
}

type Affected = { readonly part: Interval; readonly weight: number };

function trafficShare(entries: readonly Affected[], entered: number | undefined): Interval {
  if (entered === undefined || entered <= 0) return { low: 0, mid: 0, high: 1 };
  return weighted(entries.map(({ part, weight }) => ({ part, weight: weight / entered })));
}

function total(present: Present): number {
  return [...present.enteredIn.values()].reduce((sum, one) => sum + one, 0);
}

/** Uses on the way that are declared and were never seen: nothing is known of how they fail. */
function unknownOf(present: Present, climb: Climb): readonly string[] {
  const { names } = present.graph;
  const unknown: string[] = [];
  for (const { user, needed } of present.declaredOnly) {
    if (!climb.isReached(needed)) continue;
    unknown.push(`${names.textOf(user)} uses ${names.textOf(needed)}`);
    if (unknown.length >= LISTED_MAX) break;
  }
  return unknown;
}
