// rateLimit: at most `max` granted actions per sliding window and key.

import type { Reservation } from "../../wire/types/verdict.ts";
import type { Field } from "../yaml-reader.ts";
import { type BoundGate, countedText, type CountedBy, readCountedBy, readFailure } from "./gate.ts";

const COUNT_MAX = 100_000;
const KEYS: readonly CountedBy[] = ["service", "agent", "environment", "kind", "source", "all"];

/** `{max, per, by, onFail?, route?}`; exact: what it lets through is reserved when the action is granted. */
export function readRateLimit(params: Field, rule: string): BoundGate | undefined {
  const fields = params.fields(["max", "per", "by", "onFail", "route"], ["max", "per", "by"]);
  if (fields === undefined) return undefined;
  const max = fields.max?.integer(0, COUNT_MAX);
  const windowMs = fields.per?.durationMs();
  const by = readCountedBy(fields.by, KEYS);
  const failure = readFailure(fields);
  if (max === undefined || windowMs === undefined || by === undefined) return undefined;
  const label = `rateLimit:${by.join(",")}/${windowMs}`;
  const prefix = `${rule}#${label}|`;
  return {
    ...failure,
    label,
    check: (facts, counters) => {
      const reservation: Reservation = { counter: prefix + countedText(by, facts), windowMs, max };
      const used = counters.used(reservation.counter, windowMs);
      const evidence = { used, max, windowMs };
      // What a person lets through beyond the limit counts too: the next ones wait for it.
      return used < max
        ? { passed: true, code: "within-limit", evidence, reservation }
        : { passed: false, code: "rate-limited", evidence, reservation };
    },
  };
}
