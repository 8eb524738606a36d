// The gate in front of a classifier's answer (S4): schema, contradictions and team, before anything may act on it.

import type { Classification } from "../wire/types/classification.ts";
import { classificationSchema } from "../wire/schemas/classification.ts";

/**
 * What can be wrong with an answer. The last five are contradictions: the answer says two things that cannot both be
 * meant, so neither is believed. Not among them, because each can be meant and the gates judge it: paging for medium,
 * sev1 without major incident management, paging without a ticket, and any confidence.
 */
export type ClassificationProblem =
  | "not-an-object"
  | "unknown-fields"
  | "classification-invalid"
  | "confidence-invalid"
  | "requires_ticket-invalid"
  | "requires_paging-invalid"
  | "requires_mim-invalid"
  | "recommended_team-invalid"
  | "team-unknown"
  | "mim-without-sev1"
  | "mim-without-paging"
  | "sev1-without-paging"
  | "paging-for-low"
  | "high-without-response";

export type CheckedClassification =
  | { readonly ok: true; readonly classification: Classification }
  | { readonly ok: false; readonly problems: readonly ClassificationProblem[] };

/** Judges a raw answer, whatever it is. Never throws; a text that holds JSON is a text, not an answer. */
export function checkClassification(
  answer: unknown,
  known: { readonly teams: readonly string[] },
): CheckedClassification {
  const read = readAnswer(answer);
  if (!read.ok) return read;
  const problems = contradictions(read.classification);
  if (!known.teams.includes(read.classification.recommended_team)) problems.unshift("team-unknown");
  return problems.length === 0 ? read : { ok: false, problems };
}

function readAnswer(answer: unknown): CheckedClassification {
  let parsed: ReturnType<typeof classificationSchema.safeParse>;
  try {
    parsed = classificationSchema.safeParse(answer);
  } catch {
    return { ok: false, problems: ["not-an-object"] }; // an accessor that throws: no JSON has one
  }
  if (!parsed.success) return { ok: false, problems: [...new Set(parsed.error.issues.map(problemOf))] };
  // -0 is within the range but canonical JSON has no such number.
  return { ok: true, classification: { ...parsed.data, confidence: parsed.data.confidence + 0 } };
}

const FIELDS = new Set(Object.keys(classificationSchema.shape));

function problemOf(issue: { readonly code: string; readonly path: readonly PropertyKey[] }): ClassificationProblem {
  const field = issue.path[0];
  if (typeof field === "string" && FIELDS.has(field)) return `${field as keyof Classification}-invalid`;
  return issue.code === "unrecognized_keys" ? "unknown-fields" : "not-an-object";
}

function contradictions(answer: Classification): ClassificationProblem[] {
  const problems: ClassificationProblem[] = [];
  const { classification, requires_mim, requires_paging, requires_ticket } = answer;
  if (requires_mim && classification !== "sev1") problems.push("mim-without-sev1");
  if (requires_mim && !requires_paging) problems.push("mim-without-paging");
  if (classification === "sev1" && !requires_paging) problems.push("sev1-without-paging");
  if (classification === "low" && requires_paging) problems.push("paging-for-low");
  // Serious, and nobody is to hear of it: the costliest mistake of all, so a person looks.
  if (classification === "high" && !requires_paging && !requires_ticket) problems.push("high-without-response");
  return problems;
}
