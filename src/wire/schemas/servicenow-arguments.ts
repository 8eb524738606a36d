// Arguments of the ServiceNow action kinds.

import { z } from "zod";
import { instantFromRfc3339 } from "../../core/rfc3339.ts";
import { lineOfText, proseOf } from "./executor-arguments.ts";

const sysIdSchema = z.string().regex(/^[0-9a-f]{32}$/);
/** No `^`, which joins conditions in a ServiceNow query, and no `javascript:`, which a query would evaluate. */
const correlationIdSchema = z
  .string()
  .regex(/^(?![Jj][Aa][Vv][Aa][Ss][Cc][Rr][Ii][Pp][Tt]:)[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,99}$/);
const gradeSchema = z.int().min(1).max(3).describe("1 high, 2 medium, 3 low");
const teamSchema = lineOfText(64).describe(
  "A team for which configuration names an assignment group; others stay unassigned",
);

export const servicenowCreateArguments = z.strictObject({
  shortDescription: lineOfText(160),
  description: proseOf(4000).optional(),
  urgency: gradeSchema,
  impact: gradeSchema,
  category: lineOfText(40).optional(),
  team: teamSchema.optional(),
});

/** Empty texts are allowed: what undoes a change may have to empty a field again. */
const clearable = (charsMax: number) => proseOf(charsMax).or(z.literal("")).optional();
const clearableLine = (charsMax: number) => lineOfText(charsMax).or(z.literal("")).optional();
const clearableId = sysIdSchema.or(z.literal("")).optional();
const JOURNAL = "A journal: it is added to and cannot be taken back";

const sharedFields = {
  shortDescription: clearableLine(160),
  description: clearable(4000),
  impact: gradeSchema.optional(),
  /** Instances may have more than those of `RecordShape`. */
  state: z.int().min(-99).max(99).optional(),
  closeCode: clearableLine(40),
  closeNotes: clearable(4000),
  workNotes: proseOf(4000).optional().describe(JOURNAL),
  comments: proseOf(4000).optional().describe(`Shown to whoever asked for it. ${JOURNAL}`),
  assignmentGroup: clearableId,
  assignedTo: clearableId,
};

function updateOf(fields: z.ZodRawShape) {
  const fieldsSchema = z
    .strictObject(fields)
    .refine((given) => Object.keys(given).length > 0, "no field to change") as unknown as z.ZodType<
    Readonly<Record<string, string | number | undefined>>
  >;
  return z
    .strictObject({
      sysId: sysIdSchema.optional(),
      correlationId: correlationIdSchema.optional(),
      whileActive: z.literal(true).optional().describe("Not for a record that is over: resolved, closed or canceled"),
      fields: fieldsSchema,
    })
    .refine(
      (args) => (args.sysId === undefined) !== (args.correlationId === undefined),
      "one of sysId and correlationId",
    );
}

export const servicenowUpdateArguments = updateOf({ ...sharedFields, urgency: gradeSchema.optional() });
export type ServicenowUpdate = z.output<typeof servicenowUpdateArguments>;

const planSchema = proseOf(4000);
const instantSchema = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  .refine((text) => instantFromRfc3339(text) !== undefined, "no such day or time")
  .describe("UTC, to the second: 2026-09-21T14:00:00Z");

export const servicenowChangeArguments = z
  .strictObject({
    type: z.enum(["normal", "emergency", "standard"]).default("normal"),
    /** Of a standard change, which is approved beforehand as its template says. */
    template: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,63}$/)
      .optional()
      .describe("A configured template, for a standard change, which has its plans and its approval from there"),
    shortDescription: lineOfText(160),
    description: proseOf(4000).optional(),
    justification: planSchema.optional(),
    implementationPlan: planSchema.optional().describe("What is done, step by step"),
    backoutPlan: planSchema.optional().describe("How it is taken back"),
    testPlan: planSchema.optional().describe("What shows that it worked"),
    risk: z.enum(["low", "moderate", "high"]).optional(),
    impact: gradeSchema.optional(),
    team: teamSchema.optional(),
    start: instantSchema.optional(),
    end: instantSchema.optional(),
  })
  .refine(({ type, template }) => (type === "standard") === (template !== undefined), "template is of standard changes")
  .refine(
    ({ type, implementationPlan, backoutPlan }) =>
      type === "standard" || (implementationPlan !== undefined && backoutPlan !== undefined),
    "implementationPlan and backoutPlan are needed",
  )
  .refine(
    ({ type, justification, implementationPlan, backoutPlan, testPlan, risk, impact }) =>
      type !== "standard" ||
      [justification, implementationPlan, backoutPlan, testPlan, risk, impact].every((one) => one === undefined),
    "a standard change has its plans from its template",
  )
  .refine(({ start, end }) => (start === undefined) === (end === undefined), "start and end, or neither")
  .refine(({ start, end }) => start === undefined || end === undefined || start < end, "it ends before it starts");

/** Stored values of a change's risk. */
const riskSchema = z
  .string()
  .regex(/^-?\d{1,2}$/)
  .or(z.literal(""));

export const servicenowChangeUpdateArguments = updateOf({
  ...sharedFields,
  justification: clearable(4000),
  implementationPlan: clearable(4000),
  backoutPlan: clearable(4000),
  testPlan: clearable(4000),
  risk: riskSchema.optional().describe("2 high, 3 moderate, 4 low"),
});
