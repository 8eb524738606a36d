// Messages of Amazon SNS as Amazon would sign them, under a key of the test's own.

import { sign, type KeyObject } from "node:crypto";

export const TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms";
const CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem";
export const SUBSCRIBE_URL = `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=2336412f37`;

export type SnsFields = Readonly<Record<string, string>>;

/** A notification unless `Type` says otherwise; signed over the members that AWS documents, in their order. */
export function snsMessage(key: KeyObject, nowMs: number, changed: SnsFields = {}): SnsFields {
  const isNotification = (changed["Type"] ?? "Notification") === "Notification";
  const message: SnsFields = {
    Type: "Notification",
    MessageId: "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
    TopicArn: TOPIC,
    Message: "The disk is full",
    Timestamp: new Date(nowMs).toISOString(),
    SignatureVersion: "2",
    SigningCertURL: CERTIFICATE_URL,
    ...(isNotification ? { Subject: "Disk full" } : { Token: "2336412f37", SubscribeURL: SUBSCRIBE_URL }),
    ...changed,
  };
  const names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
  const text = names.flatMap((name) => (message[name] === undefined ? [] : [`${name}\n${message[name]}\n`])).join("");
  const algorithm = message["SignatureVersion"] === "2" ? "sha256" : "sha1";
  return { ...message, Signature: sign(algorithm, Buffer.from(text), key).toString("base64") };
}
