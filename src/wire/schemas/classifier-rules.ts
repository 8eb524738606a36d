// The file of the rules classifier: which signals get which answer.

import { z } from "zod";
import { SEVERITIES } from "../types/classification.ts";

const text = z.string().min(1).max(128);
const texts = z.array(text).min(1).max(64);
const CLAIMED = ["none", "low", "medium", "high", "sev1"] as const;

const answerSchema = z
  .strictObject({
    classification: z.enum(SEVERITIES),
    /** How often an answer of this rule is right, as far as anybody can say; the gates' thresholds read it. */
    confidence: z.number().min(0).max(1),
    ticket: z.boolean().default(false),
    page: z.boolean().default(false),
    mim: z.boolean().default(false),
    /** Absent: the team that the signal's label names, else the default team. */
    team: text.optional(),
  })
  // The contradictions that the check of every classifier's answer refuses: better found at start than at night.
  .refine((answer) => !answer.mim || answer.classification === "sev1", "mim is for sev1 alone")
  .refine((answer) => answer.classification !== "sev1" || answer.page, "sev1 pages")
  .refine((answer) => answer.classification !== "low" || !answer.page, "low does not page")
  .refine((answer) => answer.classification !== "high" || answer.page || answer.ticket, "high asks for a response");

const ruleSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  /** Every condition that is stated must hold; of a list, one value. */
  when: z.strictObject({
    status: z.enum(["firing", "resolved"]).optional(),
    source: texts.optional(),
    environment: texts.optional(),
    service: texts.optional(),
    claimedSeverity: z.array(z.enum(CLAIMED)).min(1).max(CLAIMED.length).optional(),
    /** Fraction of traffic, 0..1; a signal without an estimate does not match. */
    impactAtLeast: z.number().min(0).max(1).optional(),
    /** `*` stands for any text; case does not count. */
    title: texts.optional(),
    labels: z.record(text, texts).optional(),
  }),
  answer: answerSchema,
});

export const classifierRulesSchema = z
  .strictObject({
    apiVersion: z.literal("holdpoint.dev/v1"),
    kind: z.literal("ClassifierRules"),
    metadata: z.strictObject({ name: text, version: text }),
    spec: z.strictObject({
      teamLabel: text.default("team"),
      /** Absent: the first team of the configuration. */
      defaultTeam: text.optional(),
      rules: z.array(ruleSchema).max(1000),
      otherwise: answerSchema,
    }),
  })
  .refine(({ spec }) => new Set(spec.rules.map((rule) => rule.name)).size === spec.rules.length, {
    message: "two rules have the same name",
    path: ["spec", "rules"],
  });

export type ClassifierRules = z.infer<typeof classifierRulesSchema>;
export type ClassifierRule = ClassifierRules["spec"]["rules"][number];
