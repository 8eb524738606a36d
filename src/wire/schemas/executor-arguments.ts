// Arguments of the action kinds that Holdpoint's own executors offer: checked when planned, published as JSON Schema.

import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { SEVERITIES } from "../types/classification.ts";

const DETAILS_CHARS_MAX = 65_536;
const ISSUES_TOLD_MAX = 5;
const NAMES_TOLD_MAX = 3;
const NAME_CHARS_MAX = 32;

/** One line of text: no control characters, whole Unicode. */
export function lineOfText(charsMax: number): z.ZodString {
  return z
    .string()
    .min(1)
    .max(charsMax)
    .regex(/^[^\p{Cc}]*$/u)
    .refine((text) => text.isWellFormed(), "not well-formed Unicode");
}

/** Text of several lines: no control characters but tab and line ends, whole Unicode. */
export function proseOf(charsMax: number): z.ZodString {
  return z
    .string()
    .min(1)
    .max(charsMax)
    .regex(/^(?:[^\p{Cc}]|[\t\n\r])*$/u)
    .refine((text) => text.isWellFormed(), "not well-formed Unicode");
}

/** Facts for people beside an alert: any JSON of at most 64 Ki characters in all. */
const detailsSchema = z.record(z.string().min(1).max(64), z.unknown()).refine((details) => {
  try {
    return canonicalJson(details as JsonObject).length <= DETAILS_CHARS_MAX;
  } catch {
    return false; // nested too deeply, or not JSON
  }
}, "not JSON of at most 65536 characters");

export const recordNoteArguments = z.strictObject({
  text: proseOf(2000).describe("What to record"),
  tags: z.array(lineOfText(64)).max(16).optional(),
});

const runbookStepSchema = z.strictObject({
  title: lineOfText(200),
  detail: proseOf(4_000).optional(),
  commands: z.array(lineOfText(1_000)).max(20).optional().describe("Shown as they are, for a person to type"),
  expect: lineOfText(500).optional().describe("What shows that the step worked"),
});

export const runbookDocumentArguments = z.strictObject({
  title: lineOfText(200),
  summary: proseOf(4_000).optional(),
  steps: z.array(runbookStepSchema).min(1).max(50),
  rollback: z.array(runbookStepSchema).max(50).optional().describe("What to do where it goes wrong"),
});

/** A body for a system of the user's own: any JSON of at most 64 Ki characters in all. */
export const httpCallArguments = z.strictObject({
  operation: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,63}$/)
    .describe("A configured operation of the target"),
  body: detailsSchema.optional().describe("What is sent with it"),
});

export const sqlMigrateArguments = z.strictObject({
  database: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,63}$/)
    .describe("A configured database of the target"),
  statements: proseOf(262_144).describe("PostgreSQL statements, run in one transaction"),
});

/** PagerDuty: at most 255 characters; events with the same key are one alert. */
export const dedupKeySchema = lineOfText(255).describe("Events with the same key are one alert at PagerDuty");
const integrationSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/)
  .describe("A configured PagerDuty integration; by default the one named like the service, or `default`");

export const pagerdutyTriggerArguments = z.strictObject({
  dedupKey: dedupKeySchema,
  summary: lineOfText(1024).describe("The alert's title"),
  severity: z.enum(SEVERITIES).describe("sev1 is PagerDuty's critical, high error, medium warning, low info"),
  source: lineOfText(255).optional().describe("What is affected; by default the target's service and environment"),
  component: lineOfText(255).optional(),
  group: lineOfText(255).optional(),
  class: lineOfText(255).optional(),
  integration: integrationSchema.optional(),
  details: detailsSchema.optional().describe("Run, incident, signals, classification: shown with the alert"),
});

export const pagerdutyFollowUpArguments = z.strictObject({
  dedupKey: dedupKeySchema,
  integration: integrationSchema.optional(),
});

const incidentSchema = z
  .string()
  .regex(/^inc_[0-9a-hjkmnp-tv-z]{9}$/)
  .describe("The incident; declaring it again finds the record and the channel that are there");

export const majorIncidentArguments = z.strictObject({
  incident: incidentSchema,
  title: lineOfText(160),
  severity: z.enum(SEVERITIES),
  summary: proseOf(4000).optional(),
  team: lineOfText(64).optional().describe("Whose responders are named; others get the configured default"),
  justification: detailsSchema.optional().describe("Run, signals, classification: shown with the message"),
});

export const majorIncidentRetractArguments = z.strictObject({ incident: incidentSchema });

export const slackMessageArguments = z.strictObject({
  channel: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,63}$/)
    .describe("A channel by its name in the configuration"),
  text: proseOf(8_000).describe("Plain text: nothing in it calls anybody or becomes a link"),
});

/** The arguments, checked. Throws `arguments-invalid` with up to five places that are wrong, never their values. */
export function parseArguments<T>(schema: z.ZodType<T>, args: JsonObject): T {
  const parsed = schema.safeParse(args);
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.slice(0, ISSUES_TOLD_MAX).map((issue) => place(issue));
  throw new AppError("arguments-invalid", "the arguments do not match the action kind's schema", { places });
}

function place(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(nameOf).slice(0, 6);
  const unknown =
    issue.code === "unrecognized_keys" ? ` ${issue.keys.slice(0, NAMES_TOLD_MAX).map(nameOf).join(", ")}` : "";
  return `/${path.join("/")}: ${issue.code}${unknown}`;
}

function nameOf(part: PropertyKey): string {
  return String(part).slice(0, NAME_CHARS_MAX).toWellFormed();
}

/** JSON Schema (2020-12) of the arguments, as an action kind publishes it. */
export function argumentsJsonSchema(schema: z.ZodType): JsonObject {
  return z.toJSONSchema(schema, { io: "input" }) as Json as JsonObject;
}
