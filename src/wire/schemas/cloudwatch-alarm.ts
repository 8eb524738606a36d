// A CloudWatch alarm as Amazon SNS carries it, inside a message.

import { z } from "zod";
import { optionalText } from "./payload.ts";

const dimensions = z
  .array(z.object({ name: z.string().max(256), value: z.string().max(1024) }))
  .max(64)
  .nullish();

const statistic = z.object({ Metric: z.object({ Dimensions: dimensions }).nullish() });

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
export const cloudwatchAlarmSchema = z.object({
  AlarmName: z.string().max(1024),
  AlarmDescription: optionalText,
  AWSAccountId: z.string().max(32),
  NewStateValue: z.enum(["ALARM", "OK", "INSUFFICIENT_DATA"]),
  NewStateReason: optionalText,
  /** `2026-11-20T10:00:00.000+0000`. */
  StateChangeTime: z.string().max(64),
  Region: optionalText,
  AlarmArn: optionalText,
  /** Which of its time series the message is about, where an alarm has many: each has messages of its own. */
  AlarmContributorId: optionalText,
  AlarmContributorAttributes: z.record(z.string().max(256), z.string().max(1024)).nullish(),
  Trigger: z
    .object({
      MetricName: optionalText,
      Namespace: optionalText,
      Dimensions: dimensions,
      /** Of an alarm on several metrics, or on mathematics over them, instead of its own dimensions. */
      Metrics: z
        .array(z.object({ MetricStat: statistic.nullish() }))
        .max(500)
        .nullish(),
    })
    .nullish(),
});

export type CloudwatchAlarm = z.infer<typeof cloudwatchAlarmSchema>;
