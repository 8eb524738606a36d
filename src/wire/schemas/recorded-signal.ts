// A signal read back from the record: what classifiers are asked about again, and what they said.

import { z } from "zod";
import { SEVERITIES } from "../types/classification.ts";
import type { Signal } from "../types/signal.ts";

const text = z.string().max(4_096);

/** A signal's content, as the API and exports give it. Members that this version does not know are left out. */
export const recordedSignalSchema = z.object({
  source: text,
  detector: text,
  status: z.enum(["firing", "resolved"]),
  environment: text,
  service: text,
  component: text.nullable(),
  signature: text,
  failure: text,
  deliveryKey: text,
  claimedSeverity: z.enum(["none", ...SEVERITIES]),
  impactEstimate: z.number().nullable(),
  correlationIds: z.array(text).max(64),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  title: text,
  summary: text,
  labels: z.record(z.string().max(1_024), text),
  pointers: z.array(text).max(64),
  redactions: z.number(),
}) satisfies z.ZodType<Signal>;

/** A recorded classification: of a view, or of `run.classified`. */
export const recordedClassificationSchema = z.object({
  severity: z.enum(SEVERITIES),
  confidencePpm: z.int().min(0).max(1_000_000),
  requiresTicket: z.boolean(),
  requiresPaging: z.boolean(),
  requiresMim: z.boolean(),
  team: text,
});
export type RecordedClassification = z.output<typeof recordedClassificationSchema>;
