// CloudEvents 1.0 over HTTP: structured, binary and batched.

import {
  cloudEventBatchSchema,
  cloudEventSchema,
  extensionsOf,
  type CloudEvent,
} from "../../wire/schemas/cloudevents.ts";
import { parsePayload } from "../../wire/schemas/payload.ts";
import type { RawAlert } from "../raw-alert.ts";
import { headerOf, type SourceDelivery } from "./delivery.ts";
import { genericAlert } from "./generic.ts";

/** HTTP protocol binding 1.0.2: the content type says structured or batched; `ce-specversion` says binary. */
export function readCloudEvents(delivery: SourceDelivery): readonly RawAlert[] {
  const type = headerOf(delivery, "content-type").toLowerCase();
  if (type.startsWith("application/cloudevents-batch")) {
    return parsePayload(cloudEventBatchSchema, delivery.body, "a batch of CloudEvents 1.0").map((event) =>
      alertOf(event, delivery),
    );
  }
  const given = headerOf(delivery, "ce-specversion") === "" ? delivery.body : binaryEvent(delivery);
  return [alertOf(parsePayload(cloudEventSchema, given, "a CloudEvent 1.0"), delivery)];
}

/** Header values are percent-encoded (section 3.1.3.2). */
function binaryEvent(delivery: SourceDelivery): Record<string, unknown> {
  const pairs = Object.keys(delivery.headers).flatMap((header): [string, unknown][] => {
    const value = header.startsWith("ce-") ? headerOf(delivery, header) : "";
    return value === "" ? [] : [[header.slice(3), decoded(value)]];
  });
  return { ...Object.fromEntries(pairs), data: delivery.body };
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function alertOf(event: CloudEvent, { receivedAtMs }: SourceDelivery): RawAlert {
  const alert = genericAlert(event.data_base64 === undefined ? event.data : jsonIn(event.data_base64), {
    detectorKind: "cloudevents",
    name: event.type,
    startsAt: event.time === "" ? receivedAtMs : event.time,
    eventId: `${event.source} ${event.id}`,
  });
  const subject: [string, string][] = event.subject === "" ? [] : [["subject", event.subject]];
  return { ...alert, labels: new Map([...subject, ...extensionsOf(event), ...alert.labels]) };
}

/** Data that is no JSON describes nothing: the attributes of the event stand alone. */
function jsonIn(base64: string): unknown {
  try {
    return JSON.parse(Buffer.from(base64, "base64").toString("utf8"));
  } catch {
    return null;
  }
}
