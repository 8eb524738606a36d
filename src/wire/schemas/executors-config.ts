// Configuration of the executors: which systems they reach and which secrets they use, by reference.

import { z } from "zod";

const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);
const sysIdSchema = z.string().regex(/^[0-9a-f]{32}$/);
const secretRefSchema = z.string().regex(/^[a-z0-9][a-z0-9/._-]{0,127}$/);
const principalSchema = z.string().regex(/^[\x21-\x39\x3b-\x7e]{1,128}$/); // no colon: it ends the name in Basic

export const pagerdutyConfigSchema = z.strictObject({
  /** https://events.pagerduty.com, or https://events.eu.pagerduty.com for the EU region. */
  baseUrl: z.string().max(256).default("https://events.pagerduty.com"),
  /** Integration names; the routing key of `x` is the secret `pagerduty/x`. A service without its own uses `default`. */
  integrations: z.array(nameSchema).min(1).max(1000),
});
export type PagerdutyConfig = z.infer<typeof pagerdutyConfigSchema>;

export const servicenowConfigSchema = z.strictObject({
  /** https://example.service-now.com */
  baseUrl: z.string().max(256),
  auth: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("oauth"),
      clientId: principalSchema,
      clientSecretRef: secretRefSchema.default("servicenow/client-secret"),
    }),
    z.strictObject({
      kind: z.literal("basic"),
      user: principalSchema,
      passwordRef: secretRefSchema.default("servicenow/password"),
    }),
  ]),
  /** sys_id of the user that new incidents name as their caller. */
  caller: sysIdSchema.optional(),
  /** sys_id of the assignment group of each team. */
  assignmentGroups: z.record(z.string().min(1).max(64), sysIdSchema).default({}),
  /** Value of `state` for a canceled incident, where an instance has changed it. */
  canceledState: z.int().min(-99).max(99).default(8),
  /**
   * How long a write that nobody saw the end of may still take effect. ServiceNow ends a Table API transaction after
   * 60 s (quota rule "REST Table API request timeout"); the rest is for waiting in its queue.
   */
  settleMs: z.int().min(0).max(600_000).default(120_000),
});
export type ServicenowConfig = z.infer<typeof servicenowConfigSchema>;

export const executorsConfigSchema = z.strictObject({
  pagerduty: pagerdutyConfigSchema.optional(),
  servicenow: servicenowConfigSchema.optional(),
});
export type ExecutorsConfig = z.infer<typeof executorsConfigSchema>;
