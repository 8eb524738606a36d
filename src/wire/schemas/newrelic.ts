// What a New Relic workflow sends with the payload of examples/sources/newrelic.txt, or with its own template.

import { z } from "zod";
import { looseText } from "./payload.ts";

const names = z
  .union([z.string(), z.array(z.string()).max(256)])
  .nullish()
  .transform((value) => (value === null || value === undefined ? [] : typeof value === "string" ? [value] : value));

// https://docs.newrelic.com/docs/alerts/get-notified/message-templates/
const members = z.object({
  issueId: looseText,
  title: looseText,
  state: z.string().max(64),
  priority: looseText,
  /** Milliseconds since the epoch. */
  createdAt: looseText,
  updatedAt: looseText,
  closedAt: looseText,
  issueUrl: looseText,
  runbookUrl: names,
  condition: names,
  environment: names,
  service: names,
  entities: names,
  // What New Relic's own template, which names no tags, calls three of these.
  id: looseText,
  alertConditionNames: names,
  impactedEntities: names,
});

const firstOf = <T extends { readonly length: number }>(...given: [T, T]): T =>
  given[0].length > 0 ? given[0] : given[1];

export const newrelicSchema = members
  .transform(({ id, alertConditionNames, impactedEntities, ...issue }) => ({
    ...issue,
    issueId: firstOf(issue.issueId, id),
    condition: firstOf(issue.condition, alertConditionNames),
    entities: firstOf(issue.entities, impactedEntities),
    closedAt: firstOf(issue.closedAt, issue.updatedAt),
  }))
  .refine(({ issueId }) => issueId !== "" && issueId.length <= 256, { path: ["issueId"] });

export type NewrelicIssue = z.infer<typeof newrelicSchema>;
