// EventBridge through an API destination: CloudWatch alarms, and any other event by its detail.

import { alarmDetailSchema, eventbridgeSchema, type EventbridgeEvent } from "../../wire/schemas/eventbridge.ts";
import { parsePayload } from "../../wire/schemas/payload.ts";
import type { RawAlert } from "../raw-alert.ts";
import { alarmFromEvent } from "./cloudwatch.ts";
import type { SourceDelivery } from "./delivery.ts";
import { genericAlert } from "./generic.ts";

export function readEventbridge({ body }: Pick<SourceDelivery, "body">): readonly RawAlert[] {
  const event = parsePayload(eventbridgeSchema, body, "an EventBridge event");
  if (event["detail-type"] !== "CloudWatch Alarm State Change") return [anyEvent(event)];
  return alarmFromEvent(event, parsePayload(alarmDetailSchema, event.detail, "a CloudWatch alarm state change"));
}

function anyEvent(event: EventbridgeEvent): RawAlert {
  const alert = genericAlert(event.detail, {
    detectorKind: event.source,
    name: event["detail-type"],
    startsAt: event.time,
    eventId: event.id,
  });
  return { ...alert, labels: new Map([["account", event.account], ["region", event.region], ...alert.labels]) };
}
