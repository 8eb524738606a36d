// Changes that could be it and that nothing was measured to judge by: not to be taken for changes that were looked at and cleared.

import { reachOf } from "./incident.ts";
import type { CauseQuestion } from "./input.ts";

/** Names of changes that reach what the symptom rests on, where one of the two was never measured; newest first. */
export function findUnjudged(question: CauseQuestion): string[] {
  const { symptom, changes, timelines } = question;
  if (symptom === null) return [];
  const measured = new Set(timelines.map(({ node }) => node));
  const reach = reachOf(question);
  const unjudged = changes.flatMap(({ id, targets, atMs }) => {
    const felt = targets.filter((target) => reach.has(target));
    if (felt.length === 0 || atMs === null || atMs > symptom.atMs) return [];
    return measured.has(symptom.node) && felt.some((target) => measured.has(target)) ? [] : [{ id, atMs }];
  });
  return unjudged.toSorted((a, b) => b.atMs - a.atMs).map(({ id }) => id);
}
