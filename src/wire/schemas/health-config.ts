// Configuration of health checks: the places that verifications may ask, by name.

import { z } from "zod";
import { sqlDatabaseSchema } from "./executors-config.ts";
import { secretRefSchema } from "./credentials-config.ts";

const objectiveSchema = z.strictObject({
  environment: z.string().min(1).max(128),
  service: z.string().min(1).max(128),
  /** One of `endpoints`: its Prometheus. */
  endpoint: z.string().max(63),
  /** A query that gives the share of bad requests over the objective's window. */
  badShare: z.string().min(1).max(2_000),
  /** 0.999: of a thousand requests one may be bad. */
  objective: z.number().min(0.5).max(0.999_999),
  /** So much of the budget has to be left for changes to go alone. */
  minimumBudget: z.number().min(0).max(1).default(0.1),
});
export type Objective = z.infer<typeof objectiveSchema>;

const NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

const healthSchema = z.strictObject({
  endpoints: z
    .record(
      z.string().max(63).regex(NAME),
      z.strictObject({
        /** https://shop.example, or a Prometheus; plain HTTP on this machine alone. */
        baseUrl: z.string().max(256),
        /** The secret that is sent as a bearer token. */
        tokenRef: secretRefSchema.optional(),
      }),
    )
    .default({}),
  /** PostgreSQL databases that SQL checks may ask, each as a user that can read and nothing else. */
  databases: z
    .record(
      z.string().max(63).regex(NAME),
      sqlDatabaseSchema.omit({ name: true, environment: true, service: true, lockTimeoutMs: true }),
    )
    .default({}),
  /** What services promise: read before changes to them are decided. */
  objectives: z
    .array(objectiveSchema)
    .max(1_000)
    .refine(
      (all) => new Set(all.map(({ environment, service }) => `${environment}|${service}`)).size === all.length,
      "a service has two objectives",
    )
    .default([]),
  /** For one sample, all of its checks together. */
  timeoutMs: z.int().min(100).max(60_000).default(5_000),
});
export const healthConfigSchema = healthSchema.refine(
  ({ endpoints, objectives }) => objectives.every(({ endpoint }) => Object.hasOwn(endpoints, endpoint)),
  "an objective names no endpoint",
);
export type HealthConfig = z.infer<typeof healthConfigSchema>;
