// OpenTelemetry logs and metrics as OTLP 1.x has them in JSON, as far as signals are made of them; and thresholds.

import { z } from "zod";

const RECORDS_MAX = 10_000;

/** Only scalars are read: lists and maps inside attributes and bodies are passed over. */
const anyValue = z
  .object({
    stringValue: z.string().optional(),
    boolValue: z.boolean().optional(),
    intValue: z.union([z.string(), z.number()]).optional(),
    doubleValue: z.union([z.number(), z.string()]).optional(),
  })
  .nullish();

const attributes = z
  .array(z.object({ key: z.string().max(1024), value: anyValue }))
  .max(256)
  .nullish();
/** Nanoseconds since the epoch; 0 or absent for unknown. */
const nanos = z.union([z.string().regex(/^\d{1,20}$/), z.number()]).nullish();
const hexId = z
  .string()
  .regex(/^(?:[0-9A-Fa-f]{16}|[0-9A-Fa-f]{32})?$/)
  .nullish();
const resource = z.object({ attributes }).nullish();

/** One record of a log. */
export const otlpLogRecordSchema = z.object({
  timeUnixNano: nanos,
  observedTimeUnixNano: nanos,
  severityNumber: z.int().nullish(),
  severityText: z.string().max(1024).nullish(),
  eventName: z.string().max(1024).nullish(),
  body: anyValue,
  attributes,
  traceId: hexId,
  spanId: hexId,
});

// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
export const otlpLogsSchema = z.object({
  resourceLogs: z
    .array(
      z.object({
        resource,
        scopeLogs: z
          .array(
            z.object({
              scope: z.object({ name: z.string().max(1024).nullish() }).nullish(),
              logRecords: z.array(otlpLogRecordSchema).max(RECORDS_MAX).nullish(),
            }),
          )
          .max(1000)
          .nullish(),
      }),
    )
    .max(1000)
    .default([]),
});

export type OtlpLogRecord = z.infer<typeof otlpLogRecordSchema>;
export type OtlpAttributes = z.infer<typeof attributes>;

/** One number of a gauge or a sum. */
export const otlpPointSchema = z.object({
  attributes,
  timeUnixNano: nanos,
  asDouble: z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity"])]).nullish(),
  asInt: z.union([z.string().regex(/^-?\d{1,19}$/), z.number()]).nullish(),
});
const points = z.object({ dataPoints: z.array(otlpPointSchema).max(RECORDS_MAX).nullish() }).nullish();

export const otlpMetricsSchema = z.object({
  resourceMetrics: z
    .array(
      z.object({
        resource,
        scopeMetrics: z
          .array(
            z.object({
              metrics: z
                .array(z.object({ name: z.string().max(1024), gauge: points, sum: points }))
                .max(RECORDS_MAX)
                .nullish(),
            }),
          )
          .max(1000)
          .nullish(),
      }),
    )
    .max(1000)
    .default([]),
});

export type OtlpMetrics = z.infer<typeof otlpMetricsSchema>;
export type OtlpPoint = z.infer<typeof otlpPointSchema>;

/** When a gauge or a sum is an alert. */
export const otlpThresholdSchema = z
  .strictObject({
    /** Name of the alert: `HighErrorRate`. */
    name: z.string().min(1).max(128),
    metric: z.string().min(1).max(256),
    /** A value beyond either fires; a value within both ends it. */
    above: z.number().optional(),
    below: z.number().optional(),
    /** Only points with all of these attributes. */
    attributes: z.record(z.string().max(256), z.string().max(1024)).default({}),
    severity: z.string().max(64).default(""),
  })
  .refine(({ above, below }) => above !== undefined || below !== undefined, "a threshold needs above or below");

export type OtlpThreshold = z.infer<typeof otlpThresholdSchema>;
