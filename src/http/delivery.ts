// A source's delivery off the wire: who knocks, its exact bytes, and what they hold.

import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { FastifyRequest } from "fastify";
import { AppError } from "../core/errors.ts";
import type { SourceIdentity } from "../wire/types/identity.ts";
import { SOURCE_KINDS, type SourceKind, type SourceProof } from "../wire/types/source-kinds.ts";
import { otlpFromProtobuf } from "../wire/schemas/otlp-protobuf.ts";
import { parseJsonBody } from "./body.ts";
import { idOf } from "./request.ts";
import type { Services } from "./services.ts";

export const DELIVERY_BYTES_MAX = 4 * 1024 * 1024;
/** Whoever will prove by a signature who it is may make us read this much before. */
const SIGNED_BYTES_MAX = 1024 * 1024;

/**
 * The source that the path, or the header `X-Holdpoint-Source`, or its own secret names. Throws `source-unknown`,
 * `source-secret-invalid`, and `body-too-large` for what is too long to be read from somebody who has proved nothing.
 */
export function authenticateSource(services: Services, request: FastifyRequest): SourceIdentity {
  const { secret } = request.query as { secret?: unknown };
  const named = idOf(request.params) || request.headers["x-holdpoint-source"];
  const name = typeof named === "string" && named !== "" ? named.slice(0, 64) : null;
  const source = services.identity.source(name, request.headers, typeof secret === "string" ? secret : undefined);
  const length = request.headers["content-length"];
  if (isSigned(source.sourceKind) && !(length !== undefined && Number(length) <= SIGNED_BYTES_MAX)) {
    throw new AppError("body-too-large", `a signed delivery says its length and has at most ${SIGNED_BYTES_MAX} bytes`);
  }
  return source;
}

function isSigned(kind: SourceKind): boolean {
  const { proof }: { proof: SourceProof } = SOURCE_KINDS[kind];
  return proof === "hmac" || proof === "sns";
}

const unpack = promisify(gunzip);

/** What arrived, unpacked where OpenTelemetry packed it. Throws `body-malformed` or `body-too-large`. */
export async function deliveredBytes(request: FastifyRequest, { sourceKind }: SourceIdentity): Promise<Buffer> {
  const bytes = request.body;
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) throw new AppError("body-malformed", "the body is empty or cut");
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return bytes;
  if (encoding !== "gzip" || sourceKind !== "otlp") {
    throw new AppError("content-type-unsupported", "only OTLP may come packed, and with gzip alone");
  }
  try {
    return await unpack(bytes, { maxOutputLength: DELIVERY_BYTES_MAX });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw new AppError("body-too-large", "the body is too large once it is unpacked");
    }
    throw new AppError("body-malformed", "the body is not packed with gzip");
  }
}

/** Beside `application/json`, which every kind takes. */
const MEDIA_TYPES: Readonly<Partial<Record<SourceKind, readonly string[]>>> = {
  cloudevents: ["application/cloudevents+json", "application/cloudevents-batch+json"],
  // SNS sends JSON under this name.
  sns: ["text/plain"],
};
const PROTOBUF = "application/x-protobuf";

export type Telemetry = "logs" | "metrics";

export function isProtobuf({ headers }: FastifyRequest): boolean {
  return mediaType(headers) === PROTOBUF;
}

/** The value in the bytes, by content type. Throws `content-type-unsupported`, and what reading it throws. */
export function deliveredValue(
  bytes: Buffer,
  { request, kind, telemetry }: { request: FastifyRequest; kind: SourceKind; telemetry: Telemetry | null },
): unknown {
  const type = mediaType(request.headers);
  if (telemetry !== null && type === PROTOBUF) return otlpFromProtobuf(bytes, telemetry);
  if (type === "application/json" || MEDIA_TYPES[kind]?.includes(type) === true) return parseJsonBody(bytes);
  throw new AppError("content-type-unsupported", "send application/json");
}

function mediaType(headers: FastifyRequest["headers"]): string {
  return (headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}
