// Compact JWS read strictly: one spelling per token, known header members only, then the signature by jose.

import type { KeyObject } from "node:crypto";
import { compactVerify } from "jose";
import type { CryptoKey } from "jose";
import type { Json, JsonObject } from "../../core/json.ts";
import { parseStrictJson } from "../../core/strict-json.ts";

/** A token that is not acceptable; the message says why and holds nothing of the token. */
export class JwsError extends Error {
  override name = "JwsError";
}

export interface CompactJws {
  readonly text: string;
  /** Its members but `jwk`. */
  readonly header: JsonObject;
  /** The key that the header brings, where one is allowed; nothing has been checked of it. */
  readonly jwk: Json;
  readonly payload: Uint8Array;
}

/** Longest token read: more than any of ours, less than what would cost us. */
export const TOKEN_CHARS_MAX = 8192;

/**
 * Header members that are accepted. Everything else is refused rather than ignored: members that bring or fetch a key
 * (`jwk`, `jku`, `x5c`, `x5u`), that change what is signed (`b64`, `crit`), and those we do not know. The digests of a
 * certificate are names like `kid`, which other issuers send and nobody reads.
 */
const HEADER_MEMBERS: ReadonlySet<string> = new Set(["alg", "kid", "typ", "x5t", "x5t#S256"]);

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Splits and decodes a compact JWS (RFC 7515 section 7.1) without verifying it. Each part must be present and in
 * canonical base64url: jose drops white space and unused bits, which would give one token many spellings. Only a proof
 * of possession brings a key (`with-key`). Throws JwsError.
 */
export function parseCompactJws(text: string, keys: "with-key" | "without-key" = "without-key"): CompactJws {
  if (text.length > TOKEN_CHARS_MAX) throw new JwsError(`longer than ${TOKEN_CHARS_MAX} characters`);
  const parts = text.split(".");
  if (parts.length !== 3) throw new JwsError("not three parts separated by dots");
  const [headerPart = "", payloadPart = "", signaturePart = ""] = parts;
  decodePart(signaturePart);
  const { jwk = null, ...header } = parseHeader(decodePart(headerPart), keys === "with-key");
  return { text, header, jwk, payload: decodePart(payloadPart) };
}

/** The payload as a JSON object in UTF-8 that names no member twice. Throws JwsError. */
export function parseJsonObject(bytes: Uint8Array): JsonObject {
  let value;
  try {
    value = parseStrictJson(UTF8.decode(bytes), 16);
  } catch (cause) {
    throw new JwsError("a part is not strict JSON in UTF-8", { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new JwsError("a part is not a JSON object");
  }
  return value as JsonObject;
}

/**
 * Verifies the signature with a key that the caller chose, never one that the token names. Throws JwsError; `alg` must
 * be one of `algorithms`, which must fit the key.
 */
export async function verifyCompactJws(
  jws: CompactJws,
  key: KeyObject | CryptoKey | Uint8Array,
  algorithms: readonly string[],
): Promise<void> {
  if (typeof jws.header["alg"] !== "string" || !algorithms.includes(jws.header["alg"])) {
    throw new JwsError("signed with an algorithm that is not allowed");
  }
  try {
    await compactVerify(jws.text, key, { algorithms: [...algorithms] });
  } catch (cause) {
    throw new JwsError("the signature does not verify", { cause });
  }
}

function parseHeader(bytes: Uint8Array, mayHaveKey: boolean): JsonObject {
  const header = parseJsonObject(bytes);
  for (const name of Object.keys(header)) {
    if (name === "jwk" && mayHaveKey) continue;
    if (!HEADER_MEMBERS.has(name)) throw new JwsError("the header has a member that is not allowed");
    if (typeof header[name] !== "string") throw new JwsError("a header member is not a string");
  }
  return header;
}

function decodePart(part: string): Uint8Array {
  if (part === "") throw new JwsError("a part is empty");
  const bytes = Buffer.from(part, "base64url");
  if (bytes.toString("base64url") !== part) throw new JwsError("a part is not canonical base64url");
  return bytes;
}
