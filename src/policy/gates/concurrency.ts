// concurrency: at most so many actions under way at once on a service, or in its neighbourhood.

import { nodeText } from "../../wire/schemas/model.ts";
import type { PolicyFacts, UnderWay } from "../../wire/types/policy-facts.ts";
import { NEIGHBOURS_MAX } from "../../wire/types/prediction.ts";
import { coversAction } from "../definitions.ts";
import type { Field } from "../yaml-reader.ts";
import { type BoundGate, type GateOutcome, readAmong, readFailure, readUnknown, readWait } from "./gate.ts";
import { unknownOutcome } from "./predicted.ts";

const COUNT_MAX = 64;
const LISTED_MAX = 16;
const FIELDS = ["max", "per", "among", "wait", "onUnknown", "onFail", "route"] as const;
const PER = ["service", "neighbourhood"] as const;

/**
 * `{max, per, among?, wait?, onUnknown?, onFail?, route?}`. `per: neighbourhood` reads the recorded predictions: the service,
 * what uses it and what it uses, directly. No neighbourhood ever has more than `max` under way, that of an action which runs
 * already included. With `wait` it does not fail: what may be done waits for room, no longer than that.
 */
export function readConcurrency(params: Field): BoundGate | undefined {
  const fields = params.fields(FIELDS, ["max", "per"]);
  if (fields === undefined) return undefined;
  const max = fields.max?.integer(1, COUNT_MAX);
  const per = fields.per?.oneOf(PER);
  const kinds = readAmong(fields.among);
  const failure = readFailure(fields);
  const onUnknown = readUnknown(fields, failure.onFail);
  const waitMs = readWait(fields.wait, fields.onFail ?? (onUnknown === "hold" ? undefined : fields.route));
  if (max === undefined || per === undefined || kinds === undefined) return undefined;
  if (onUnknown === undefined || waitMs === undefined) return undefined;
  if (per === "service" && fields.onUnknown !== undefined) return fields.onUnknown.fail("is about neighbourhoods");
  const isNear = per === "service" ? isSameService : areNeighbours;
  return {
    ...failure,
    onUnknown,
    label: `concurrency:${max}/${per}:${kinds.join(",")}${waitMs === null ? "" : `/${waitMs}`}`,
    check: ({ action, prediction }, counters) => {
      const unknown = per === "service" ? null : unknownOutcome(prediction);
      if (unknown !== null) return unknown;
      const others = counters.underWay(action.id).filter(({ kind }) => kinds.some((one) => coversAction(one, kind)));
      const own = placeOf(action, prediction?.neighbourhood ?? []);
      const near = others.map(placeOfOther).filter((other) => isNear(own, other));
      const evidence = { underWay: near.length, max };
      const behind = inTheWay(near, others.map(placeOfOther), { max, isNear });
      if (behind.length === 0) return { passed: true, code: "within-concurrency", evidence };
      return noRoom(behind, { evidence, waitMs });
    },
  };
}

type Place = {
  readonly id: string;
  readonly service: string;
  readonly node: string;
  readonly around: readonly string[];
};
type IsNear = (one: Place, other: Place) => boolean;

function placeOf(
  { id, environment, service }: Pick<PolicyFacts["action"], "id" | "environment" | "service">,
  around: readonly string[],
): Place {
  return { id, service, node: nodeText({ kind: "service", environment, name: service }), around };
}

function placeOfOther({ neighbourhood, ...other }: UnderWay): Place {
  return placeOf(other, neighbourhood);
}

function isSameService(one: Place, other: Place): boolean {
  return one.service === other.service;
}

/** By the list of either; one that may be cut off is near all of its environment. */
function areNeighbours(one: Place, other: Place): boolean {
  if (one.service === other.service || one.around.includes(other.node) || other.around.includes(one.node)) return true;
  return one.around.length >= NEIGHBOURS_MAX || other.around.length >= NEIGHBOURS_MAX;
}

/** Those of whom one has to end first: all around it, or all around one that is near it and has no room for another. */
function inTheWay(
  near: readonly Place[],
  others: readonly Place[],
  { max, isNear }: { readonly max: number; readonly isNear: IsNear },
): readonly string[] {
  if (near.length >= max) return near.slice(0, LISTED_MAX).map(({ id }) => id);
  for (const one of near) {
    const around = others.filter((other) => isNear(one, other)); // itself included
    if (around.length >= max) return around.slice(0, LISTED_MAX).map(({ id }) => id);
  }
  return [];
}

type Full = { readonly evidence: { readonly underWay: number; readonly max: number }; readonly waitMs: number | null };

function noRoom(behind: readonly string[], { evidence, waitMs }: Full): GateOutcome {
  const told = { ...evidence, with: behind[0] ?? "" };
  if (waitMs === null) return { passed: false, code: "too-many-at-once", evidence: told };
  return { passed: true, code: "in-turn", evidence: told, waits: { forMs: waitMs, behind } };
}
