// What the business rule of examples/sources/servicenow.js sends about an incident.

import { z } from "zod";
import { looseText } from "./payload.ts";

const stateNumber = z.union([z.string().regex(/^\d{1,3}$/), z.int()]).transform(Number);

export const servicenowWebhookSchema = z.object({
  sys_id: z.string().regex(/^[0-9a-f]{32}$/),
  number: z.string().max(64),
  /** 1 new, 2 in progress, 3 on hold, 6 resolved, 7 closed, 8 canceled. */
  state: stateNumber,
  /** Before this update; absent or empty for a new incident. */
  previous_state: z
    .union([stateNumber, z.literal("")])
    .nullish()
    .transform((value) => (typeof value === "number" ? value : null)),
  /** Somebody, not only a group, has it. */
  assigned: z.boolean().default(false),
  /** Its `sys_mod_count`. */
  mod_count: looseText,
  priority: looseText,
  short_description: looseText,
  service: looseText,
  environment: looseText,
  correlation_id: looseText,
  /** UTC, `2026-11-20 10:00:00`. */
  opened_at: z.string().max(64),
  resolved_at: looseText,
  /** When it was last opened again: its `reopened_time`, empty where the instance has none. */
  reopened_at: looseText,
  updated_at: looseText,
  url: looseText,
});

export type ServicenowWebhook = z.infer<typeof servicenowWebhookSchema>;
