// Amazon SNS: what a notification carries, once its signature has been checked.

import { cloudwatchAlarmSchema } from "../../wire/schemas/cloudwatch-alarm.ts";
import { parsePayload } from "../../wire/schemas/payload.ts";
import { snsMessageSchema } from "../../wire/schemas/sns.ts";
import type { RawAlert } from "../raw-alert.ts";
import { alarmFromMessage } from "./cloudwatch.ts";
import type { SourceDelivery } from "./delivery.ts";
import { readEventbridge } from "./eventbridge.ts";
import { genericAlert } from "./generic.ts";

/** A confirmation is no signal. A message that is neither an alarm nor an event is an alert named by its subject. */
export function readSns({ body }: SourceDelivery): readonly RawAlert[] {
  const envelope = parsePayload(snsMessageSchema, body, "a message of Amazon SNS");
  if (envelope.Type !== "Notification") return [];
  const message = jsonOf(envelope.Message);
  if (isRecord(message) && "AlarmName" in message) {
    return alarmFromMessage(parsePayload(cloudwatchAlarmSchema, message, "a CloudWatch alarm"));
  }
  if (isRecord(message) && "detail-type" in message) return readEventbridge({ body: message });
  const alert = genericAlert(message, {
    detectorKind: "sns",
    name: envelope.Subject ?? "",
    startsAt: envelope.Timestamp,
    eventId: envelope.MessageId,
  });
  return [isRecord(message) ? alert : { ...alert, annotations: new Map([["description", envelope.Message]]) }];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
