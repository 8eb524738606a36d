// OCSF events as NDJSON to one HTTPS address: a whole batch is accepted by any 2xx answer, or not at all.

import type { Clock } from "../../core/clock.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { OutboundCall } from "../../wire/contracts/egress.ts";
import type { Delivery, ExportBatch, ExportTransport } from "../../wire/contracts/export.ts";
import type { OcsfHttpsConfig } from "../../wire/schemas/exports-config.ts";
import { failed, failureOf, findSecret } from "../../wire/contracts/deliveries.ts";
import { ocsfLines } from "./ocsf-lines.ts";

export interface OcsfHttpsParts {
  readonly name: string;
  readonly config: OcsfHttpsConfig;
  readonly origin: string;
  readonly call: OutboundCall;
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** Of this program. */
  readonly version: string;
}

export function createOcsfHttpsTransport(parts: OcsfHttpsParts): ExportTransport {
  return { recordsMax: 500, deliver: (batch, signal) => deliver(parts, batch, signal) };
}

async function deliver(parts: OcsfHttpsParts, batch: ExportBatch, outer: AbortSignal): Promise<Delivery> {
  const { config, origin, call, clock, credentials } = parts;
  const nothing = { accepted: 0, rejected: 0, memo: batch.memo };
  const headers: Record<string, string> = { "content-type": "application/x-ndjson" };
  if (config.authorizationRef !== undefined) {
    const authorization = await findSecret(credentials, config.authorizationRef);
    if (authorization === null) return { ...nothing, failure: failed("credential-missing") };
    headers["authorization"] = authorization;
  }
  const { text: body, memo } = ocsfLines(batch, { version: parts.version, exporter: parts.name });
  const signal = AbortSignal.any([outer, AbortSignal.timeout(config.timeoutMs)]);
  const answer = await call({ method: "POST", origin, path: config.path, headers, body }, signal);
  const isTaken = answer.kind === "answered" && answer.status >= 200 && answer.status < 300;
  if (!isTaken) return { ...nothing, failure: failureOf(answer, clock.nowMs()) };
  return { accepted: batch.records.length, rejected: 0, memo, failure: null };
}
