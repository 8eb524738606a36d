// cumulative: what granted actions add up to in a window, over all agents and over every rule that counts alike.

import type { ImpactReading, PolicyFacts } from "../../wire/types/policy-facts.ts";
import type { Reservation } from "../../wire/types/verdict.ts";
import type { Field } from "../yaml-reader.ts";
import { type BoundGate, countedText, type CountedBy, readCountedBy, readFailure } from "./gate.ts";

/** So many entries are kept of one counter, each with its target: beyond, nothing could be told apart. */
const COUNT_MAX = 1_000;
const SIZE_MAX = 1_000_000_000;
const KEYS: readonly CountedBy[] = ["service", "environment", "kind", "all"];
const COUNTS = ["actions", "targets", "size"] as const;

/** What an action adds to what is there already. */
const ADDS: { readonly [C in (typeof COUNTS)[number]]: (facts: PolicyFacts, now: ImpactReading) => number } = {
  actions: () => 1,
  targets: (_facts, { isKnown }) => (isKnown ? 0 : 1),
  size: ({ action }) => action.ownSize,
};

/**
 * `{max, per, by, count, onFail?, route?}`; exact: what it lets through is reserved when the action is granted. Counters
 * are shared by all rules that count the same by the same keys in the same window, whatever their `max`.
 */
export function readCumulative(params: Field): BoundGate | undefined {
  const fields = params.fields(["max", "per", "by", "count", "onFail", "route"], ["max", "per", "by", "count"]);
  if (fields === undefined) return undefined;
  const count = fields.count?.oneOf(COUNTS);
  const max = fields.max?.integer(0, count === "size" ? SIZE_MAX : COUNT_MAX);
  const windowMs = fields.per?.durationMs();
  const by = readCountedBy(fields.by, KEYS);
  const failure = readFailure(fields);
  if (count === undefined || max === undefined || windowMs === undefined || by === undefined) return undefined;
  const label = `cumulative:${count}:${by.join(",")}/${windowMs}`;
  return {
    ...failure,
    label,
    check: (facts, counters) => {
      const { target, ownSize } = facts.action;
      const counter = `${label}|${countedText(by, facts)}`;
      const now = counters.impact(counter, { windowMs, target });
      const adds = ADDS[count](facts, now);
      const reservation: Reservation = { counter, windowMs, max, impact: { size: ownSize, target } };
      const evidence = { used: now[count], adds, max, windowMs };
      // What a person lets through beyond it counts too: the next ones wait for it.
      return now[count] + adds <= max
        ? { passed: true, code: "within-impact", evidence, reservation }
        : { passed: false, code: "impact-exceeded", evidence, reservation };
    },
  };
}
