// Proofs of possession (DPoP, RFC 9449): whoever sends a token shows, for each request anew, the key it is bound to.

import { createPublicKey, hash } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";
import { RecentMap } from "../../core/recent-map.ts";
import { keyThumbprint } from "../../wire/schemas/agents.ts";
import { firstProblem, proofClaims, publicJwk } from "../../wire/schemas/identity.ts";
import type { PrivateJwk, PublicJwk } from "../../wire/schemas/identity.ts";
import { JwsError, parseCompactJws, parseJsonObject, verifyCompactJws } from "./compact-jws.ts";
import type { CompactJws } from "./compact-jws.ts";
import { ExpiringSet } from "./expiring-set.ts";
import { keyPairOf, publicJwkOf } from "./key-pairs.ts";

export const PROOF_ALGORITHMS = ["EdDSA", "Ed25519", "ES256"] as const;

/** How old a proof may be, and how far ahead the client's clock. */
const AGE_MAX_S = 60;
const AHEAD_MAX_S = 5;
const PROOFS_SEEN_MAX = 100_000;
const PROOFS_SEEN_PER_KEY_MAX = 20_000;
const KEYS_CACHED_MAX = 1_000;
const PROOF_CHARS_MAX = 4_096;

export interface ProofRules {
  /** The server's own origin, as clients know it. */
  readonly origin: string;
  /** File that remembers the proofs seen. */
  readonly seenPath: string;
  readonly clock: Clock;
}

/** What a proof must be for. */
export interface ProvenRequest {
  /** The value of the `DPoP` header. */
  readonly proof: string | undefined;
  readonly method: string;
  /** The path asked for, without its query. */
  readonly path: string;
  /** The token sent with it and the thumbprint that this is bound to; null where a token is asked for. */
  readonly token: { readonly text: string; readonly boundTo: string } | null;
}

interface ProofKey {
  readonly key: KeyObject;
  readonly thumbprint: string;
  readonly algorithms: readonly string[];
}

/**
 * Checks proofs. Each works once: its key and `jti` are remembered while it is young enough, also when the process is
 * killed and starts again (a machine that loses power takes longer to start than a proof lives).
 */
export class DpopProofs {
  readonly #rules: ProofRules;
  readonly #seen: ExpiringSet;
  readonly #keys = new RecentMap<ProofKey>(KEYS_CACHED_MAX);

  constructor(rules: ProofRules) {
    this.#rules = rules;
    this.#seen = new ExpiringSet({
      path: rules.seenPath,
      clock: rules.clock,
      idsMax: PROOFS_SEEN_MAX,
      groupIdsMax: PROOFS_SEEN_PER_KEY_MAX,
      survives: "process",
    });
  }

  /**
   * The thumbprint of the key that the request was proven with. Throws `dpop-proof-missing`, `dpop-proof-invalid`,
   * `dpop-proof-mismatch` for a good proof of something else, `dpop-proof-replayed`, and `rate-limited`.
   */
  async check(request: ProvenRequest): Promise<string> {
    const { proof } = request;
    if (proof === undefined) throw new AppError("dpop-proof-missing", "send a proof of the key in the header DPoP");
    try {
      if (proof.length > PROOF_CHARS_MAX) throw new JwsError(`longer than ${PROOF_CHARS_MAX} characters`);
      const jws = parseCompactJws(proof, "with-key");
      if (jws.header["typ"] !== "dpop+jwt") throw new JwsError("the header's typ is not dpop+jwt");
      const key = this.#keyOf(jws);
      await verifyCompactJws(jws, key.key, key.algorithms);
      const claims = this.#parseClaims(jws);
      this.#checkPurpose(claims, key, request);
      this.#useOnce(key.thumbprint, claims);
      return key.thumbprint;
    } catch (error) {
      if (!(error instanceof JwsError)) throw error;
      throw new AppError("dpop-proof-invalid", error.message, {}, error.cause);
    }
  }

  #keyOf(jws: CompactJws): ProofKey {
    const parsed = publicJwk.safeParse(jws.jwk);
    if (!parsed.success) throw new JwsError(`the header's jwk: ${firstProblem(parsed.error)}`);
    const thumbprint = keyThumbprint(parsed.data);
    const known = this.#keys.get(thumbprint);
    if (known !== undefined) return known;
    const key = importKey(parsed.data, thumbprint);
    this.#keys.set(thumbprint, key);
    return key;
  }

  #parseClaims(jws: CompactJws) {
    const parsed = proofClaims.safeParse(parseJsonObject(jws.payload));
    if (!parsed.success) throw new JwsError(`claim ${firstProblem(parsed.error)}`);
    const nowS = this.#rules.clock.nowMs() / 1000;
    if (parsed.data.iat > nowS + AHEAD_MAX_S) throw new JwsError("iat is in the future");
    if (parsed.data.iat + AGE_MAX_S < nowS) throw new JwsError(`older than ${AGE_MAX_S} s`);
    return parsed.data;
  }

  #checkPurpose(
    { htm, htu, ath }: { readonly htm: string; readonly htu: string; readonly ath?: string | undefined },
    { thumbprint }: ProofKey,
    { method, path, token }: ProvenRequest,
  ): void {
    if (htm !== method) throw mismatch("the proof is for another method");
    if (placeOf(htu) !== placeOf(`${this.#rules.origin}${path}`)) throw mismatch("the proof is for another address");
    if (token === null) return;
    if (ath !== hash("sha256", token.text, "base64url")) throw mismatch("the proof is for another token");
    if (thumbprint !== token.boundTo) throw mismatch("the token is bound to another key");
  }

  #useOnce(thumbprint: string, { jti, iat }: { readonly jti: string; readonly iat: number }): void {
    // Hashed: what is kept of a proof has one size, whatever its maker put into it.
    const id = hash("sha256", jti, "base64url");
    switch (this.#seen.add(thumbprint, id, (iat + AGE_MAX_S + AHEAD_MAX_S) * 1000)) {
      case "added":
        return;
      case "present":
        throw new AppError("dpop-proof-replayed", "this proof has been used; make one for each request");
      case "full":
        throw new AppError("rate-limited", "too many proofs in the last minute", { retryAfterS: AGE_MAX_S });
    }
  }
}

function importKey(jwk: PublicJwk, thumbprint: string): ProofKey {
  const algorithms = jwk.kty === "EC" ? ["ES256"] : ["EdDSA", "Ed25519"];
  try {
    return { key: createPublicKey({ key: jwk, format: "jwk" }), thumbprint, algorithms };
  } catch (cause) {
    throw new JwsError("the header's jwk is not a point of its curve", { cause });
  }
}

/** Scheme, host, port and path, normalized (RFC 9449 section 4.3); the query and what follows do not count. */
function placeOf(address: string): string | null {
  const url = URL.parse(address);
  return url === null ? null : `${url.origin}${url.pathname}`;
}

function mismatch(detail: string): AppError {
  return new AppError("dpop-proof-mismatch", detail);
}

type ProofOptions = {
  readonly method: string;
  readonly url: string;
  readonly token: string | null;
  readonly clock: Clock;
  readonly random: Random;
};

/** A fresh proof for one request: what the command line sends. */
export async function signProof(jwk: PrivateJwk, options: ProofOptions): Promise<string> {
  const { method, url, token, clock, random } = options;
  const { kty, crv, x } = publicJwkOf(jwk);
  const claims = {
    jti: Buffer.from(random.bytes(16)).toString("base64url"),
    htm: method,
    htu: url,
    iat: Math.floor(clock.nowMs() / 1000),
    ...(token === null ? {} : { ath: hash("sha256", token, "base64url") }),
  };
  return new SignJWT(claims)
    .setProtectedHeader({ typ: "dpop+jwt", alg: "EdDSA", jwk: { kty, crv, x } })
    .sign(keyPairOf(jwk).privateKey);
}
