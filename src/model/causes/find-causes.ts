// Finds causes: one entrance for every question, whatever of changes, telemetry and state it comes with.

import { findMismatches } from "../kubernetes/find-mismatches.ts";
import type { CauseAnswer, CauseQuestion, RankedCause } from "./input.ts";
import { findOnsets, openIncident } from "./incident.ts";
import { findOtherCauses } from "./other-causes.ts";
import { findStricken, rankChanges } from "./rank-changes.ts";
import { rankNodes } from "./rank-nodes.ts";
import { findFailingEdges, rankRollouts } from "./rank-rollouts.ts";

const RANKED_MAX = 10;

export function findCauses(question: CauseQuestion): CauseAnswer {
  if (!asksForChange(question)) {
    return { ranked: rank(question).slice(0, RANKED_MAX), others: [], blastRadius: findSuffering(question) };
  }
  const incident = openIncident(question);
  const ranked = rankChanges(incident);
  const others = findOtherCauses(incident, explained(ranked));
  const blastRadius = findStricken(question, incident.onsets);
  return { ranked: ranked.slice(0, RANKED_MAX), others, blastRadius };
}

/** Of rollouts the new instances are held against the old ones; a cluster's state answers for itself. */
function asksForChange({ want, cluster, instances, changes }: CauseQuestion): boolean {
  return want === "change" && !cluster && !(instances.length > 0 && changes.length > 0);
}

/** Changes that rank above `none` explain the nodes that their chains go through. */
function explained(ranked: readonly RankedCause[]): ReadonlySet<string> {
  const none = ranked.findIndex(({ cause }) => cause === "none");
  return new Set(ranked.slice(0, none < 0 ? ranked.length : none).flatMap(({ chain }) => chain));
}

function rank(question: CauseQuestion): RankedCause[] {
  if (question.cluster) return rankMismatches(question);
  if (question.instances.length > 0 && question.changes.length > 0) return rankRollouts(question);
  return rankNodes(question);
}

function rankMismatches(question: CauseQuestion): RankedCause[] {
  if (!question.cluster) return [];
  return findMismatches(question.cluster).map(({ class: family, object, cause, weight, evidence }) => ({
    cause: `${family}|${object}|${cause}`,
    score: weight,
    chain: [object],
    evidence: [evidence],
  }));
}

/** Services whose calls to others fail: what users of the cause feel. */
function findSuffering(question: CauseQuestion): string[] {
  if (question.want === "change") return findStricken(question, findOnsets(question));
  return [...new Set(findFailingEdges(question).map(({ caller }) => caller))].toSorted();
}
