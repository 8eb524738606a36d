// Ed25519 key pairs: made from injected randomness, kept in files that only their owner reads.

import { createPrivateKey, createPublicKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { AppError } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";
import { keyThumbprint } from "../../wire/schemas/agents.ts";
import { privateJwk } from "../../wire/schemas/identity.ts";
import type { PrivateJwk, PublicJwk } from "../../wire/schemas/identity.ts";
import { createFile } from "./durable-files.ts";

/** DER of an Ed25519 PKCS #8 private key up to its 32-byte seed (RFC 8410 section 7). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

export interface KeyPair {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  readonly publicJwk: PublicJwk;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** A new Ed25519 key pair, its seed taken from `random`. */
export function generatePrivateJwk(random: Random): PrivateJwk {
  return jwkOfSeed(random.bytes(32));
}

function jwkOfSeed(seed: Uint8Array): PrivateJwk {
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  const { x = "", d = "" } = createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({ format: "jwk" });
  const kid = keyThumbprint({ kty: "OKP", crv: "Ed25519", x });
  return { kty: "OKP", crv: "Ed25519", x, d, kid, alg: "EdDSA", use: "sig" };
}

/** The public half, as it is registered and published. */
export function publicJwkOf(jwk: PrivateJwk): PublicJwk {
  const { kty, crv, x, kid, alg, use } = jwk;
  return { kty, crv, x, kid, alg, use };
}

/** Writes a private key to a new file, mode 0600. Throws `config-invalid` when the file exists. */
export function writePrivateJwk(path: string, jwk: PrivateJwk): void {
  if (!createFile(path, `${JSON.stringify(jwk)}\n`)) throw new AppError("config-invalid", `${path} exists already`);
}

/**
 * Reads a private key that Holdpoint made. Throws `config-invalid` when it is not one, when its halves do not belong
 * together, and when others than its owner may read the file.
 */
export function readPrivateJwk(path: string): PrivateJwk {
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new AppError("config-invalid", `${path} may be read by others; its mode must be 0600`);
  }
  try {
    const jwk = privateJwk.parse(JSON.parse(readFileSync(path, "utf8")));
    const { x, kid } = jwkOfSeed(Buffer.from(jwk.d, "base64url"));
    if (x === jwk.x && kid === jwk.kid) return jwk;
  } catch {
    // The cause is left out: a parser's message may quote the key.
  }
  throw new AppError("config-invalid", `${path} is not a private key of Holdpoint`);
}

export function keyPairOf(jwk: PrivateJwk): KeyPair {
  const privateKey = createPrivateKey({ key: jwk, format: "jwk" });
  return { kid: jwk.kid, publicJwk: publicJwkOf(jwk), publicKey: createPublicKey(privateKey), privateKey };
}

/** The key pair kept at `path`, made on first use. Two processes that start together end with one key. */
export function openKeyPair(path: string, random: Random): KeyPair {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  createFile(path, () => `${JSON.stringify(generatePrivateJwk(random))}\n`);
  return keyPairOf(readPrivateJwk(path));
}
