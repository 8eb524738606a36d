// EventBridge through an API destination: CloudWatch alarms, and any other event by its detail.

import { alarmDetailSchema, eventbridgeSchema, type EventbridgeEvent } from "../../wire/schemas/eventbridge.ts";
import { parsePayload } from "../../wire/schemas/payload.ts";
import type { RawAlert } from "../raw-alert.ts";
import { alarmFromEvent } from "./cloudwatch.ts";
import type { SourceDelivery } from "./delivery.ts";
import { genericAlert } from "./generic.ts";

/** Of an alarm, and of one time series of an alarm that has many. */
const STATE_CHANGES: ReadonlySet<string> = new Set([
  "CloudWatch Alarm State Change",
  "CloudWatch Alarm Contributor State Change",
]);

/** What else CloudWatch tells of is how its alarms are configured, which is no alert. */
export function readEventbridge({ body }: Pick<SourceDelivery, "body">): readonly RawAlert[] {
  const event = parsePayload(eventbridgeSchema, body, "an EventBridge event");
  if (!STATE_CHANGES.has(event["detail-type"])) return event.source === "aws.cloudwatch" ? [] : [anyEvent(event)];
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
