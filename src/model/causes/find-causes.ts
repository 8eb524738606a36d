// Finds causes: one entrance for every question, whatever of changes, telemetry and state it comes with.

import { findMismatches } from "../kubernetes/find-mismatches.ts";
import type { CauseAnswer, CauseQuestion, OtherCause, RankedCause } from "./input.ts";
import { findOtherCauses } from "./other-causes.ts";
import { findStricken, rankChanges } from "./rank-changes.ts";
import { rankNodes } from "./rank-nodes.ts";
import { findFailingEdges, rankRollouts } from "./rank-rollouts.ts";

const RANKED_MAX = 10;

export function findCauses(question: CauseQuestion): CauseAnswer {
  const ranked = rank(question).slice(0, RANKED_MAX);
  const others = question.want === "change" && question.instances.length === 0 ? othersBeside(question, ranked) : [];
  return { ranked, others, blastRadius: findSuffering(question) };
}

/** Changes that rank above `none` explain the nodes that their chains go through. */
function othersBeside(question: CauseQuestion, ranked: readonly RankedCause[]): OtherCause[] {
  const none = ranked.findIndex(({ cause }) => cause === "none");
  const explaining = ranked.slice(0, none < 0 ? ranked.length : none);
  return findOtherCauses(question, new Set(explaining.flatMap(({ chain }) => chain)));
}

function rank(question: CauseQuestion): RankedCause[] {
  if (question.cluster) return rankMismatches(question);
  if (question.instances.length > 0 && question.changes.length > 0) return rankRollouts(question);
  if (question.want === "change") return rankChanges(question);
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
  if (question.want === "change") return findStricken(question);
  return [...new Set(findFailingEdges(question).map(({ caller }) => caller))].toSorted();
}
