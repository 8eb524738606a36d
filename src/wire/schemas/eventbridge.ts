// An event of Amazon EventBridge, as an API destination delivers it; CloudWatch alarms have a known `detail`.

import { z } from "zod";
import { optionalText } from "./payload.ts";

const state = z.object({
  value: z.string().max(64),
  reason: optionalText,
  /** `2019-10-02T17:04:40.989+0000`. */
  timestamp: z.string().max(64),
});

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
export const alarmDetailSchema = z.object({
  alarmName: z.string().max(1024),
  state,
  /** Of a change to how it is configured: `create`, `update` or `delete`. */
  operation: optionalText,
  previousState: state.nullish(),
  /** Which of its time series the event is about, where an alarm has many. */
  alarmContributor: z
    .object({
      id: z.string().max(1024),
      attributes: z.record(z.string().max(256), z.string().max(1024)).nullish(),
    })
    .nullish(),
  configuration: z
    .object({
      description: optionalText,
      metrics: z
        .array(
          z.object({
            metricStat: z
              .object({
                metric: z.object({
                  name: optionalText,
                  namespace: optionalText,
                  dimensions: z.record(z.string().max(256), z.string().max(1024)).nullish(),
                }),
              })
              .nullish(),
          }),
        )
        .max(500)
        .nullish(),
    })
    .nullish(),
});

export type AlarmDetail = z.infer<typeof alarmDetailSchema>;

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
export const eventbridgeSchema = z.object({
  id: z.string().max(256),
  "detail-type": z.string().max(256),
  source: z.string().max(256),
  account: z.string().max(32),
  time: z.string().max(64),
  region: optionalText,
  resources: z.array(z.string().max(2048)).max(256).default([]),
  detail: z.record(z.string(), z.unknown()),
});

export type EventbridgeEvent = z.infer<typeof eventbridgeSchema>;
