// CloudEvents 1.0, and what the data of an event or a detail may say about an alert in our own words.

import { z } from "zod";
import { optionalText } from "./payload.ts";

const words = z.record(z.string().max(256), z.union([z.string(), z.number(), z.boolean()])).default({});

/** Members with a meaning; other scalars beside them become labels. Every member may be absent. */
export const genericAlertSchema = z.object({
  name: optionalText,
  status: optionalText,
  /** RFC 3339. */
  startsAt: optionalText,
  endsAt: optionalText,
  /** The same for the firing and its end. */
  fingerprint: optionalText,
  labels: words,
  annotations: words,
  links: z.array(z.string().max(4096)).max(16).default([]),
});

const attribute = z.string().min(1).max(1024);

// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
export const cloudEventSchema = z.looseObject({
  specversion: z.literal("1.0"),
  id: attribute,
  source: attribute,
  type: attribute,
  subject: optionalText,
  time: optionalText,
  data: z.unknown().optional(),
  data_base64: z.string().optional(),
});

const DEFINED = new Set([...Object.keys(cloudEventSchema.shape), "datacontenttype", "dataschema"]);
const EXTENSIONS_MAX = 32;

/** Extension attributes (section 3.1.1), as text. */
export function extensionsOf(event: CloudEvent): [string, string][] {
  const extensions = Object.entries(event).flatMap(([name, value]): [string, string][] => {
    if (DEFINED.has(name) || !/^[a-z0-9]{1,64}$/.test(name)) return [];
    return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
      ? [[name, String(value)]]
      : [];
  });
  return extensions.slice(0, EXTENSIONS_MAX);
}

export type CloudEvent = z.infer<typeof cloudEventSchema>;

export const cloudEventBatchSchema = z.array(cloudEventSchema).max(1000);
