// independentSignals: enough signals of which any two differ in source and in detector; derived ones confirm nothing.

import type { SignalFact } from "../../wire/types/policy-facts.ts";
import type { Field } from "../yaml-reader.ts";
import { type BoundGate, readFailure } from "./gate.ts";

const MIN_MAX = 8;
const PAIRS_MAX = 256;

/** `{min, onFail?, route?}`. */
export function readIndependentSignals(params: Field): BoundGate | undefined {
  const fields = params.fields(["min", "onFail", "route"], ["min"]);
  if (fields === undefined) return undefined;
  const min = fields.min?.integer(1, MIN_MAX);
  const failure = readFailure(fields);
  if (min === undefined) return undefined;
  return {
    ...failure,
    label: "independentSignals",
    check: ({ signals }) => {
      const found = countIndependent(signals, min);
      const code = found >= min ? "confirmed" : "not-confirmed";
      return { passed: found >= min, code, evidence: { found, min } };
    },
  };
}

/**
 * The most signals, up to `enough`, that pairwise differ in source and detector: a maximum matching of sources with
 * detectors, by augmenting paths (Kuhn). Beyond a few hundred different pairs the rest is left out, which can only
 * find fewer.
 */
function countIndependent(signals: readonly SignalFact[], enough: number): number {
  const detectorsOf = new Map<string, Set<string>>();
  let pairs = 0;
  for (const { source, detector, derived } of signals) {
    if (derived || pairs >= PAIRS_MAX) continue;
    const detectors = detectorsOf.get(source) ?? new Set();
    if (!detectors.has(detector)) pairs++;
    detectorsOf.set(source, detectors.add(detector));
  }
  const sourceOf = new Map<string, string>();
  const place = (source: string, tried: Set<string>): boolean => {
    for (const detector of detectorsOf.get(source) ?? []) {
      if (tried.has(detector)) continue;
      tried.add(detector);
      const holder = sourceOf.get(detector);
      if (holder === undefined || place(holder, tried)) {
        sourceOf.set(detector, source);
        return true;
      }
    }
    return false;
  };
  let found = 0;
  for (const source of detectorsOf.keys()) {
    if (found >= enough) break;
    if (place(source, new Set())) found++;
  }
  return found;
}
