// What Datadog's webhooks integration sends with the payload of examples/sources/datadog.json.

import { z } from "zod";
import { looseText } from "./payload.ts";

// https://docs.datadoghq.com/integrations/webhooks/
export const datadogSchema = z.object({
  alert_id: looseText,
  /** Links the events of one alert from its trigger until it recovers. */
  cycle_key: looseText,
  aggregation_key: looseText,
  title: looseText,
  transition: z.string().max(64),
  priority: looseText,
  type: looseText,
  status: looseText,
  scope: looseText,
  tags: looseText,
  hostname: looseText,
  link: looseText,
  /** Milliseconds since the epoch. */
  date: looseText,
});

export type DatadogAlert = z.infer<typeof datadogSchema>;
