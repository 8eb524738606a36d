// Client assertions (private_key_jwt, RFC 7523): how a client proves who it is, made and verified.

import { SignJWT } from "jose";
import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import { AppError } from "../../core/errors.ts";
import { assertionClaims, firstProblem } from "../../wire/schemas/identity.ts";
import type { PrivateJwk } from "../../wire/schemas/identity.ts";
import type { ClientKey } from "./client-keys.ts";
import type { Client, ClientRegistry } from "./clients.ts";
import { JwsError, parseCompactJws, parseJsonObject, verifyCompactJws } from "./compact-jws.ts";
import type { CompactJws } from "./compact-jws.ts";
import { keyPairOf } from "./key-pairs.ts";

const LIFETIME_MAX_S = 300;
const SKEW_S = 30;

export interface AssertionRules {
  /** What `aud` may be: the issuer's URL or its token endpoint. */
  readonly audiences: readonly string[];
  readonly clients: ClientRegistry;
  readonly clock: Clock;
}

export interface VerifiedAssertion {
  readonly client: Client;
  readonly key: ClientKey;
  readonly jti: string;
  /** From here on the assertion is refused for its age, skew included. */
  readonly uselessAtMs: number;
}

/** Same words for a client that is unknown, disabled or has another key, so that nobody learns which ids exist. */
const NOT_AUTHENTICATED = "no enabled client of that id has a key that verifies the assertion";

/**
 * Verifies everything about an assertion but that it is used once, which is the caller's to record. Throws
 * `client-invalid`.
 */
export async function verifyAssertion(text: string, rules: AssertionRules): Promise<VerifiedAssertion> {
  try {
    const jws = parseCompactJws(text);
    checkType(jws);
    const claims = parseClaims(jws, rules);
    const client = rules.clients.find(claims.sub);
    const key = client === undefined ? undefined : await findKey(client, jws);
    if (client === undefined || key === undefined) throw new JwsError(NOT_AUTHENTICATED);
    return { client, key, jti: claims.jti, uselessAtMs: (claims.exp + SKEW_S) * 1000 };
  } catch (error) {
    if (!(error instanceof JwsError)) throw error;
    throw new AppError("client-invalid", error.message, {}, error.cause);
  }
}

function checkType(jws: CompactJws): void {
  const typ = jws.header["typ"];
  // An access token or any other kind of signed statement is no assertion (RFC 8725 section 3.11).
  if (typ !== undefined && typ !== "JWT" && typ !== "client-authentication+jwt") {
    throw new JwsError("the header's typ is not that of a client assertion");
  }
}

function parseClaims(jws: CompactJws, rules: AssertionRules) {
  const parsed = assertionClaims.safeParse(parseJsonObject(jws.payload));
  if (!parsed.success) throw new JwsError(`claim ${firstProblem(parsed.error)}`);
  const { iss, sub, aud, exp, iat, nbf, jti } = parsed.data;
  if (iss !== sub) throw new JwsError("iss and sub differ");
  if (!rules.audiences.includes(typeof aud === "string" ? aud : aud[0])) throw new JwsError("aud is not this server");
  const nowS = rules.clock.nowMs() / 1000;
  if (exp + SKEW_S <= nowS) throw new JwsError("expired");
  if (exp > nowS + LIFETIME_MAX_S + SKEW_S) throw new JwsError(`exp is more than ${LIFETIME_MAX_S} s ahead`);
  if (iat > nowS + SKEW_S) throw new JwsError("iat is in the future");
  if (iat + LIFETIME_MAX_S + SKEW_S < nowS || iat >= exp) throw new JwsError("iat is too old or not before exp");
  if (nbf !== undefined && nbf > nowS + SKEW_S) throw new JwsError("not valid yet");
  return { sub, exp, jti };
}

async function findKey(client: Client, jws: CompactJws): Promise<ClientKey | undefined> {
  const { alg, kid } = jws.header;
  for (const key of client.keys) {
    if (typeof alg !== "string" || !key.algorithms.includes(alg)) continue;
    if (kid !== undefined && kid !== key.kid && kid !== key.thumbprint) continue;
    if (await verifies(jws, key)) return key;
  }
  return undefined;
}

async function verifies(jws: CompactJws, key: ClientKey): Promise<boolean> {
  try {
    await verifyCompactJws(jws, key.key, key.algorithms);
    return true;
  } catch (error) {
    if (error instanceof JwsError) return false;
    throw error;
  }
}

/** A fresh assertion for one token request, valid for a minute: what `holdpoint token` sends. */
export async function signAssertion(
  jwk: PrivateJwk,
  options: { readonly clientId: string; readonly audience: string; readonly clock: Clock; readonly random: Random },
): Promise<string> {
  const nowS = Math.floor(options.clock.nowMs() / 1000);
  return new SignJWT({
    iss: options.clientId,
    sub: options.clientId,
    aud: options.audience,
    iat: nowS,
    exp: nowS + 60,
    jti: Buffer.from(options.random.bytes(16)).toString("base64url"),
  })
    .setProtectedHeader({ alg: "EdDSA", kid: jwk.kid, typ: "JWT" })
    .sign(keyPairOf(jwk).privateKey);
}
