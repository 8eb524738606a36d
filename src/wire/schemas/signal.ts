// Signals as they are served, and the mapping that says how a source's labels become one.

import { z } from "zod";
import type { QuarantinedSignal, Signal } from "../types/signal.ts";

const CLAIMED = ["none", "low", "medium", "high", "sev1"] as const;
const instant = z.int().describe("Milliseconds since the Unix epoch");
const name = z.string().regex(/^[a-z0-9][a-z0-9._/-]{0,127}$/);

export const signalSchema = z.strictObject({
  source: z.string().max(64),
  detector: z.string().max(128),
  status: z.enum(["firing", "resolved"]),
  nature: z.literal("change").optional(),
  derived: z.literal(true).optional(),
  dated: z.literal(true).optional(),
  endless: z.literal(true).optional(),
  environment: name,
  service: name,
  component: name.nullable(),
  signature: z.string().regex(/^[0-9a-f]{64}$/),
  failure: z.string().regex(/^[0-9a-f]{64}$/),
  deliveryKey: z.string().max(128),
  claimedSeverity: z.enum(CLAIMED),
  impactEstimate: z.number().min(0).max(1).nullable(),
  correlationIds: z.array(z.string().max(64)).max(16),
  startedAt: instant,
  endedAt: instant.nullable(),
  title: z.string().max(200),
  summary: z.string().max(1000),
  labels: z.record(z.string().max(128), z.string().max(256)),
  pointers: z.array(z.string().max(400)).max(8),
  redactions: z.int().min(0),
}) satisfies z.ZodType<Signal>;

export const quarantinedSignalSchema = z.strictObject({
  source: z.string().max(64),
  deliveryKey: z.string().max(128),
  reason: z.enum([
    "environment-missing",
    "service-missing",
    "name-suspicious",
    "timestamp-implausible",
    "too-many-labels",
  ]),
  excerpt: z.string().max(2000),
}) satisfies z.ZodType<QuarantinedSignal>;

const labelName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_./-]{0,127}$/)
  .refine((text) => text !== "__proto__", "not a label name");
const labelNames = (...names: string[]): z.ZodDefault<z.ZodArray<typeof labelName>> =>
  z.array(labelName).max(64).default(names);

const KEPT_LABELS =
  "alertname team owner tier cluster region zone namespace node instance pod container deployment statefulset daemonset " +
  "cronjob persistentvolumeclaim device mountpoint queue topic consumergroup database method route code reason phase repository " +
  "condition slo sli version release long_window short_window";

/** Configuration of one source; `signalMappingSchema.parse({})` is the standard mapping of docs/signals.md. */
export const signalMappingSchema = z.strictObject({
  /** The first of these labels that is present and not empty wins; the same for services and components. */
  environmentLabels: labelNames("environment", "env"),
  serviceLabels: labelNames("service", "app", "app_kubernetes_io_name", "app.kubernetes.io/name", "job"),
  componentLabels: labelNames("component", "app_kubernetes_io_component", "app.kubernetes.io/component"),
  /** The most severe claim among these wins. */
  severityLabels: labelNames("severity", "priority"),
  severities: z.record(z.string().max(64), z.enum(CLAIMED)).default({
    sev1: "sev1",
    p1: "sev1",
    critical: "high",
    page: "high",
    high: "high",
    error: "high",
    sev2: "high",
    p2: "high",
    warning: "medium",
    warn: "medium",
    medium: "medium",
    sev3: "medium",
    p3: "medium",
    info: "low",
    informational: "low",
    notice: "low",
    low: "low",
    sev4: "low",
    p4: "low",
    sev5: "low",
    p5: "low",
  }),
  /** Used when no label names one; null: such a signal is quarantined. */
  defaultEnvironment: z.string().max(128).nullable().default(null),
  defaultService: z.string().max(128).nullable().default(null),
  /** Labels that survive beside those named above. */
  keptLabels: z.array(labelName).max(256).default(KEPT_LABELS.split(" ")),
  /** Labels whose values tell two failures with the same name apart. */
  identityLabels: labelNames("slo", "sli", "queue", "topic", "reason", "mountpoint", "persistentvolumeclaim"),
  /** Labels whose values are names of instances, removed from titles before they are compared. */
  instanceLabels: labelNames("pod", "instance", "node", "host", "hostname", "container_id", "replica"),
  /** Label or annotation with the fraction of traffic affected: `0.25` or `25%`. */
  impactNames: labelNames("impact_estimate", "impact"),
  correlationNames: labelNames(
    "trace_id",
    "traceid",
    "traceID",
    "span_id",
    "correlation_id",
    "request_id",
    "ticket",
    "incident",
  ),
  pointerAnnotations: labelNames(
    "runbook_url",
    "runbook",
    "dashboard_url",
    "dashboard",
    "dashboardURL",
    "panelURL",
    "log_url",
    "logs_url",
  ),
  /** Null: as `signals.redact.ipAddresses` of the configuration says. */
  redactIpAddresses: z.boolean().nullable().default(null),
  /** Relays what others detected, or is made by an AI: its signals confirm no major incident. */
  derived: z.boolean().default(false),
});

export type SignalMapping = z.infer<typeof signalMappingSchema>;
