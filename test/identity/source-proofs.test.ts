// Signed deliveries: a vendor's signature over the exact bytes is the proof, and nothing else is.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { SnsMessages } from "../../src/adapters/identity/sns-messages.ts";
import { signedFor, SourceProofs } from "../../src/adapters/identity/source-proofs.ts";
import { isAppError, type ErrorCode } from "../../src/core/errors.ts";
import type { Answer, Egress } from "../../src/wire/contracts/egress.ts";
import { sourceFile, type SourceFile } from "../../src/wire/schemas/identity.ts";
import type { SourceKind } from "../../src/wire/types/source-kinds.ts";
import { makeCertificate } from "./certificate.ts";
import { snsMessage, SUBSCRIBE_URL, TOPIC, type SnsFields } from "./sns-message.ts";

const isCode = (code: ErrorCode) => (error: unknown) => isAppError(error, code);
const NOW = Date.parse("2026-11-20T10:00:00Z");
const AMAZON = makeCertificate("sns.amazonaws.com", NOW);
const CLOSED: Egress = {
  callTo: () => async () => ({ kind: "unsent", code: "origin-not-allowed" }),
  streamTo: () => () => Promise.resolve({ kind: "unsent" as const, code: "origin-not-allowed" as const }),
  fetchTo: () => () => Promise.reject(new TypeError("origin-not-allowed")),
  connectTo: () => () => Promise.reject(new TypeError("origin-not-allowed")),
};

/** A way out that records what is asked, and answers it with the certificate. */
function amazon(pem = AMAZON.pem): { egress: Egress; asked: string[] } {
  const asked: string[] = [];
  const answer: Answer = { kind: "answered", status: 200, json: false, body: pem, retryAfter: "" };
  const callTo: Egress["callTo"] = (origin) => async (request) => {
    asked.push(origin + request.path);
    return answer;
  };
  return { egress: { ...CLOSED, callTo }, asked };
}

type Sent = { kind: SourceKind; bytes: Uint8Array; headers: Record<string, string>; atMs?: number };
type With = { source?: Partial<SourceFile>; secret?: string; egress?: Egress };

function prove({ kind, bytes, headers, atMs = NOW }: Sent, { source, secret = "", egress = CLOSED }: With) {
  const file = sourceFile.parse({ name: kind, kind, ...source });
  const proofs = new SourceProofs({
    find: () => file,
    credentials: { get: async () => secret },
    sns: new SnsMessages(egress),
  });
  const identity = { id: `source:${kind}`, kind: "source", name: kind, sourceKind: kind } as const;
  const json = (): unknown => JSON.parse(Buffer.from(bytes).toString());
  return proofs.prove({ ...identity, scopes: [`signals:write:${kind}`] }, { bytes, json, headers, receivedAtMs: atMs });
}

const text = (body: string): Uint8Array => Buffer.from(body);
const GITHUB = { signingSecret: "sources/github" };
const PAGERDUTY = { signingSecret: "sources/pagerduty" };

test("GitHub's own example of a signature is accepted, and one byte more is not", async () => {
  const headers = { "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17" };
  const by = { source: GITHUB, secret: "It's a Secret to Everybody" };
  await prove({ kind: "github", bytes: text("Hello, World!"), headers }, by);
  const more = prove({ kind: "github", bytes: text("Hello, World!\n"), headers }, by);
  await assert.rejects(more, isCode("source-secret-invalid"));
  const other = prove({ kind: "github", bytes: text("Hello, World!"), headers }, { ...by, secret: "another secret" });
  await assert.rejects(other, isCode("source-secret-invalid"));
});

test("of PagerDuty's several signatures, and of several secrets while they rotate, one match is enough", async () => {
  const bytes = text('{"event":{}}');
  const signature = (secret: string): string => `v1=${createHmac("sha256", secret).update(bytes).digest("hex")}`;
  const send = (header: string, secret: string) =>
    prove({ kind: "pagerduty", bytes, headers: { "x-pagerduty-signature": header } }, { source: PAGERDUTY, secret });
  await send(signature("secret-one"), "secret-one");
  await send(`${signature("other")},${signature("secret-one")}`, "secret-one");
  await send(signature("secret-two"), "secret-one\nsecret-two\n");
  const good = signature("secret-one");
  const refused = {
    nothing: "",
    "another's": signature("other"),
    "another version": good.replace("v1=", "v2="),
    "capital letters": good.toUpperCase(),
    "the start of it": good.slice(0, -2),
    "ten thousand": Array.from({ length: 10_000 }, () => signature("other")).join(","),
    "one beyond the bound": [...Array.from({ length: 8 }, () => signature("other")), good].join(","),
  };
  for (const [name, header] of Object.entries(refused)) {
    await assert.rejects(send(header, "secret-one"), isCode("source-secret-invalid"), name);
  }
  await assert.rejects(send(good, "\n\n"), isCode("source-secret-invalid"), "no secret matches nothing");
  await assert.rejects(
    send(`v1=${createHmac("sha256", "").update(bytes).digest("hex")}`, "\n"),
    isCode("source-secret-invalid"),
  );
});

test("headers announce the kinds that may follow", () => {
  assert.deepEqual(signedFor({ "x-hub-signature-256": "sha256=00" }), ["github"]);
  assert.deepEqual(signedFor({ "x-pagerduty-signature": "v1=00" }), ["pagerduty"]);
  assert.deepEqual(signedFor({ "x-amz-sns-message-type": "Notification" }), ["sns"]);
  assert.deepEqual(signedFor({ "x-hub-signature-256": ["sha256=00", "sha256=01"], authorization: "Bearer x" }), []);
});

function sendSns(message: SnsFields, more: With & { atMs?: number } = {}): Promise<void> {
  const { atMs = NOW, source, ...rest } = more;
  const sent = { kind: "sns", bytes: text(JSON.stringify(message)), headers: {}, atMs } as const;
  return prove(sent, { ...rest, source: { topics: [TOPIC], ...source } });
}

test("SNS messages of both signature versions are accepted, with the certificate fetched once or pinned", async () => {
  const { egress, asked } = amazon();
  const sns = new SnsMessages(egress);
  const source = sourceFile.parse({ name: "sns", kind: "sns", topics: [TOPIC] });
  for (const SignatureVersion of ["1", "2"]) {
    await sns.accept(snsMessage(AMAZON.key, NOW, { SignatureVersion }), { source, receivedAtMs: NOW });
  }
  assert.deepEqual(asked, ["https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"]);
  await sendSns(snsMessage(AMAZON.key, NOW), { source: { certificates: [AMAZON.pem] } });
});

test("an SNS message that was changed, is of another topic, or was signed by another is refused", async () => {
  const pinned = { source: { certificates: [AMAZON.pem] } };
  const good = snsMessage(AMAZON.key, NOW);
  const stranger = makeCertificate("sns.amazonaws.com", NOW);
  const refused: Record<string, SnsFields> = {
    "another text": { ...good, Message: "All is well" },
    "another subject": { ...good, Subject: "Nothing" },
    "another time": { ...good, Timestamp: new Date(NOW + 1).toISOString() },
    "another account's topic": snsMessage(AMAZON.key, NOW, { TopicArn: TOPIC.replace("123456789012", "210987654321") }),
    "a stranger's signature": snsMessage(stranger.key, NOW),
    "no signature": { ...good, Signature: "" },
  };
  for (const [name, message] of Object.entries(refused)) {
    await assert.rejects(sendSns(message, pinned), isCode("source-secret-invalid"), name);
  }
  await assert.rejects(sendSns({ ...good, SignatureVersion: "3" }, pinned), isCode("request-invalid"));
});

test("an SNS message is taken for about an hour, with ten minutes for clocks that differ", async () => {
  const pinned = { source: { certificates: [AMAZON.pem] } };
  const message = snsMessage(AMAZON.key, NOW);
  const minute = 60_000;
  await sendSns(message, { ...pinned, atMs: NOW + 65 * minute });
  await sendSns(message, { ...pinned, atMs: NOW - 9 * minute });
  for (const atMs of [NOW + 75 * minute, NOW - 11 * minute]) {
    await assert.rejects(sendSns(message, { ...pinned, atMs }), isCode("source-secret-invalid"));
  }
  const expired = { source: { certificates: [makeCertificate("sns.amazonaws.com", NOW, 0).pem] } };
  await assert.rejects(sendSns(message, expired), isCode("source-secret-invalid"));
});

test("a certificate is fetched from SNS in the topic's own region and nowhere else", async () => {
  const addresses = [
    "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.eu-west-1.amazonaws.com.example.org/SimpleNotificationService-0123456789abcdef.pem",
    "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.eu-west-1.amazonaws.com/bucket/../evil.pem",
    "https://sns.eu-west-1.amazonaws.com/?x=/SimpleNotificationService-0123456789abcdef.pem",
    "file:///etc/passwd",
    "not an address",
  ];
  for (const SigningCertURL of addresses) {
    const { egress, asked } = amazon();
    const sent = sendSns(snsMessage(AMAZON.key, NOW, { SigningCertURL }), { egress });
    await assert.rejects(sent, isCode("source-secret-invalid"), SigningCertURL);
    assert.deepEqual(asked, []);
  }
  const other = makeCertificate("example.org", NOW);
  const sent = sendSns(snsMessage(other.key, NOW), { egress: amazon(other.pem).egress });
  await assert.rejects(sent, isCode("source-secret-invalid"), "a certificate of another name");
});

test("without a way out to Amazon a message waits for its next delivery, and is not believed", async () => {
  await assert.rejects(sendSns(snsMessage(AMAZON.key, NOW)), isCode("target-unavailable"));
});

test("a subscription is confirmed for a configured topic, once its message has proved to be Amazon's", async () => {
  const confirmation = (changed: SnsFields = {}): SnsFields =>
    snsMessage(AMAZON.key, NOW, { Type: "SubscriptionConfirmation", ...changed });
  const pinned = { source: { certificates: [AMAZON.pem] } };
  const { egress, asked } = amazon();
  await sendSns(confirmation(), { ...pinned, egress });
  assert.deepEqual(asked, [SUBSCRIBE_URL]);
  const elsewhere = [
    "https://sns.eu-west-1.amazonaws.com.example.org/?Action=ConfirmSubscription",
    SUBSCRIBE_URL.replace("ConfirmSubscription", "Unsubscribe"),
    SUBSCRIBE_URL.replace("123456789012", "210987654321"),
    SUBSCRIBE_URL.replace("eu-west-1.amazonaws", "us-east-1.amazonaws"),
    "http://169.254.169.254/latest/meta-data/",
  ];
  for (const SubscribeURL of elsewhere) {
    await assert.rejects(
      sendSns(confirmation({ SubscribeURL }), { ...pinned, egress }),
      isCode("source-secret-invalid"),
    );
  }
  const forged = { ...confirmation(), Signature: "AAAA" };
  await assert.rejects(sendSns(forged, { ...pinned, egress }), isCode("source-secret-invalid"));
  assert.deepEqual(asked, [SUBSCRIBE_URL], "nothing else was visited");
});
