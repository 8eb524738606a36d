// CloudWatch alarms: as EventBridge tells of them, and as they come through SNS.

import type { CloudwatchAlarm } from "../../wire/schemas/cloudwatch-alarm.ts";
import type { AlarmDetail, EventbridgeEvent } from "../../wire/schemas/eventbridge.ts";
import type { RawAlert } from "../raw-alert.ts";
import { labelsInText, rfc3339FromAmazon } from "./tags.ts";

/** None for a change to INSUFFICIENT_DATA, which says neither that something fails nor that it works. */
export function alarmFromEvent(event: EventbridgeEvent, detail: AlarmDetail): readonly RawAlert[] {
  const status = statusOf(detail.state.value);
  if (status === null) return [];
  const before = detail.previousState;
  const changedAt = rfc3339FromAmazon(detail.state.timestamp);
  const beganAt = before?.value === "ALARM" ? rfc3339FromAmazon(before.timestamp) : changedAt;
  const metrics = (detail.configuration?.metrics ?? []).flatMap(({ metricStat }) => metricStat?.metric ?? []);
  const dimensions = metrics.flatMap(({ dimensions: of }) => Object.entries(of ?? {}));
  return [
    {
      ...describe({
        name: detail.alarmName,
        description: detail.configuration?.description ?? "",
        account: event.account,
        region: event.region,
        dimensions,
      }),
      status,
      startsAt: status === "firing" ? changedAt : beganAt,
      endsAt: status === "firing" ? "" : changedAt,
      fingerprint: event.resources[0] ?? `${event.account} ${event.region} ${detail.alarmName}`,
    },
  ];
}

/** As `alarmFromEvent`. A message names no beginning of what has ended, so one alarm is one occurrence. */
export function alarmFromMessage(alarm: CloudwatchAlarm): readonly RawAlert[] {
  const status = statusOf(alarm.NewStateValue);
  if (status === null) return [];
  const at = rfc3339FromAmazon(alarm.StateChangeTime);
  return [
    {
      ...describe({
        name: alarm.AlarmName,
        description: alarm.AlarmDescription,
        account: alarm.AWSAccountId,
        region: alarm.Region,
        dimensions: dimensionsOf(alarm).map(({ name, value }) => [name, value]),
      }),
      status,
      startsAt: at,
      endsAt: status === "firing" ? "" : at,
      fingerprint: `${alarm.AWSAccountId} ${alarm.AlarmArn} ${alarm.AlarmName}`,
      occurrence: "alarm",
    },
  ];
}

function dimensionsOf({ Trigger: trigger }: CloudwatchAlarm): readonly { name: string; value: string }[] {
  const ofMetrics = (trigger?.Metrics ?? []).flatMap(({ MetricStat: stat }) => stat?.Metric?.Dimensions ?? []);
  return [...(trigger?.Dimensions ?? []), ...ofMetrics];
}

function statusOf(value: string): "firing" | "resolved" | null {
  return value === "ALARM" ? "firing" : value === "OK" ? "resolved" : null;
}

type Alarm = {
  readonly name: string;
  readonly description: string;
  readonly account: string;
  readonly region: string;
  readonly dimensions: readonly (readonly [string, string])[];
};

/** The first of two dimensions with one name counts; what the description says counts more than a dimension. */
function describe({ name, description, account, region, dimensions }: Alarm) {
  const labels = new Map<string, string>([...dimensions].reverse());
  for (const [label, value] of [["account", account] as const, ["region", region] as const]) labels.set(label, value);
  for (const [label, value] of labelsInText(description)) labels.set(label, value);
  return {
    detectorKind: "cloudwatch",
    name,
    labels,
    annotations: new Map([["description", description]]),
    links: [],
  };
}
