// Where secrets come from that are not files of the data folder: the environment of the process, a file, or a command.

import { z } from "zod";

export const secretRefSchema = z.string().regex(/^[a-z0-9][a-z0-9/._-]{0,127}$/);

const variableSchema = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "a name of an environment variable");
const absoluteSchema = z
  .string()
  .max(1_024)
  .regex(/^\/[^\0]+$/, "an absolute path");

const secretSourceSchema = z.union([
  z.strictObject({ env: variableSchema }),
  z.strictObject({ file: absoluteSchema }),
  z.strictObject({
    /** A program with its arguments, run without a shell; what it prints is the secret. */
    command: z.tuple([absoluteSchema], z.string().max(4_096)).refine((argv) => argv.length <= 64, "too many arguments"),
    /** Variables of this process that it gets beside PATH and HOME. */
    environment: z.array(variableSchema).max(64).default([]),
    timeoutMs: z.int().min(100).max(60_000).default(5_000),
  }),
]);
export type SecretSource = z.output<typeof secretSourceSchema>;

export const credentialsConfigSchema = z
  .record(secretRefSchema, secretSourceSchema)
  .refine((sources) => Object.keys(sources).length <= 1_000, "more than 1,000 secrets");
export type CredentialsConfig = z.output<typeof credentialsConfigSchema>;
