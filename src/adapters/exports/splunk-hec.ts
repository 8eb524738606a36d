// Splunk's HTTP Event Collector with indexer acknowledgement: accepted is what an indexer has written, not what a
// collector has received. https://docs.splunk.com/Documentation/Splunk/latest/Data/AboutHECIDXAck

import type { Clock } from "../../core/clock.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { OutboundCall } from "../../wire/contracts/egress.ts";
import type { Delivery, ExportBatch, ExportRecord, ExportTransport } from "../../wire/contracts/export.ts";
import type { SplunkConfig } from "../../wire/schemas/exports-config.ts";
import { failed, failureOf, findSecret, objectIn, type Failure } from "../../wire/contracts/deliveries.ts";

const EVENT_PATH = "/services/collector/event";
const ACK_PATH = "/services/collector/ack";
/** Well below the collector's own bound (`max_content_length`). */
const REQUEST_CHARS_MAX = 512 * 1024;
const POLL_MS = 1_000;

export interface SplunkParts {
  readonly config: SplunkConfig;
  readonly origin: string;
  readonly call: OutboundCall;
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** A GUID of this process: acknowledgement ids are counted for each channel. */
  readonly channel: string;
}

type Sent = { readonly ackId: number; readonly records: number };

export function createSplunkTransport(parts: SplunkParts): ExportTransport {
  return { recordsMax: 2_000, deliver: (batch, signal) => deliver(parts, batch, signal) };
}

/** Sends all requests, then waits for their acknowledgements, which come in any order. */
async function deliver(parts: SplunkParts, { records }: ExportBatch, signal: AbortSignal): Promise<Delivery> {
  const token = await findSecret(parts.credentials, parts.config.tokenRef);
  if (token === null) return ended(0, failed("credential-missing"));
  const sent: Sent[] = [];
  let sending: Failure | null = null;
  for (const chunk of chunksOf(records.map((record) => eventText(parts, record)))) {
    const answer = await send(parts, { path: EVENT_PATH, body: chunk.join("\n"), token }, signal);
    const ackId = answer.said["ackId"];
    if (isAckId(ackId)) sent.push({ ackId, records: chunk.length });
    else sending = answer.failure ?? failed("acknowledgement-off");
    if (sending !== null) break;
  }
  const { accepted, failure } = await awaitAcks(parts, { sent, token }, signal);
  return ended(accepted, failure ?? sending);
}

function ended(accepted: number, failure: Failure | null): Delivery {
  return { accepted, rejected: 0, memo: null, failure };
}

function isAckId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function eventText({ config }: SplunkParts, record: ExportRecord): string {
  const { index, source, sourcetype } = config;
  // Indexed fields: what searches begin with, and by which a copy is told from its original.
  const fields = { record_id: record.id, correlation_id: record.correlationId, ledger_seq: String(record.ledger.seq) };
  return JSON.stringify({
    time: record.time / 1_000,
    host: record.ledger.origin,
    source,
    sourcetype,
    ...(index === undefined ? {} : { index }),
    event: record,
    fields,
  });
}

function chunksOf(texts: readonly string[]): readonly (readonly string[])[] {
  const chunks: string[][] = [];
  let room = 0;
  for (const text of texts) {
    if (chunks.length === 0 || text.length > room) {
      chunks.push([]);
      room = REQUEST_CHARS_MAX;
    }
    chunks.at(-1)?.push(text);
    room -= text.length + 1;
  }
  return chunks;
}

type Request = { readonly path: string; readonly body: string; readonly token: string };
type Reply = { readonly said: Readonly<Record<string, unknown>>; readonly failure: Failure | null };

async function send(
  { config, origin, call, clock, channel }: SplunkParts,
  { path, body, token }: Request,
  outer: AbortSignal,
): Promise<Reply> {
  const headers = {
    authorization: `Splunk ${token}`,
    "content-type": "application/json",
    "x-splunk-request-channel": channel,
  };
  const signal = AbortSignal.any([outer, AbortSignal.timeout(config.timeoutMs)]);
  const answer = await call({ method: "POST", origin, path: `${path}?channel=${channel}`, headers, body }, signal);
  const isTaken = answer.kind === "answered" && answer.status === 200;
  return isTaken ? { said: objectIn(answer), failure: null } : { said: {}, failure: failureOf(answer, clock.nowMs()) };
}

/** Splunk forgets an acknowledgement once it has told of it, so each is asked for until it is told, and not again. */
async function awaitAcks(
  parts: SplunkParts,
  { sent, token }: { readonly sent: readonly Sent[]; readonly token: string },
  signal: AbortSignal,
): Promise<{ readonly accepted: number; readonly failure: Failure | null }> {
  const open = new Set(sent.map(({ ackId }) => ackId));
  const until = parts.clock.monotonicMs() + parts.config.ackTimeoutMs;
  let failure: Failure | null = null;
  while (open.size > 0 && !signal.aborted) {
    const answer = await send(parts, { path: ACK_PATH, body: JSON.stringify({ acks: [...open] }), token }, signal);
    failure = answer.failure;
    const acks = (answer.said["acks"] ?? {}) as Readonly<Record<string, unknown>>;
    for (const id of open) if (acks[String(id)] === true) open.delete(id);
    if (open.size === 0 || parts.clock.monotonicMs() >= until) break;
    await parts.sleep(POLL_MS, signal);
  }
  let accepted = 0;
  for (const { ackId, records } of sent) {
    if (open.has(ackId)) return { accepted, failure: failure ?? failed("not-acknowledged") };
    accepted += records;
  }
  return { accepted, failure: null };
}
