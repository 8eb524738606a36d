// Signatures under proposals and registrations: JWS with detached payload (RFC 7515 appendix F), verified off this thread.

import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { AppError } from "../../core/errors.ts";
import { RecentMap } from "../../core/recent-map.ts";
import { keyThumbprint } from "../../wire/schemas/agents.ts";
import type { AgentJwk } from "../../wire/types/agent.ts";
import type { PrivateJwk } from "../../wire/schemas/identity.ts";
import { JwsError, parseJsonObject } from "./compact-jws.ts";

/** What a signature is about: one for a proposal is none for a registration (RFC 8725 section 3.11). */
export type SignedType = "holdpoint-proposal+jws" | "holdpoint-registration+jws";

const PARTS = /^([A-Za-z0-9_-]{1,512})\.\.([A-Za-z0-9_-]{1,256})$/;
const KEYS_MAX = 4_096;

const keys = new RecentMap<KeyObject>(KEYS_MAX);

/** A signature taken apart; `kid` is the thumbprint of the key that it says it is by. */
type Detached = {
  readonly kid: string;
  readonly alg: string;
  readonly protectedPart: string;
  readonly signature: Buffer;
};

/** Throws `signature-invalid` unless it is a JWS with detached payload whose header is ours. */
export function parseDetached(jws: string, type: SignedType): Detached {
  const { header, protectedPart, signature } = split(jws);
  const { alg, kid, typ } = header;
  if (typ !== type) throw invalid(`typ is not ${type}`);
  if (alg !== "EdDSA" && alg !== "Ed25519" && alg !== "ES256") throw invalid("alg is not one that is accepted");
  if (typeof kid !== "string") throw invalid("kid names no key");
  if (Object.keys(header).length !== 3) throw invalid("the header has other members than alg, kid and typ");
  return { alg, kid, protectedPart, signature };
}

/**
 * Verifies a signature over `payload` with a key that the caller chose, in the thread pool. Rejects with `signature-invalid`
 * for anything but a good signature: a failure to compute it too.
 */
export async function verifyDetached(
  { alg, protectedPart, signature }: Detached,
  payload: string,
  jwk: AgentJwk,
): Promise<void> {
  if ((jwk.kty === "EC") !== (alg === "ES256")) throw invalid("alg does not fit the key");
  const input = Buffer.from(`${protectedPart}.${Buffer.from(payload).toString("base64url")}`);
  const isGood = await verifyInPool(input, { key: keyOf(jwk), signature, digest: jwk.kty === "EC" ? "sha256" : null });
  if (!isGood) throw invalid("the signature does not verify under that key");
}

function verifyInPool(
  input: Buffer,
  { key, signature, digest }: { key: KeyObject; signature: Buffer; digest: string | null },
): Promise<boolean> {
  return new Promise((resolve) => {
    // Ed25519 has one form of signatures and needs no options: Node finds out that an object of them is no key by what
    // it throws, twice, which is a tenth of the main thread's time for a signed proposal.
    const how = digest === null ? key : ({ key, dsaEncoding: "ieee-p1363" } as const);
    verify(digest, input, how, signature, (error, isGood) => resolve(error === null && isGood === true));
  });
}

/** A signature with detached payload by one of our own keys. */
export function signDetached(payload: string, { jwk, type }: { jwk: PrivateJwk; type: SignedType }): string {
  const header = { alg: "EdDSA", kid: keyThumbprint(jwk), typ: type };
  const protectedPart = Buffer.from(JSON.stringify(header)).toString("base64url");
  const input = Buffer.from(`${protectedPart}.${Buffer.from(payload).toString("base64url")}`);
  const signature = sign(null, input, createPrivateKey({ key: jwk, format: "jwk" }));
  return `${protectedPart}..${signature.toString("base64url")}`;
}

function keyOf(jwk: AgentJwk): KeyObject {
  const name = jwk.kty === "EC" ? `${jwk.x}.${jwk.y}` : jwk.x;
  const known = keys.get(name);
  if (known !== undefined) return known;
  let key: KeyObject;
  try {
    key = createPublicKey({ key: { ...jwk }, format: "jwk" });
  } catch {
    throw invalid("the key is not a point of its curve");
  }
  keys.set(name, key);
  return key;
}

type Split = {
  readonly header: Readonly<Record<string, unknown>>;
  readonly protectedPart: string;
  readonly signature: Buffer;
};

function split(jws: string): Split {
  const [, protectedPart = "", signaturePart = ""] = PARTS.exec(jws) ?? [];
  if (protectedPart === "") throw invalid("not a JWS with detached payload: header, two dots, signature");
  const signature = Buffer.from(signaturePart, "base64url");
  const header = Buffer.from(protectedPart, "base64url");
  if (signature.toString("base64url") !== signaturePart || header.toString("base64url") !== protectedPart) {
    throw invalid("a part is not canonical base64url");
  }
  try {
    return { header: parseJsonObject(header), protectedPart, signature };
  } catch (error) {
    if (error instanceof JwsError) throw invalid(error.message);
    throw error;
  }
}

function invalid(detail: string): AppError {
  return new AppError("signature-invalid", detail);
}
