// Configuration of the exports: which receivers get the records, where they are, and which secrets open them.

import { z } from "zod";
import { secretRefSchema } from "./credentials-config.ts";

const EXPORTERS_MAX = 8;

const baseUrlSchema = z.string().max(256);
const pathSchema = z
  .string()
  .regex(/^\/(?!\/)[\x21\x23-\x5b\x5d-\x7e]{0,511}$/, "a path begins with one / and is plain");
const plainSchema = z.string().regex(/^[\x21-\x7e]{1,128}$/);

const shared = {
  /** Texts beside the facts (signals, answers, arguments, reasons): left out, by their SHA-256, or as they are. */
  content: z.enum(["none", "hash", "full"]).default("none"),
  timeoutMs: z.int().min(1_000).max(120_000).default(30_000),
};

const splunkSchema = z.strictObject({
  ...shared,
  kind: z.literal("splunk-hec"),
  /** https://http-inputs-example.splunkcloud.com, or https://splunk.example:8088 */
  baseUrl: baseUrlSchema,
  tokenRef: secretRefSchema.default("splunk/hec-token"),
  index: plainSchema.optional(),
  source: plainSchema.default("holdpoint"),
  sourcetype: plainSchema.default("holdpoint:record"),
  /** How long indexers may take to acknowledge before the records are sent again. */
  ackTimeoutMs: z.int().min(1_000).max(600_000).default(120_000),
});
export type SplunkConfig = z.infer<typeof splunkSchema>;

const cloudwatchSchema = z.strictObject({
  ...shared,
  kind: z.literal("cloudwatch"),
  region: z.string().regex(/^[a-z]{2}(-[a-z]{1,12}){1,3}-[0-9]{1,2}$/),
  /** https://logs.<region>.amazonaws.com unless given, as for a VPC endpoint. */
  baseUrl: baseUrlSchema.optional(),
  logGroup: z.string().regex(/^[A-Za-z0-9_./#-]{1,512}$/),
  logStream: z.string().regex(/^[^:*\p{Cc}]{1,512}$/u),
  /** A secret that holds `{"accessKeyId", "secretAccessKey", "sessionToken"?}`. */
  credentialsRef: secretRefSchema.default("aws/credentials"),
});
export type CloudwatchConfig = z.infer<typeof cloudwatchSchema>;

const otlpSchema = z.strictObject({
  ...shared,
  kind: z.literal("otlp"),
  baseUrl: baseUrlSchema,
  path: pathSchema.default("/v1/logs"),
  /** A secret that holds the whole `Authorization` header. */
  authorizationRef: secretRefSchema.optional(),
});
export type OtlpConfig = z.infer<typeof otlpSchema>;

const ocsfFileSchema = z.strictObject({
  ...shared,
  kind: z.literal("ocsf-file"),
  /** A folder; relative to the data folder. */
  path: z.string().min(1).max(1_024).default("exports/ocsf"),
  /** A file that has reached this is put aside and a new one begun. */
  fileBytesMax: z.int().min(65_536).max(16_000_000_000).default(134_217_728),
  /** Files put aside that are kept; the oldest beyond are deleted. Without it, all are kept. */
  keepFiles: z.int().min(1).max(100_000).optional(),
});
export type OcsfFileConfig = z.infer<typeof ocsfFileSchema>;

const ocsfHttpsSchema = z.strictObject({
  ...shared,
  kind: z.literal("ocsf-https"),
  baseUrl: baseUrlSchema,
  path: pathSchema,
  authorizationRef: secretRefSchema.optional(),
});
export type OcsfHttpsConfig = z.infer<typeof ocsfHttpsSchema>;

const exporterConfigSchema = z.discriminatedUnion("kind", [
  splunkSchema,
  cloudwatchSchema,
  otlpSchema,
  ocsfFileSchema,
  ocsfHttpsSchema,
]);
export type ExporterConfig = z.infer<typeof exporterConfigSchema>;

/** By a name of one's own, which metrics and the position file carry. */
export const exportsConfigSchema = z
  .record(
    z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "an exporter's name is lower-case letters, digits and -"),
    exporterConfigSchema,
  )
  .refine((exporters) => Object.keys(exporters).length <= EXPORTERS_MAX, `at most ${EXPORTERS_MAX} exporters`);
export type ExportsConfig = z.infer<typeof exportsConfigSchema>;
