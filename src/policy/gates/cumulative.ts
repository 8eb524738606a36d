// cumulative: what granted actions add up to in a window, over all agents and over every rule that counts alike.

import type { CounterReader, ImpactReading, PolicyFacts } from "../../wire/types/policy-facts.ts";
import { NEIGHBOURS_MAX, type Prediction } from "../../wire/types/prediction.ts";
import type { Reservation, ReservedImpact } from "../../wire/types/verdict.ts";
import type { Field } from "../yaml-reader.ts";
import {
  type BoundGate,
  countedText,
  type CountedBy,
  type GateOutcome,
  readCountedBy,
  readFailure,
  readUnknown,
} from "./gate.ts";
import { type End, ENDS, MILLION, shareAt, unbelievedOutcome, unknownOutcome } from "./predicted.ts";

/** So many entries are kept of one counter, each with its target: beyond, nothing could be told apart. */
const COUNT_MAX = 1_000;
const SIZE_MAX = 1_000_000_000;
/** A sum of parts may be more than the whole. */
const SHARE_MAX = 1_000;
const KEYS: readonly CountedBy[] = ["service", "neighbourhood", "environment", "kind", "all"];
const COUNTS = ["actions", "targets", "size", "share"] as const;
type Count = (typeof COUNTS)[number];

/** What an action adds to what is there already. */
const ADDS: { readonly [C in Count]: (own: ReservedImpact, now: ImpactReading) => number } = {
  actions: () => 1,
  targets: (_own, { isKnown }) => (isKnown ? 0 : 1),
  size: ({ size }) => size,
  share: ({ share }) => share ?? MILLION,
};

const FIELDS = ["max", "per", "by", "count", "at", "onUnknown", "onFail", "route"] as const;

/**
 * `{max, per, by, count, at?, onUnknown?, onFail?, route?}`; exact: what it lets through is reserved when the action is
 * granted. Counters are shared by all rules that count the same by the same keys in the same window, whatever their `max`.
 * `count: share` and `by: [neighbourhood]` read the recorded prediction; without one, `onUnknown` says what happens.
 */
export function readCumulative(params: Field): BoundGate | undefined {
  const fields = params.fields(FIELDS, ["max", "per", "by", "count"]);
  if (fields === undefined) return undefined;
  const count = fields.count?.oneOf(COUNTS);
  const max =
    count === "share" ? readShare(fields.max) : fields.max?.integer(0, count === "size" ? SIZE_MAX : COUNT_MAX);
  const windowMs = fields.per?.durationMs();
  const by = readBy(fields.by);
  const at = fields.at === undefined ? "upper" : fields.at.oneOf(ENDS);
  const failure = readFailure(fields);
  const onUnknown = readUnknown(fields, failure.onFail);
  if (count === undefined || max === undefined || windowMs === undefined || by === undefined) return undefined;
  if (at === undefined || onUnknown === undefined) return undefined;
  const isNear = by.includes("neighbourhood");
  if (count !== "share" && fields.at !== undefined) return fields.at.fail("is for `count: share`");
  if (count !== "share" && !isNear && fields.onUnknown !== undefined)
    return fields.onUnknown.fail("is for `count: share` and `by: [neighbourhood]`");
  const counted = count === "share" && at !== "upper" ? `share@${at}` : count;
  const label = `cumulative:${counted}:${by.join(",")}/${windowMs}`;
  const gate: Counting = { label, count, by, max, windowMs, at, isNear };
  const readsModel = count === "share" || isNear;
  return { ...failure, ...(readsModel ? { onUnknown } : {}), label, check: (facts, now) => check(gate, facts, now) };
}

type Counting = {
  readonly label: string;
  readonly count: Count;
  readonly by: readonly CountedBy[];
  /** Of shares in millionths. */
  readonly max: number;
  readonly windowMs: number;
  readonly at: End;
  /** By neighbourhood. */
  readonly isNear: boolean;
};

function readShare(max: Field | undefined): number | undefined {
  const share = max?.number(0, SHARE_MAX);
  return share === undefined ? undefined : Math.round(share * MILLION);
}

function readBy(field: Field | undefined): CountedBy[] | undefined {
  const by = readCountedBy(field, KEYS);
  const isTwice = by?.includes("service") === true && by.includes("neighbourhood");
  return isTwice ? field?.fail("a service is in its own neighbourhood: name one of them") : by;
}

function check(gate: Counting, facts: PolicyFacts, counters: CounterReader): GateOutcome {
  const { by, count, isNear, max, windowMs } = gate;
  const { prediction } = facts;
  const unknown = count === "share" ? unbelievedOutcome(prediction) : isNear ? unknownOutcome(prediction) : null;
  const impact = impactOf(gate, facts, unknown !== null);
  const counter = `${gate.label}|${countedText(by, facts)}`;
  const reservation: Reservation = { counter, windowMs, max, impact };
  // What a person lets through beyond it, or unknown, counts too: the next ones wait for it.
  if (unknown !== null) return { ...unknown, reservation };
  const near = isNear && prediction !== null ? nearTo(prediction) : undefined;
  const now = counters.impact(counter, { windowMs, target: impact.target, ...(near === undefined ? {} : { near }) });
  const adds = ADDS[count](impact, now);
  const told = prediction !== null && (count === "share" || isNear) ? { modelVersion: prediction.modelVersion } : {};
  const part = count === "share" ? MILLION : 1;
  const evidence = { used: now[count] / part, adds: adds / part, max: max / part, windowMs, ...told };
  return now[count] + adds <= max
    ? { passed: true, code: "within-impact", evidence, reservation }
    : { passed: false, code: "impact-exceeded", evidence, reservation };
}

/** What is not known is all that may be: everything that is at stake, in every neighbourhood. */
function impactOf({ count, at, isNear }: Counting, facts: PolicyFacts, isUnknown: boolean): ReservedImpact {
  const { target, ownSize: size } = facts.action;
  const { prediction } = facts;
  const share = prediction === null ? MILLION : shareAt(prediction, isUnknown ? "worst" : at);
  const node = isUnknown || prediction === null ? {} : { node: prediction.target };
  return { size, target, ...(isNear ? node : {}), ...(count === "share" ? { share } : {}) };
}

/** Undefined where they are more than are listed: then what is granted anywhere counts. */
function nearTo({ neighbourhood }: Prediction): readonly string[] | undefined {
  const isWhole = neighbourhood.length > 0 && neighbourhood.length < NEIGHBOURS_MAX;
  return isWhole ? neighbourhood : undefined;
}
