// What a New Relic workflow sends with the payload of examples/sources/newrelic.hbs.

import { z } from "zod";
import { looseText } from "./payload.ts";

const names = z
  .union([z.string(), z.array(z.string()).max(256)])
  .nullish()
  .transform((value) => (value === null || value === undefined ? [] : typeof value === "string" ? [value] : value));

// https://docs.newrelic.com/docs/alerts/get-notified/message-templates/
export const newrelicSchema = z.object({
  issueId: z.string().max(256),
  title: looseText,
  state: z.string().max(64),
  priority: looseText,
  /** Milliseconds since the epoch. */
  createdAt: looseText,
  closedAt: looseText,
  issueUrl: looseText,
  runbookUrl: looseText,
  condition: names,
  environment: names,
  service: names,
  entities: names,
});

export type NewrelicIssue = z.infer<typeof newrelicSchema>;
