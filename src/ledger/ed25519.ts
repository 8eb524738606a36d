// Ed25519 keys (RFC 8032) as signers and verifiers with a name, in the key formats of C2SP signed-note.

import { createPrivateKey, createPublicKey, hash, sign, verify, type KeyObject } from "node:crypto";
import { Buffer } from "node:buffer";
import { AppError } from "../core/errors.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";

/** Signs synchronously: a key in memory, or a handle to one. The ledger never sees the private key. */
export interface Signer {
  /** Key name of the signed note: no spaces, no plus; a log's own is its origin. */
  readonly name: string;
  /** 32 raw bytes (RFC 8032 section 5.1.5). */
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

export interface Verifier {
  readonly name: string;
  /** `name+<8 hex>+<base64>`: how a public key is shown to people and pinned (C2SP signed-note verifier key). */
  readonly text: string;
  /** First four bytes of SHA-256(name, newline, 0x01, public key). */
  readonly keyId: number;
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

const ED25519 = 0x01;
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const NAME = /^[^\s+\p{Cc}\p{Z}]{1,255}$/u;

/** Key names are not empty and hold no Unicode spaces, control characters or plus signs. */
export function isKeyName(name: string): boolean {
  return NAME.test(name) && name.isWellFormed();
}

/** A signer from a raw 32-byte seed (RFC 8032 section 5.1.5). Throws `config-invalid` for a name or seed of wrong form. */
export function signerFromSeed(name: string, seed: Uint8Array): Signer {
  if (!isKeyName(name)) throw new AppError("config-invalid", "a key name holds spaces, plus or nothing");
  if (seed.length !== 32) throw new AppError("config-invalid", "an Ed25519 seed is 32 bytes");
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(SPKI_PREFIX.length);
  return { name, publicKey, sign: (message) => sign(null, message, key) };
}

/** A verifier from a name and 32 raw bytes. Throws `ledger-corrupt` for a wrong form. */
export function verifierFromPublicKey(name: string, publicKey: Uint8Array): Verifier {
  if (!isKeyName(name) || publicKey.length !== 32)
    throw new AppError("ledger-corrupt", "a public key has a wrong form");
  const digest = hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), publicKey]), "buffer");
  const keyId = digest.readUInt32BE(0);
  const encoded = encodeBase64(Buffer.concat([Buffer.of(ED25519), publicKey]));
  let key: KeyObject | undefined;
  return {
    name,
    keyId,
    text: `${name}+${digest.toString("hex", 0, 4)}+${encoded}`,
    verify(message, signature) {
      key ??= createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: "der", type: "spki" });
      return signature.length === 64 && verify(null, message, key, signature);
    },
  };
}

/** The verifier a text such as `log.example+1234abcd+AZ…` names. Throws `ledger-corrupt` for any other spelling. */
export function parseVerifier(text: string): Verifier {
  const [name = "", , encoded = "", ...rest] = text.split("+");
  const bytes = decodeBase64(rest.length === 0 ? encoded : [encoded, ...rest].join("+"));
  if (bytes?.length !== 33 || bytes[0] !== ED25519)
    throw new AppError("ledger-corrupt", "a public key has a wrong form");
  const verifier = verifierFromPublicKey(name, bytes.subarray(1));
  if (verifier.text !== text) throw new AppError("ledger-corrupt", "a public key does not match its own key id");
  return verifier;
}

export function verifierOf(signer: Signer): Verifier {
  return verifierFromPublicKey(signer.name, signer.publicKey);
}
