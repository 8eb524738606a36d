// A CloudWatch alarm as Amazon SNS carries it, inside a message.

import { z } from "zod";
import { optionalText } from "./payload.ts";

const dimension = z.object({ name: z.string().max(256), value: z.string().max(1024) });

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
  Trigger: z
    .object({
      MetricName: optionalText,
      Namespace: optionalText,
      Dimensions: z.array(dimension).max(64).nullish(),
    })
    .nullish(),
});

export type CloudwatchAlarm = z.infer<typeof cloudwatchAlarmSchema>;
