// CloudWatch Logs: signatures recomputed from what arrived, and the limits of PutLogEvents.

import assert from "node:assert/strict";
import { createHmac, hash } from "node:crypto";
import { it, type TestContext } from "node:test";
import { createCloudwatchTransport } from "../../src/adapters/exports/cloudwatch.ts";
import { signRequest } from "../../src/adapters/exports/sigv4.ts";
import { exportsConfigSchema, type CloudwatchConfig } from "../../src/wire/schemas/exports-config.ts";
import { NEVER, secretsOf, sleepingClock, startReceiver, type Answered, type Asked } from "./receiver.ts";
import { recordOf, recordsFrom } from "./records.ts";

const KEY = { accessKeyId: "AKIDEXAMPLE000001", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const NOW_MS = 1_790_000_100_000;

interface LogEvent {
  readonly timestamp: number;
  readonly message: string;
}

/** The service's documented rules. */
class Logs {
  readonly batches: (readonly LogEvent[])[] = [];
  readonly complaints: string[] = [];
  next: (() => Answered | undefined)[] = [];
  rejected: object | undefined;

  answer(asked: Asked): Answered {
    if (!isSigned(asked)) return exception("InvalidSignatureException", 403);
    const { headers, body } = asked;
    if (headers["content-type"] !== "application/x-amz-json-1.1") this.complaints.push("content type");
    if (headers["x-amz-target"] !== "Logs_20140328.PutLogEvents") this.complaints.push("target");
    const { logGroupName, logStreamName, logEvents, ...rest } = JSON.parse(body) as {
      logGroupName: string;
      logStreamName: string;
      logEvents: readonly LogEvent[];
    };
    if (Object.keys(rest).length > 0) this.complaints.push(`members ${Object.keys(rest).join()}`);
    if (logGroupName !== "/holdpoint/audit" || logStreamName !== "records")
      return exception("ResourceNotFoundException", 400);
    const problem = problemOf(logEvents);
    if (problem !== undefined) {
      this.complaints.push(problem);
      return exception("InvalidParameterException", 400);
    }
    const instead = this.next.shift()?.();
    if (instead !== undefined) return instead;
    this.batches.push(logEvents);
    const rejected = this.rejected === undefined ? {} : { rejectedLogEventsInfo: this.rejected };
    return { status: 200, json: { nextSequenceToken: "49", ...rejected } };
  }
}

function exception(name: string, status: number): Answered {
  return { status, json: { __type: `com.amazonaws.logs#${name}`, message: "said here" } };
}

function problemOf(events: readonly LogEvent[]): string | undefined {
  const bytes = events.reduce((sum, { message }) => sum + Buffer.byteLength(message) + 26, 0);
  if (events.length === 0 || events.length > 10_000) return `${events.length} events`;
  if (bytes > 1_048_576) return `${bytes} bytes`;
  if (events.some(({ timestamp }, index) => timestamp < (events[index - 1]?.timestamp ?? 0))) return "out of order";
  const span = (events.at(-1)?.timestamp ?? 0) - (events[0]?.timestamp ?? 0);
  return span >= 24 * 3_600_000 ? `a span of ${span}` : undefined;
}

/** SigV4 from the specification, over what arrived. */
function isSigned({ headers, body }: Asked): boolean {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/logs\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? "",
    );
  if (match === null) return false;
  const [, keyId, day = "", region = "", names = "", signature] = match;
  const stamp = String(headers["x-amz-date"]);
  if (!["content-type", "host", "x-amz-date", "x-amz-target"].every((name) => names.split(";").includes(name)))
    return false;
  const lines = names.split(";").map((name) => `${name}:${String(headers[name])}\n`);
  const canonical = `POST\n/\n\n${lines.join("")}\n${names}\n${hash("sha256", body)}`;
  const toSign = `AWS4-HMAC-SHA256\n${stamp}\n${day}/${region}/logs/aws4_request\n${hash("sha256", canonical)}`;
  let key: string | Buffer = `AWS4${KEY.secretAccessKey}`;
  for (const part of [day, region, "logs", "aws4_request"]) key = createHmac("sha256", key).update(part).digest();
  const expected = createHmac("sha256", key).update(toSign).digest("hex");
  return keyId === KEY.accessKeyId && stamp.startsWith(day) && region === "eu-west-1" && expected === signature;
}

async function connected(t: TestContext, credentials: object | string = KEY) {
  const logs = new Logs();
  const { origin, call } = await startReceiver(t, (asked) => logs.answer(asked));
  const settings = {
    kind: "cloudwatch",
    region: "eu-west-1",
    baseUrl: origin,
    logGroup: "/holdpoint/audit",
    logStream: "records",
  };
  const config = exportsConfigSchema.parse({ aws: settings })["aws"] as CloudwatchConfig;
  const { clock } = sleepingClock(NOW_MS);
  const secret = typeof credentials === "string" ? credentials : JSON.stringify(credentials);
  const parts = { config, origin, call, clock, credentials: secretsOf({ "aws/credentials": secret }) };
  return { logs, transport: createCloudwatchTransport(parts) };
}

// From the AWS General Reference's signing test suite: post-x-www-form-urlencoded's key derivation, by its own example.
it("a signature is the one that AWS's published example derives", () => {
  let key: string | Buffer = "AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  for (const part of ["20150830", "us-east-1", "iam", "aws4_request"])
    key = createHmac("sha256", key).update(part).digest();
  assert.equal(key.toString("hex"), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const nowMs = Date.UTC(2015, 7, 30, 12, 36, 0);
  const signed = signRequest(
    { host: "example.amazonaws.com", region: "us-east-1", service: "service", headers, body: "Param1=value1", nowMs },
    { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" },
  );
  assert.match(
    signed["authorization"] ?? "",
    /Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a$/,
  );
});

it("records are log events in order of time, signed so that the service recomputes the same", async (t) => {
  const { logs, transport } = await connected(t);
  const records = recordsFrom(1, 3);
  const delivery = await transport.deliver({ records, memo: null }, NEVER);
  assert.deepEqual(delivery, { accepted: 3, rejected: 0, memo: null, failure: null });
  assert.deepEqual(
    logs.batches[0]?.map(({ message }) => (JSON.parse(message) as { id: string }).id),
    records.map(({ id }) => id),
  );
  assert.deepEqual(logs.complaints, []);
});

it("a session token is signed too, and the secret may be laid out over lines", async (t) => {
  const secret = JSON.stringify({ ...KEY, sessionToken: "session-token-value" }, null, 2);
  const { transport } = await connected(t, secret);
  assert.equal((await transport.deliver({ records: recordsFrom(1, 1), memo: null }, NEVER)).accepted, 1);
});

it("no batch has more than 10,000 events, 1 MiB, or a span of a day", async (t) => {
  const { logs, transport } = await connected(t);
  const small = { signal: null, ai: null, classification: null, action: null, decision: null };
  const wide = recordsFrom(1, 3).map((record, day) => ({ ...record, time: record.time + day * 24 * 3_600_000 }));
  const many = Array.from({ length: 10_050 }, (_, seq) => ({
    ...recordOf(seq, small),
    time: wide[2]?.time ?? 0,
    ledger: { ...recordOf(seq).ledger, leafHash: "", checkpoint: "", receipt: "" },
  }));
  const large = Array.from({ length: 30 }, (_, seq) => ({
    ...recordOf(seq, { contents: { answer: { value: "ü".repeat(30_000) } } }),
    time: wide[2]?.time ?? 0,
  }));
  const records = [...wide, ...many, ...large];
  const delivery = await transport.deliver({ records, memo: null }, NEVER);
  assert.deepEqual([delivery.accepted, delivery.failure], [records.length, null]);
  assert.deepEqual(logs.complaints, []);
  assert.equal(logs.batches.flat().length, records.length);
});

it("throttling leaves what came before it accepted and the rest to come again", async (t) => {
  const { logs, transport } = await connected(t);
  logs.next = [() => undefined, () => exception("ThrottlingException", 400)];
  const records = recordsFrom(1, 2).map((record, day) => ({ ...record, time: record.time + day * 48 * 3_600_000 }));
  const first = await transport.deliver({ records, memo: null }, NEVER);
  assert.deepEqual([first.accepted, first.failure?.code], [1, "receiver-busy"]);
  assert.equal((await transport.deliver({ records: records.slice(1), memo: null }, NEVER)).accepted, 1);
  assert.equal(logs.batches.length, 2);
});

it("data that was accepted already is accepted", async (t) => {
  const { logs, transport } = await connected(t);
  logs.next = [() => exception("DataAlreadyAcceptedException", 400)];
  assert.equal((await transport.deliver({ records: recordsFrom(1, 2), memo: null }, NEVER)).accepted, 2);
});

it("events that CloudWatch refuses for their age are counted and not sent for ever", async (t) => {
  const { logs, transport } = await connected(t);
  logs.rejected = { tooOldLogEventEndIndex: 2, tooNewLogEventStartIndex: 4 };
  const delivery = await transport.deliver({ records: recordsFrom(1, 5), memo: null }, NEVER);
  assert.deepEqual([delivery.accepted, delivery.rejected], [5, 3]);
});

it("wrong credentials, unreadable ones and a missing stream are told apart", async (t) => {
  const batch = { records: recordsFrom(1, 1), memo: null };
  const wrong = await connected(t, { ...KEY, secretAccessKey: "another-secret-key-value" });
  assert.equal((await wrong.transport.deliver(batch, NEVER)).failure?.code, "credential-refused");
  const unreadable = await connected(t, "AKID:secret");
  assert.equal((await unreadable.transport.deliver(batch, NEVER)).failure?.code, "credential-missing");
  const gone = await connected(t);
  gone.logs.next = [() => exception("ResourceNotFoundException", 400)];
  assert.equal((await gone.transport.deliver(batch, NEVER)).failure?.code, "log-stream-missing");
});
