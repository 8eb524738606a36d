// Access tokens at the door: each verified once, then found by its text until it expires or is revoked.

import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import { RecentMap } from "../../core/recent-map.ts";
import { accessTokenClaims, firstProblem } from "../../wire/schemas/identity.ts";
import type { AccessTokenClaims } from "../../wire/schemas/identity.ts";
import type { Identity } from "../../wire/types/identity.ts";
import { hasScope, isClientScope } from "../../wire/types/scopes.ts";
import type { ClientScope } from "../../wire/types/scopes.ts";
import type { ClientRegistry } from "./clients.ts";
import { JwsError, parseCompactJws, parseJsonObject, TOKEN_CHARS_MAX, verifyCompactJws } from "./compact-jws.ts";
import type { CompactJws } from "./compact-jws.ts";
import { identityOf, partiesOf, verifyExternal, type TrustedIssuer } from "./external-tokens.ts";
import { ExpiringSet } from "./expiring-set.ts";
import { KEYS_FRESH_MS } from "./issuer-keys.ts";
import type { KeyPair } from "./key-pairs.ts";

/** No token of ours lives longer (see issuer.ts). */
const LIFETIME_MAX_S = 900;
/** The kernel bears a clock that is set back by this much, so a token just issued must too. */
const CLOCK_STEP_S = 5;
const CACHED_MAX = 10_000;
const REVOKED_MAX = 10_000;
const REVOKED_GROUP = "token";
const SCHEME = "bearer ";
const BOUND_SCHEME = "dpop ";

export interface TokenVerifierOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly key: Pick<KeyPair, "kid" | "publicKey">;
  readonly clients: ClientRegistry;
  /** File that remembers revoked tokens. */
  readonly revokedPath: string;
  readonly clock: Clock;
  /** Other issuers whose tokens are good here, by what their tokens have as `iss`. */
  readonly trusted?: ReadonlyMap<string, TrustedIssuer>;
  readonly cachedMax?: number;
}

/** A token that is good, from somebody who has yet to prove the key it is bound to. */
export interface BoundToken {
  readonly identity: Identity;
  /** Thumbprint of that key. */
  readonly boundTo: string;
  readonly text: string;
}

interface Entry {
  readonly identity: Identity;
  /** Thumbprint of the key that its sender must prove; null for a bearer token. */
  readonly boundTo: string | null;
  /** From when on it is checked again: its issuer may have taken the key back. */
  readonly staleAtMs: number;
  /** Generation of the client registry that the identity was checked against. */
  readonly generation: number;
}

/**
 * Verifies `Authorization` headers. The cache is keyed by the header's text, which costs less than a digest of it, and
 * only ever holds what a full check accepted; revocation and replay are never keyed by a token's text, but by `jti`,
 * client and key thumbprint.
 */
export class TokenVerifier {
  readonly #options: TokenVerifierOptions;
  readonly #revoked: ExpiringSet;
  readonly #cache: RecentMap<Entry>;

  constructor(options: TokenVerifierOptions) {
    this.#options = options;
    this.#cache = new RecentMap(options.cachedMax ?? CACHED_MAX);
    const bounds = { idsMax: REVOKED_MAX, groupIdsMax: REVOKED_MAX };
    this.#revoked = new ExpiringSet({ path: options.revokedPath, clock: options.clock, ...bounds });
  }

  /**
   * The identity of a bearer token verified before and still good; undefined when only `verify` can tell. Synchronous: one
   * look-up and two comparisons, and once a second a look at the client files. Never that of a bound token: this is no
   * proof of its key.
   */
  cached(header: string | undefined): Identity | undefined {
    const entry = this.#find(header);
    return entry?.boundTo === null ? entry.identity : undefined;
  }

  /** As `cached`, for a bound token: whose it is, not who sent it. */
  cachedBound(header: string): Identity | undefined {
    const entry = this.#find(header);
    return entry?.boundTo === null ? undefined : entry?.identity;
  }

  /**
   * The identity that the value of an `Authorization` header proves. Throws `token-missing` without a bearer token,
   * `token-invalid` for one that is not acceptable, with the reason.
   */
  async verify(header: string | undefined): Promise<Identity> {
    const known = this.cached(header);
    if (known !== undefined) return known;
    if (header === undefined || !hasScheme(header, SCHEME)) {
      throw new AppError("token-missing", "send Authorization: Bearer and a token from /oauth/token");
    }
    const { identity, boundTo } = await this.#verify(header, SCHEME);
    // Whoever stole it has no key: this is what binding is for.
    if (boundTo !== null) throw new AppError("dpop-proof-missing", "the token is bound to a key: send it as DPoP");
    return identity;
  }

  /** As `verify`, for the scheme `DPoP`: the sender still has to prove the key. */
  async verifyBound(header: string): Promise<BoundToken> {
    const { identity, boundTo } = this.#find(header) ?? (await this.#verify(header, BOUND_SCHEME));
    if (boundTo === null) throw invalid("bound to no key: send it as Bearer");
    return { identity, boundTo, text: header.slice(BOUND_SCHEME.length) };
  }

  #find(header: string | undefined): Entry | undefined {
    if (header === undefined || header.length > TOKEN_CHARS_MAX) return undefined;
    const entry = this.#cache.get(header);
    if (entry === undefined) return undefined;
    const { clock, clients } = this.#options;
    const isGood = clock.nowMs() < entry.staleAtMs && entry.generation === clients.currentGeneration();
    if (isGood) return entry;
    this.#cache.delete(header);
    return undefined;
  }

  async #verify(header: string, scheme: string): Promise<Entry> {
    if (header.length > TOKEN_CHARS_MAX) throw invalid(`the header is longer than ${TOKEN_CHARS_MAX} characters`);
    try {
      const jws = parseCompactJws(header.slice(scheme.length));
      const accept = (await this.#verifyExternal(jws)) ?? (await this.#verifyOwn(jws));
      // From here on nothing waits, so no revocation can pass between the checks and the cache.
      const entry = accept();
      if (entry.boundTo === null && scheme === BOUND_SCHEME) throw new JwsError("bound to no key: send it as Bearer");
      this.#cache.set(header, entry);
      return entry;
    } catch (error) {
      if (error instanceof JwsError) throw invalid(error.message, error.cause);
      throw error;
    }
  }

  /**
   * Revokes one token by its `jti`, at once and over restarts. To revoke all tokens of a client, disable it, or remove
   * the key they were issued to. Throws `overloaded` when too many are revoked already: then disable the client.
   */
  revokeToken(tokenId: string): void {
    // Another issuer's token may live longer than ours.
    const lifetimeS = Math.max(LIFETIME_MAX_S + CLOCK_STEP_S, ...this.#trustedLifetimesS());
    const uselessAtMs = this.#options.clock.nowMs() + lifetimeS * 1000;
    if (this.#revoked.add(REVOKED_GROUP, tokenId, uselessAtMs) === "full") {
      throw new AppError("overloaded", "too many revoked tokens are remembered; disable the client instead");
    }
    this.#cache.clear();
  }

  #trustedLifetimesS(): readonly number[] {
    const configs = [...(this.#options.trusted?.values() ?? [])].map(({ config }) => config);
    return configs.map(({ tokenLifetimeMaxS, clockSkewS }) => tokenLifetimeMaxS + 2 * clockSkewS);
  }

  /** What is left to do when the signature is good. */
  async #verifyOwn(jws: CompactJws): Promise<() => Entry> {
    this.#checkHeader(jws);
    await verifyCompactJws(jws, this.#options.key.publicKey, ["EdDSA"]);
    return () => this.#accept(this.#parseClaims(jws));
  }

  /** As `#verifyOwn`, for a token that names another trusted issuer; undefined for every other one. */
  async #verifyExternal(jws: CompactJws): Promise<(() => Entry) | undefined> {
    const { trusted, clients, clock } = this.#options;
    if (trusted === undefined || trusted.size === 0) return undefined;
    const { iss } = parseJsonObject(jws.payload);
    const issuer = typeof iss === "string" ? trusted.get(iss) : undefined;
    if (issuer === undefined) return undefined;
    const token = await verifyExternal(jws, issuer, clock);
    return () => {
      if (this.#revoked.has(REVOKED_GROUP, token.tokenId)) throw new JwsError("revoked");
      const parties = partiesOf(token, clients);
      const identity = identityOf(token, parties);
      const boundTo = token.claims.cnf?.jkt ?? null;
      if (boundTo === null && parties.some(({ dpopBound }) => dpopBound))
        throw new JwsError("its client's tokens must be bound to a key");
      const staleAtMs = Math.min(identity.expiresAt, clock.nowMs() + KEYS_FRESH_MS);
      return { identity, boundTo, staleAtMs, generation: clients.currentGeneration() };
    };
  }

  #checkHeader({ header }: CompactJws): void {
    // Exact values before any signature is computed; jose compares `typ` more leniently.
    if (header["alg"] !== "EdDSA") throw new JwsError("signed with an algorithm that is not allowed");
    if (header["typ"] !== "at+jwt") throw new JwsError("not an access token");
    if (header["kid"] !== this.#options.key.kid) throw new JwsError("signed by a key that is not this issuer's");
  }

  #parseClaims(jws: CompactJws): AccessTokenClaims {
    const parsed = accessTokenClaims.safeParse(parseJsonObject(jws.payload));
    if (!parsed.success) throw new JwsError(`claim ${firstProblem(parsed.error)}`);
    const claims = parsed.data;
    const nowS = this.#options.clock.nowMs() / 1000;
    if (claims.iss !== this.#options.issuer) throw new JwsError("issued by somebody else");
    if (claims.aud !== this.#options.audience) throw new JwsError("meant for another server");
    if (claims.exp <= nowS) throw new JwsError("expired");
    if (claims.nbf > nowS + CLOCK_STEP_S || claims.iat > nowS + CLOCK_STEP_S) throw new JwsError("not valid yet");
    if (claims.exp - claims.iat > LIFETIME_MAX_S) throw new JwsError("lives longer than any token may");
    if (claims.client_id !== claims.sub) throw new JwsError("sub and client_id differ");
    if (this.#revoked.has(REVOKED_GROUP, claims.jti)) throw new JwsError("revoked");
    return claims;
  }

  /** Checks the claims against the client as it is registered now. */
  #accept(claims: AccessTokenClaims): Entry {
    const { clients } = this.#options;
    const client = clients.find(claims.sub);
    if (client === undefined) throw new JwsError("its client is unknown or disabled");
    if (!client.keys.some((key) => key.thumbprint === claims.client_jkt)) {
      throw new JwsError("issued to a key that is no longer registered");
    }
    const scopes = parseScopes(claims.scope);
    const narrowed =
      client.kind !== claims.kind ||
      client.person !== claims.person ||
      client.parents.join() !== (claims.parents ?? []).join() ||
      !claims.roles.every((role) => client.roles.includes(role)) ||
      !scopes.every((scope) => hasScope(client, scope));
    if (narrowed) throw new JwsError("its client's registration has changed; ask for a new token");
    const identity: Identity = Object.freeze({
      id: claims.sub,
      kind: claims.kind,
      person: claims.person,
      roles: Object.freeze(claims.roles),
      scopes: Object.freeze(scopes),
      tokenId: claims.jti,
      keyThumbprint: claims.client_jkt,
      expiresAt: claims.exp * 1000,
    });
    const boundTo = claims.cnf?.jkt ?? null;
    if (boundTo === null && client.dpopBound) throw new JwsError("its client's tokens must be bound to a key");
    return { identity, boundTo, staleAtMs: identity.expiresAt, generation: clients.currentGeneration() };
  }
}

/** Schemes are compared without case (RFC 9110 section 11.1). */
function hasScheme(header: string, scheme: string): boolean {
  return header.slice(0, scheme.length).toLowerCase() === scheme;
}

function parseScopes(text: string): ClientScope[] {
  if (text === "") return [];
  const scopes: ClientScope[] = [];
  for (const scope of text.split(" ")) {
    if (!isClientScope(scope)) throw new JwsError("claim scope: not a known scope");
    scopes.push(scope);
  }
  return scopes;
}

function invalid(detail: string, cause?: unknown): AppError {
  return new AppError("token-invalid", detail, {}, cause);
}
