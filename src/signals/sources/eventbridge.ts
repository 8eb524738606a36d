// EventBridge through an API destination: CloudWatch alarms, and any other event by its detail.

import {
  alarmDetailSchema,
  eventbridgeSchema,
  type AlarmDetail,
  type EventbridgeEvent,
} from "../../wire/schemas/eventbridge.ts";
import { parsePayload } from "../../wire/schemas/payload.ts";
import type { RawAlert } from "../raw-alert.ts";
import { alarmFromEvent, endOfDeletedAlarm } from "./cloudwatch.ts";
import type { SourceDelivery } from "./delivery.ts";
import { genericAlert } from "./generic.ts";

/** Of an alarm, and of one time series of an alarm that has many. */
const STATE_CHANGES: ReadonlySet<string> = new Set([
  "CloudWatch Alarm State Change",
  "CloudWatch Alarm Contributor State Change",
]);

/** What else CloudWatch tells of is how its alarms are configured, which is no alert, but may be the end of one. */
export function readEventbridge({ body }: Pick<SourceDelivery, "body">): readonly RawAlert[] {
  const event = parsePayload(eventbridgeSchema, body, "an EventBridge event");
  const type = event["detail-type"];
  if (STATE_CHANGES.has(type)) return alarmFromEvent(event, alarmOf(event));
  if (event.source !== "aws.cloudwatch") return [anyEvent(event)];
  return type === "CloudWatch Alarm Configuration Change" ? endOfDeletedAlarm(event, alarmOf(event)) : [];
}

function alarmOf({ detail }: EventbridgeEvent): AlarmDetail {
  return parsePayload(alarmDetailSchema, detail, "a CloudWatch alarm");
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
