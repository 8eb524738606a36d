// PagerDuty's webhooks of version 3.

import { z } from "zod";
import { optionalText } from "./payload.ts";

// https://developer.pagerduty.com/docs/webhooks-overview
export const pagerdutyWebhookSchema = z.object({
  event: z.object({
    id: z.string().max(256),
    event_type: z.string().max(128),
    resource_type: optionalText,
    occurred_at: z.string().max(64),
    data: z.object({
      id: optionalText,
      type: z.string().max(128),
      html_url: optionalText,
      title: optionalText,
      created_at: optionalText,
      incident_key: optionalText,
      urgency: optionalText,
      priority: z.object({ summary: optionalText }).nullish(),
      service: z.object({ id: optionalText, summary: optionalText }).nullish(),
    }),
  }),
});

export type PagerdutyWebhook = z.infer<typeof pagerdutyWebhookSchema>;
