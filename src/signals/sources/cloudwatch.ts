// CloudWatch alarms: as EventBridge tells of them, and as they come through SNS.

import type { CloudwatchAlarm } from "../../wire/schemas/cloudwatch-alarm.ts";
import type { AlarmDetail, EventbridgeEvent } from "../../wire/schemas/eventbridge.ts";
import type { RawAlert } from "../raw-alert.ts";
import { labelsInText, rfc3339FromAmazon } from "./tags.ts";

/**
 * None for a change to INSUFFICIENT_DATA, which says neither that something fails nor that it works. One alarm is one
 * occurrence: what an end says of the state before it is no name of the firing, since a new reason moves its time, and
 * between the two there may have been no data.
 */
export function alarmFromEvent(event: EventbridgeEvent, detail: AlarmDetail): readonly RawAlert[] {
  const status = statusOf(detail.state.value);
  if (status === null) return [];
  const before = detail.previousState;
  const changedAt = rfc3339FromAmazon(detail.state.timestamp);
  const beganAt = before?.value === "ALARM" ? rfc3339FromAmazon(before.timestamp) : changedAt;
  const startsAt = status === "firing" ? changedAt : beganAt;
  return [{ ...ofEvent(event, detail), status, startsAt, endsAt: status === "firing" ? "" : changedAt }];
}

/** Who deletes an alarm that fires ends it: nothing else will tell of it again. */
export function endOfDeletedAlarm(event: EventbridgeEvent, detail: AlarmDetail): readonly RawAlert[] {
  if (detail.operation !== "delete" || detail.state.value !== "ALARM") return [];
  const startsAt = rfc3339FromAmazon(detail.state.timestamp);
  const annotations = new Map([["description", "the alarm was deleted while it fired"]]);
  return [{ ...ofEvent(event, detail), annotations, status: "resolved", startsAt, endsAt: event.time }];
}

function ofEvent(event: EventbridgeEvent, detail: AlarmDetail) {
  const metrics = (detail.configuration?.metrics ?? []).flatMap(({ metricStat }) => metricStat?.metric ?? []);
  const dimensions = metrics.flatMap(({ dimensions: of }) => Object.entries(of ?? {}));
  const series = Object.entries(detail.alarmContributor?.attributes ?? {});
  const alarm = event.resources[0] ?? `${event.account} ${event.region} ${detail.alarmName}`;
  return {
    ...describe({
      name: detail.alarmName,
      description: detail.configuration?.description ?? "",
      account: event.account,
      region: event.region,
      dimensions: [...series, ...dimensions],
    }),
    fingerprint: seriesOf(alarm, detail.alarmContributor?.id),
    occurrence: "alarm",
    isDated: true,
  } as const;
}

/** As `alarmFromEvent`. */
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
        dimensions: dimensionsOf(alarm),
      }),
      status,
      startsAt: at,
      endsAt: status === "firing" ? "" : at,
      fingerprint: seriesOf(`${alarm.AWSAccountId} ${alarm.AlarmArn} ${alarm.AlarmName}`, alarm.AlarmContributorId),
      occurrence: "alarm",
      isDated: true,
    },
  ];
}

/** Of an alarm with many time series each fires and ends by itself. */
function seriesOf(alarm: string, contributor: string | undefined): string {
  return contributor === undefined || contributor === "" ? alarm : `${alarm} ${contributor}`;
}

/** Those of the one time series that it is about, where it is about one, come first. */
function dimensionsOf({ Trigger: trigger, AlarmContributorAttributes: series }: CloudwatchAlarm): [string, string][] {
  const ofMetrics = (trigger?.Metrics ?? []).flatMap(({ MetricStat: stat }) => stat?.Metric?.Dimensions ?? []);
  const dimensions = [...(trigger?.Dimensions ?? []), ...ofMetrics];
  return [...Object.entries(series ?? {}), ...dimensions.map(({ name, value }): [string, string] => [name, value])];
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
