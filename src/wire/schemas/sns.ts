// A message of Amazon SNS to an HTTPS endpoint: a notification, or the confirmation of a subscription.

import { z } from "zod";

const common = {
  MessageId: z.string().max(128),
  TopicArn: z.string().max(512),
  Message: z.string().max(524_288),
  Timestamp: z.string().max(64),
  SignatureVersion: z.enum(["1", "2"]),
  Signature: z.string().max(4096),
  SigningCertURL: z.string().max(1024),
};
const confirmation = { ...common, Token: z.string().max(4096), SubscribeURL: z.string().max(4096) };

// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
export const snsMessageSchema = z.discriminatedUnion("Type", [
  z.object({ ...common, Type: z.literal("Notification"), Subject: z.string().max(1024).nullish() }),
  z.object({ ...confirmation, Type: z.literal("SubscriptionConfirmation") }),
  z.object({ ...confirmation, Type: z.literal("UnsubscribeConfirmation") }),
]);

export type SnsMessage = z.infer<typeof snsMessageSchema>;
