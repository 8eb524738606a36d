// duplicate: the same again within a window is suppressed, and says what it repeats.

import type { Field } from "../yaml-reader.ts";
import { type BoundGate, countedText, type CountedBy, readCountedBy } from "./gate.ts";

const KEYS: readonly CountedBy[] = ["signature", "request", "service", "kind", "environment", "agent"];

/**
 * `{per, by}`. Marks are shared by all rules that count by the same keys: a page granted under one rule makes the next
 * one a duplicate under another.
 */
export function readDuplicate(params: Field): BoundGate | undefined {
  const fields = params.fields(["per", "by"], ["per", "by"]);
  if (fields === undefined) return undefined;
  const windowMs = fields.per?.durationMs();
  const by = readCountedBy(fields.by, KEYS);
  if (windowMs === undefined || by === undefined) return undefined;
  return {
    label: `duplicate:${by.join(",")}`,
    onFail: "refuse",
    route: null,
    check: (facts, counters) => {
      const duplicateKey = `duplicate|${countedText(by, facts)}`;
      const last = counters.lastPassed(duplicateKey, windowMs);
      // Evaluated again when it is granted, an action finds its own mark.
      if (last === null || last === facts.action.id) {
        return { passed: true, code: "first", evidence: { windowMs }, duplicateKey };
      }
      return { passed: false, code: "duplicate", evidence: { of: last, windowMs }, duplicateOf: last };
    },
  };
}
