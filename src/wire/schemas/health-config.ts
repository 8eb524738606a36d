// Configuration of health checks: the places that verifications may ask, by name.

import { z } from "zod";
import { sqlDatabaseSchema } from "./executors-config.ts";
import { secretRefSchema } from "./credentials-config.ts";

const NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

export const healthConfigSchema = z.strictObject({
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
  /** For one sample, all of its checks together. */
  timeoutMs: z.int().min(100).max(60_000).default(5_000),
});
export type HealthConfig = z.infer<typeof healthConfigSchema>;
