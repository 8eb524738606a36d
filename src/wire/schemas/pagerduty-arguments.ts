// Arguments of what is done with PagerDuty's incidents: notes, escalation, responders, status updates, snoozing.

import { z } from "zod";
import { dedupKeySchema, lineOfText, proseOf } from "./executor-arguments.ts";

const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);

const which = {
  incident: z
    .string()
    .regex(/^[A-Z0-9]{6,32}$/)
    .optional()
    .describe("PagerDuty's own id of the incident"),
  dedupKey: dedupKeySchema.optional().describe("The key of an alert whose incident is open"),
};

/** Of any of them. */
export type PagerdutyIncidentArguments = {
  readonly incident?: string | undefined;
  readonly dedupKey?: string | undefined;
};

const isOne = ({ incident, dedupKey }: PagerdutyIncidentArguments): boolean =>
  (incident === undefined) !== (dedupKey === undefined);
const ONE = "one of incident and dedupKey";

export const pagerdutyNoteArguments = z
  .strictObject({ ...which, text: proseOf(4_000).describe("For those who work on it") })
  .refine(isOne, ONE);

export const pagerdutyEscalateArguments = z
  .strictObject({
    ...which,
    policy: nameSchema.optional().describe("A configured escalation policy: who is asked from now on"),
    level: z.int().min(1).max(20).optional().describe("The level of its policy that is asked now"),
    urgency: z.enum(["high", "low"]).optional(),
  })
  .refine(isOne, ONE)
  .refine(
    ({ policy, level, urgency }) => policy !== undefined || level !== undefined || urgency !== undefined,
    "one of policy, level and urgency",
  );

export const pagerdutyRespondersArguments = z
  .strictObject({
    ...which,
    responders: z.array(nameSchema).min(1).max(10).describe("Configured groups of responders"),
    message: lineOfText(500).describe("What they are told"),
  })
  .refine(isOne, ONE);

export const pagerdutyStatusUpdateArguments = z
  .strictObject({
    ...which,
    message: proseOf(2_000).describe("What everybody is told who follows the incident"),
  })
  .refine(isOne, ONE);

export const pagerdutySnoozeArguments = z
  .strictObject({
    ...which,
    minutes: z.int().min(1).max(10_080).describe("How long nobody is asked about it again"),
  })
  .refine(isOne, ONE);
