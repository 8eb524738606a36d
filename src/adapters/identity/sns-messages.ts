// Amazon SNS: a message's signature and age checked, and subscriptions to configured topics confirmed.

import { verify, X509Certificate } from "node:crypto";
import { AppError } from "../../core/errors.ts";
import { instantFromRfc3339 } from "../../core/rfc3339.ts";
import type { Egress } from "../../wire/contracts/egress.ts";
import type { SourceFile } from "../../wire/schemas/identity.ts";
import { parsePayload } from "../../wire/schemas/payload.ts";
import { snsMessageSchema, type SnsMessage } from "../../wire/schemas/sns.ts";

/** SNS repeats a delivery for an hour at most with an HTTPS subscription's delivery policy. */
const AGE_MAX_MS = 70 * 60_000;
const AHEAD_MAX_MS = 10 * 60_000;
const CERTIFICATES_MAX = 16;
const CALL_TIMEOUT_MS = 5_000;
const CERTIFICATE_PATH = /^\/SimpleNotificationService-[0-9a-f]{8,64}\.pem$/;

type At = { readonly source: SourceFile; readonly receivedAtMs: number };

export class SnsMessages {
  readonly #egress: Egress;
  /** By address. Only certificates that were in force when they were fetched. */
  readonly #certificates = new Map<string, X509Certificate>();

  constructor(egress: Egress) {
    this.#egress = egress;
  }

  /**
   * Resolves for a message of a configured topic that Amazon signed; a subscription to such a topic is confirmed on the
   * way. Rejects with `source-secret-invalid` for any other, and with `target-unavailable` when Amazon had to be asked
   * and could not be: then SNS repeats the message.
   */
  async accept(body: unknown, at: At): Promise<void> {
    const message = parsePayload(snsMessageSchema, body, "a message of Amazon SNS");
    if (at.source.topics?.includes(message.TopicArn) !== true) throw refused("the topic is not one of this source");
    checkAge(message, at.receivedAtMs);
    const origin = originOf(message.TopicArn);
    const certificates = await this.#certificatesOf(message, { ...at, origin });
    if (!certificates.some((certificate) => isSignedBy(message, certificate))) {
      throw refused("Amazon has not signed this message");
    }
    if (message.Type === "SubscriptionConfirmation") await this.#confirm(message, origin);
  }

  async #certificatesOf(message: SnsMessage, at: At & { origin: string }): Promise<readonly X509Certificate[]> {
    const pinned = at.source.certificates ?? [];
    const found =
      pinned.length > 0
        ? pinned.map((pem) => readCertificate(pem) ?? refuse("a pinned certificate is none"))
        : [await this.#fetched(message.SigningCertURL, at.origin)];
    return found.filter((certificate) => isInForce(certificate, at.receivedAtMs));
  }

  async #fetched(address: string, origin: string): Promise<X509Certificate> {
    const url = URL.parse(address);
    if (url?.origin !== origin || !CERTIFICATE_PATH.test(url.pathname) || url.search !== "") {
      throw refused("the certificate is not where Amazon keeps those of this topic's region");
    }
    const known = this.#certificates.get(url.href);
    if (known !== undefined) return known;
    const certificate = certificateIn(await this.#get(origin, url.pathname));
    if (this.#certificates.size >= CERTIFICATES_MAX) this.#certificates.clear();
    this.#certificates.set(url.href, certificate);
    return certificate;
  }

  /** Only the one address that confirms this very topic in its own region is ever visited. */
  async #confirm(message: SnsMessage & { SubscribeURL: string }, origin: string): Promise<void> {
    const url = URL.parse(message.SubscribeURL);
    const query = url?.searchParams;
    const isMeant = query?.get("Action") === "ConfirmSubscription" && query.get("TopicArn") === message.TopicArn;
    if (url?.origin !== origin || url.pathname !== "/" || !isMeant) {
      throw refused("the address that confirms is not Amazon's for this topic");
    }
    await this.#get(origin, `/${url.search}`);
  }

  async #get(origin: string, path: string): Promise<string> {
    const request = { method: "GET", origin, path, headers: { accept: "*/*" } } as const;
    const answer = await this.#egress.callTo(origin)(request, AbortSignal.timeout(CALL_TIMEOUT_MS));
    if (answer.kind === "answered" && answer.status === 200) return answer.body;
    const why = answer.kind === "answered" ? String(answer.status) : answer.code;
    throw new AppError("target-unavailable", `${origin} was asked and answered nothing usable: ${why}`, { origin });
  }
}

function refused(detail: string): AppError {
  return new AppError("source-secret-invalid", detail);
}

function refuse(detail: string): never {
  throw refused(detail);
}

/** SNS keeps the certificates of a topic, and confirms subscriptions to it, at its region's own endpoint. */
function originOf(topicArn: string): string {
  const [, partition, , region] = topicArn.split(":");
  return `https://sns.${region}.amazonaws.com${partition === "aws-cn" ? ".cn" : ""}`;
}

function checkAge({ Timestamp }: SnsMessage, receivedAtMs: number): void {
  const at = instantFromRfc3339(Timestamp);
  if (at === undefined || at > receivedAtMs + AHEAD_MAX_MS || at < receivedAtMs - AGE_MAX_MS) {
    throw refused("the message is too old, or from the future");
  }
}

function certificateIn(pem: string): X509Certificate {
  const certificate = readCertificate(pem);
  const isOfSns = /(?:^|\n)CN=sns(?:\.[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?(?:\n|$)/.test(certificate?.subject ?? "");
  return certificate !== undefined && isOfSns ? certificate : refuse("Amazon answered no certificate of SNS");
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function isInForce({ validFrom, validTo }: X509Certificate, nowMs: number): boolean {
  return Date.parse(validFrom) <= nowMs && nowMs <= Date.parse(validTo);
}

/** The members that are signed, in this order, each with its value on a line of its own. */
function signedText(message: SnsMessage): string {
  const { Message, MessageId, Timestamp, TopicArn, Type } = message;
  const members: readonly (readonly [string, string])[] =
    message.Type === "Notification"
      ? [
          ["Message", Message],
          ["MessageId", MessageId],
          ...(message.Subject === null || message.Subject === undefined ? [] : [["Subject", message.Subject] as const]),
          ["Timestamp", Timestamp],
          ["TopicArn", TopicArn],
          ["Type", Type],
        ]
      : [
          ["Message", Message],
          ["MessageId", MessageId],
          ["SubscribeURL", message.SubscribeURL],
          ["Timestamp", Timestamp],
          ["Token", message.Token],
          ["TopicArn", TopicArn],
          ["Type", Type],
        ];
  return members.map(([name, value]) => `${name}\n${value}\n`).join("");
}

// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
function isSignedBy(message: SnsMessage, certificate: X509Certificate): boolean {
  const algorithm = message.SignatureVersion === "2" ? "sha256" : "sha1";
  const signature = Buffer.from(message.Signature, "base64");
  return verify(algorithm, Buffer.from(signedText(message), "utf8"), certificate.publicKey, signature);
}
