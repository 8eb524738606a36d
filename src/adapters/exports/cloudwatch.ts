// Amazon CloudWatch Logs: PutLogEvents within its limits, in order of time, signed with given credentials.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html

import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { OutboundCall } from "../../wire/contracts/egress.ts";
import type { Delivery, ExportBatch, ExportTransport } from "../../wire/contracts/export.ts";
import type { CloudwatchConfig } from "../../wire/schemas/exports-config.ts";
import {
  failed,
  failureOf,
  findSecret,
  objectIn,
  type Answered,
  type Failure,
} from "../../wire/contracts/deliveries.ts";
import { signRequest, type AwsCredentials } from "./sigv4.ts";

const TARGET = "Logs_20140328.PutLogEvents";
const BATCH_BYTES_MAX = 1_048_576;
const EVENT_OVERHEAD_BYTES = 26;
const BATCH_EVENTS_MAX = 10_000;
const BATCH_SPAN_MAX_MS = 24 * 3_600_000;
/** The batch was here already; an answer that was lost. */
const ALREADY_ACCEPTED = "DataAlreadyAcceptedException";
const BUSY = new Set(["ThrottlingException", "ServiceUnavailableException", "LimitExceededException"]);

const credentialsSchema = z.strictObject({
  accessKeyId: z.string().regex(/^[A-Z0-9]{16,128}$/),
  secretAccessKey: z.string().regex(/^[\x21-\x7e]{16,256}$/),
  sessionToken: z
    .string()
    .regex(/^[\x21-\x7e]{1,8192}$/)
    .optional(),
});

export interface CloudwatchParts {
  readonly config: CloudwatchConfig;
  readonly origin: string;
  readonly call: OutboundCall;
  readonly credentials: Credentials;
  readonly clock: Clock;
}

type LogEvent = { readonly timestamp: number; readonly message: string };

export function createCloudwatchTransport(parts: CloudwatchParts): ExportTransport {
  return { recordsMax: 2_000, deliver: (batch, signal) => deliver(parts, batch, signal) };
}

async function deliver(parts: CloudwatchParts, { records }: ExportBatch, signal: AbortSignal): Promise<Delivery> {
  const credentials = await readCredentials(parts);
  let accepted = 0;
  let rejected = 0;
  const at = (failure: Failure | null): Delivery => ({ accepted, rejected, memo: null, failure });
  if (credentials === null) return at(failed("credential-missing"));
  const events = records.map((record) => ({ timestamp: record.time, message: JSON.stringify(record) }));
  for (const batch of batchesOf(events)) {
    const put = await putEvents(parts, { events: batch, credentials }, signal);
    if (typeof put !== "number") return at(put);
    accepted += batch.length;
    rejected += put;
  }
  return at(null);
}

async function readCredentials({ credentials, config }: CloudwatchParts): Promise<AwsCredentials | null> {
  const text = await findSecret(credentials, config.credentialsRef, /^\s*\{[^]*\}\s*$/);
  try {
    return credentialsSchema.parse(JSON.parse(text ?? ""));
  } catch {
    return null;
  }
}

/** Events of a ledger are in order of time as they come. */
function batchesOf(events: readonly LogEvent[]): readonly (readonly LogEvent[])[] {
  const batches: LogEvent[][] = [];
  let bytes = 0;
  for (const event of events) {
    const size = Buffer.byteLength(event.message) + EVENT_OVERHEAD_BYTES;
    const batch = batches.at(-1);
    const first = batch?.[0]?.timestamp ?? 0;
    const fits =
      batch !== undefined &&
      bytes + size <= BATCH_BYTES_MAX &&
      batch.length < BATCH_EVENTS_MAX &&
      event.timestamp - first < BATCH_SPAN_MAX_MS;
    if (fits) batch.push(event);
    else batches.push([event]);
    bytes = fits ? bytes + size : size;
  }
  return batches;
}

type Put = { readonly events: readonly LogEvent[]; readonly credentials: AwsCredentials };

/** How many events CloudWatch refused for their age, or why it took none. */
async function putEvents(
  { config, origin, call, clock }: CloudwatchParts,
  { events, credentials }: Put,
  outer: AbortSignal,
): Promise<number | Failure> {
  const { logGroup: logGroupName, logStream: logStreamName, region } = config;
  const body = JSON.stringify({ logGroupName, logStreamName, logEvents: events });
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": TARGET };
  const { host } = new URL(origin);
  const signed = signRequest({ host, region, service: "logs", headers, body, nowMs: clock.nowMs() }, credentials);
  const signal = AbortSignal.any([outer, AbortSignal.timeout(config.timeoutMs)]);
  const answer = await call({ method: "POST", origin, path: "/", headers: signed, body }, signal);
  if (answer.kind !== "answered") return failed(answer.code);
  if (answer.status === 200) return rejectedIn(answer, events.length);
  const type = exceptionIn(answer);
  if (type === ALREADY_ACCEPTED) return 0;
  if (BUSY.has(type)) return failed("receiver-busy");
  if (type === "ResourceNotFoundException") return failed("log-stream-missing");
  if (type === "AccessDeniedException" || type === "UnrecognizedClientException") return failed("credential-refused");
  return failureOf(answer, clock.nowMs());
}

/** `com.amazonaws.logs#ThrottlingException` or the bare name. */
function exceptionIn(answer: Answered): string {
  const type = objectIn(answer)["__type"];
  return typeof type === "string" ? (type.split("#").at(-1) ?? "") : "";
}

/** Events from the front that were too old or past their retention, and from an index on too new. */
function rejectedIn(answer: Answered, count: number): number {
  const info = (objectIn(answer)["rejectedLogEventsInfo"] ?? {}) as Readonly<Record<string, unknown>>;
  const index = (name: string, otherwise: number): number =>
    Number.isSafeInteger(info[name]) ? Math.min(Math.max(info[name] as number, 0), count) : otherwise;
  const old = Math.max(index("tooOldLogEventEndIndex", 0), index("expiredLogEventEndIndex", 0));
  return old + Math.max(0, count - Math.max(index("tooNewLogEventStartIndex", count), old));
}
