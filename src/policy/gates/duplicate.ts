// duplicate: the same again within a window is suppressed, and says what it repeats.

import type { CounterReader, PolicyFacts } from "../../wire/types/policy-facts.ts";
import type { Field } from "../yaml-reader.ts";
import { type BoundGate, countedText, type CountedBy, readCountedBy } from "./gate.ts";

const KEYS: readonly CountedBy[] = ["signature", "incident", "request", "service", "kind", "environment", "agent"];

/**
 * `{per, by, unlessWorse?}`. Marks are shared by all rules that count by the same keys: a page granted under one rule
 * makes the next one a duplicate under another. `unlessWorse` lets through what is classified worse than the page of its
 * incident that stands.
 */
export function readDuplicate(params: Field): BoundGate | undefined {
  const fields = params.fields(["per", "by", "unlessWorse"], ["per", "by"]);
  if (fields === undefined) return undefined;
  const windowMs = fields.per?.durationMs();
  const by = readCountedBy(fields.by, KEYS);
  const unlessWorse = fields.unlessWorse === undefined ? false : fields.unlessWorse.boolean();
  if (windowMs === undefined || by === undefined || unlessWorse === undefined) return undefined;
  return {
    label: `duplicate:${by.join(",")}`,
    onFail: "refuse",
    route: null,
    check: (facts, counters) => {
      const duplicateKey = keyOf(by, facts);
      if (unlessWorse && isWorseThanPaged(facts)) {
        return { passed: true, code: "worse", evidence: { paged: facts.incident.pagedSeverity }, duplicateKey };
      }
      const last = lastOf(by, { facts, counters, windowMs });
      // Evaluated again when it is granted, an action finds its own mark.
      if (last === null || last === facts.action.id) {
        return { passed: true, code: "first", evidence: { windowMs }, duplicateKey };
      }
      return { passed: false, code: "duplicate", evidence: { of: last, windowMs }, duplicateOf: last };
    },
  };
}

function keyOf(by: readonly CountedBy[], facts: PolicyFacts): string {
  return `duplicate|${countedText(by, facts)}`;
}

type Asked = { readonly facts: PolicyFacts; readonly counters: CounterReader; readonly windowMs: number };

/** What was done for an absorbed incident was done for the one that absorbed it. */
function lastOf(by: readonly CountedBy[], { facts, counters, windowMs }: Asked): string | null {
  const own = counters.lastPassed(keyOf(by, facts), windowMs);
  if (own !== null || !by.includes("incident")) return own;
  for (const id of facts.incident.absorbed) {
    const before = counters.lastPassed(keyOf(by, { ...facts, incident: { ...facts.incident, id } }), windowMs);
    if (before !== null) return before;
  }
  return null;
}

function isWorseThanPaged({ classification, incident }: PolicyFacts): boolean {
  return classification.known && incident.pagedSeverity >= 0 && classification.severity > incident.pagedSeverity;
}
