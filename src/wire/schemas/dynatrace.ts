// The custom payload of Dynatrace's problem notifications, as its documentation has it (examples/sources/dynatrace.txt).

import { z } from "zod";
import { looseText } from "./payload.ts";

const entity = z.object({ type: looseText, name: looseText, entity: looseText });
const instantMs = z.number().nullish();

// https://docs.dynatrace.com/docs/analyze-explore-automate/notifications-and-alerting/problem-notifications/webhook-integration
export const dynatraceSchema = z.object({
  State: z.string().max(64),
  PID: looseText,
  ProblemID: looseText,
  ProblemTitle: looseText,
  ProblemSeverity: looseText,
  ProblemImpact: looseText,
  ProblemURL: looseText,
  Tags: looseText,
  ImpactedEntities: z.array(entity).max(1000).nullish(),
  ProblemDetailsJSON: z.object({ startTime: instantMs, endTime: instantMs }).nullish(),
});

export type DynatraceProblem = z.infer<typeof dynatraceSchema>;
