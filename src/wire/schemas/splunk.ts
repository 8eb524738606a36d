// The payload of Splunk's webhook alert action.

import { z } from "zod";
import { looseText, optionalText } from "./payload.ts";

const cell = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string()).max(1000)]);

// https://docs.splunk.com/Documentation/Splunk/latest/Alert/Webhooks
export const splunkSchema = z.object({
  sid: z.string().max(1024),
  search_name: optionalText,
  app: looseText,
  owner: looseText,
  results_link: optionalText,
  /** The first row of the search's results. */
  result: z.record(z.string().max(1024), cell).nullish(),
});

export type SplunkAlert = z.infer<typeof splunkSchema>;
