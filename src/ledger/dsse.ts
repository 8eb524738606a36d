// DSSE: signed envelopes around typed payloads. https://github.com/secure-systems-lab/dsse

import { Buffer } from "node:buffer";
import { AppError } from "../core/errors.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { verifierOf, type Signer, type Verifier } from "./ed25519.ts";

export interface Envelope {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

/** What a DSSE signature covers: the pre-authentication encoding of type and payload. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const typeBytes = Buffer.byteLength(payloadType);
  return Buffer.concat([Buffer.from(`DSSEv1 ${typeBytes} ${payloadType} ${payload.length} `), payload]);
}

/** An envelope with one signature; its key id is the signer's verifier key text. */
export function signEnvelope(payloadType: string, payload: string, signer: Signer): Envelope {
  const bytes = Buffer.from(payload);
  const sig = encodeBase64(signer.sign(preAuthEncoding(payloadType, bytes)));
  return { payload: encodeBase64(bytes), payloadType, signatures: [{ keyid: verifierOf(signer).text, sig }] };
}

/**
 * The payload text of an envelope of `payloadType` with exactly one signature, by `verifier`. Throws `ledger-corrupt`
 * for anything else, a differently spelled base64 or a wrong key id included.
 */
export function openEnvelope(envelope: Envelope, payloadType: string, verifier: Verifier): string {
  const payload = envelopePayload(envelope, payloadType);
  const [signature, ...others] = envelope.signatures;
  const bytes = decodeBase64(signature?.sig ?? "");
  if (bytes === undefined || others.length > 0 || signature?.keyid !== verifier.text) {
    throw corrupt("not exactly one signature of the expected key");
  }
  if (!verifier.verify(preAuthEncoding(payloadType, payload), bytes)) throw corrupt("the signature is wrong");
  return payload.toString();
}

/** The payload bytes, not verified: for what a payload must be asked before its key is known. */
export function envelopePayload(envelope: Envelope, payloadType: string): Buffer {
  const payload = decodeBase64(envelope.payload);
  if (payload === undefined || envelope.payloadType !== payloadType) throw corrupt(`it does not hold ${payloadType}`);
  return payload;
}

/** An envelope from parsed JSON with no member more or less. Throws `ledger-corrupt`. */
export function parseEnvelope(value: unknown): Envelope {
  const envelope = value as Envelope;
  const isEnvelope =
    hasMembers(value, ["payload", "payloadType", "signatures"]) &&
    isText(envelope.payload) &&
    isText(envelope.payloadType) &&
    Array.isArray(envelope.signatures) &&
    envelope.signatures.every(
      (item: unknown) => hasMembers(item, ["keyid", "sig"]) && Object.values(item).every(isText),
    );
  if (!isEnvelope) throw corrupt("its members are not those of DSSE");
  return envelope;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed();
}

function hasMembers(value: unknown, names: readonly string[]): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  return Object.keys(value).toSorted().join() === names.join();
}

function corrupt(why: string): AppError {
  return new AppError("ledger-corrupt", `not a valid envelope: ${why}`);
}
