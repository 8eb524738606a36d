// The embedded issuer: OAuth 2.0 client credentials with private_key_jwt, answered by short-lived access tokens.

import { SignJWT } from "jose";
import type { Clock } from "../../core/clock.ts";
import { AppError, isAppError } from "../../core/errors.ts";
import type { ErrorCode } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Random } from "../../core/random.ts";
import { firstProblem, tokenRequest } from "../../wire/schemas/identity.ts";
import type { AccessTokenClaims, TokenResponse } from "../../wire/schemas/identity.ts";
import { hasScope, isClientScope, PLAIN_SCOPES } from "../../wire/types/scopes.ts";
import type { ClientScope } from "../../wire/types/scopes.ts";
import { verifyAssertion } from "./client-assertions.ts";
import type { VerifiedAssertion } from "./client-assertions.ts";
import type { Client, ClientRegistry } from "./clients.ts";
import { JwsError, parseCompactJws, parseJsonObject } from "./compact-jws.ts";
import { PROOF_ALGORITHMS, type DpopProofs } from "./dpop-proofs.ts";
import { ExpiringSet } from "./expiring-set.ts";
import type { KeyPair } from "./key-pairs.ts";

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const TOKEN_TTL_S = 300;
const TOKEN_TTL_MAX_S = 900;
const ASSERTIONS_SEEN_MAX = 100_000;
const ASSERTIONS_SEEN_PER_CLIENT_MAX = 2000;

/** For the log: what the issuer did. `client` is null where none was authenticated. */
export type IssuerEvent =
  | {
      readonly type: "token-issued";
      readonly client: string;
      readonly tokenId: string;
      readonly keyThumbprint: string;
      readonly scopes: readonly ClientScope[];
      readonly expiresAt: number;
    }
  | {
      readonly type: "token-refused";
      readonly client: string | null;
      readonly code: ErrorCode;
      readonly detail: string;
    };

export interface TokenIssuerOptions {
  /** The issuer's URL, no slash at its end: `http://127.0.0.1:4600`. */
  readonly issuer: string;
  /** `aud` of the tokens: what the API calls itself. */
  readonly audience: string;
  readonly key: KeyPair;
  readonly clients: ClientRegistry;
  /** File that remembers the assertions seen. */
  readonly seenPath: string;
  readonly proofs: Pick<DpopProofs, "check">;
  readonly clock: Clock;
  readonly random: Random;
  readonly onEvent: (event: IssuerEvent) => void;
  readonly tokenTtlS?: number;
}

/**
 * Issues tokens. An assertion works once: its client and `jti` are durable before the token exists and are kept until
 * the assertion is too old, so neither a restart nor a crash lets one be replayed. When there is no room to remember
 * another, none is accepted.
 */
export class TokenIssuer {
  readonly #options: TokenIssuerOptions;
  readonly #tokenEndpoint: string;
  readonly #ttlS: number;
  readonly #seen: ExpiringSet;

  /** Throws `config-invalid` for a lifetime outside 30 to 900 s or a damaged file of seen assertions. */
  constructor(options: TokenIssuerOptions) {
    this.#options = options;
    this.#tokenEndpoint = `${options.issuer}/oauth/token`;
    this.#ttlS = options.tokenTtlS ?? TOKEN_TTL_S;
    if (!Number.isInteger(this.#ttlS) || this.#ttlS < 30 || this.#ttlS > TOKEN_TTL_MAX_S) {
      throw new AppError("config-invalid", `the token lifetime must be 30 to ${TOKEN_TTL_MAX_S} s`);
    }
    this.#seen = new ExpiringSet({
      path: options.seenPath,
      clock: options.clock,
      idsMax: ASSERTIONS_SEEN_MAX,
      groupIdsMax: ASSERTIONS_SEEN_PER_CLIENT_MAX,
    });
  }

  /**
   * Answers a token request (RFC 6749 section 4.4.2); `parameters` are the form's, each given once, `proof` the value of
   * the `DPoP` header, to whose key the token is then bound. Throws what checking the proof throws, and
   * `request-invalid`, `grant-type-unsupported`, `client-invalid`, `scope-invalid`, `rate-limited` (this client has used
   * too many assertions), `overloaded` and `store-unavailable`.
   */
  async issueToken(parameters: Readonly<Record<string, unknown>>, proof?: string): Promise<TokenResponse> {
    let client: string | null = null;
    try {
      const request = parseRequest(parameters);
      const { issuer, clients, clock } = this.#options;
      const audiences = [this.#tokenEndpoint, issuer];
      const assertion = await verifyAssertion(request.client_assertion, { audiences, clients, clock });
      client = assertion.client.id;
      this.#useOnce(assertion);
      if (request.client_id !== undefined && request.client_id !== client) {
        throw new AppError("client-invalid", "client_id is not the assertion's client");
      }
      if (request.audience !== undefined && request.audience !== this.#options.audience) {
        throw new AppError("request-invalid", "audience is not this server");
      }
      const scopes = grantedScopes(assertion.client, request.scope);
      return await this.#sign(assertion, { scopes, boundTo: await this.#boundTo(assertion.client, proof) });
    } catch (error) {
      const code = isAppError(error) ? error.code : "internal";
      const detail = isAppError(error) ? error.message : "unexpected failure";
      this.#options.onEvent({ type: "token-refused", client, code, detail });
      throw error;
    }
  }

  /**
   * The registered client that a token request says it is from, null when it names none. Nothing is verified: it tells
   * only whose share of the requests this one may use up.
   */
  claimedClient(parameters: Readonly<Record<string, unknown>>): string | null {
    const assertion = parameters["client_assertion"];
    if (typeof assertion !== "string") return null;
    try {
      const { sub } = parseJsonObject(parseCompactJws(assertion).payload);
      return typeof sub === "string" && this.#options.clients.find(sub) !== undefined ? sub : null;
    } catch (error) {
      if (error instanceof JwsError) return null;
      throw error;
    }
  }

  /** Authorization server metadata (RFC 8414). */
  metadata(): JsonObject {
    return {
      issuer: this.#options.issuer,
      token_endpoint: this.#tokenEndpoint,
      jwks_uri: `${this.#options.issuer}/jwks`,
      response_types_supported: [],
      grant_types_supported: ["client_credentials"],
      token_endpoint_auth_methods_supported: ["private_key_jwt"],
      token_endpoint_auth_signing_alg_values_supported: ["EdDSA", "Ed25519", "ES256"],
      dpop_signing_alg_values_supported: [...PROOF_ALGORITHMS],
      scopes_supported: [...PLAIN_SCOPES, "actions:propose:*"],
    };
  }

  /** The public key that verifies the tokens (RFC 7517). */
  jwks(): JsonObject {
    return { keys: [{ ...this.#options.key.publicJwk } as JsonObject] };
  }

  #useOnce(assertion: VerifiedAssertion): void {
    switch (this.#seen.add(assertion.client.id, assertion.jti, assertion.uselessAtMs)) {
      case "added":
        return;
      case "present":
        throw new AppError("client-invalid", "this assertion has been used");
      case "full":
        throw new AppError("rate-limited", "too many assertions used in the last minutes");
    }
  }

  async #boundTo(client: Client, proof: string | undefined): Promise<string | null> {
    if (proof === undefined && !client.dpopBound) return null;
    return this.#options.proofs.check({ proof, method: "POST", path: "/oauth/token", token: null });
  }

  async #sign({ client, key }: VerifiedAssertion, { scopes, boundTo }: Granted): Promise<TokenResponse> {
    const { issuer, audience, clock, random } = this.#options;
    const nowS = Math.floor(clock.nowMs() / 1000);
    const scope = scopes.join(" ");
    const claims: AccessTokenClaims = {
      iss: issuer,
      sub: client.id,
      client_id: client.id,
      aud: audience,
      exp: nowS + this.#ttlS,
      iat: nowS,
      nbf: nowS,
      jti: Buffer.from(random.bytes(16)).toString("base64url"),
      scope,
      roles: [...client.roles],
      kind: client.kind,
      person: client.person,
      client_jkt: key.thumbprint,
      ...(boundTo === null ? {} : { cnf: { jkt: boundTo } }),
      ...(client.parents.length === 0 ? {} : { parents: [...client.parents] }),
    };
    const token = await new SignJWT({ ...claims })
      .setProtectedHeader({ alg: "EdDSA", kid: this.#options.key.kid, typ: "at+jwt" })
      .sign(this.#options.key.privateKey);
    this.#options.onEvent({
      type: "token-issued",
      client: client.id,
      tokenId: claims.jti,
      keyThumbprint: key.thumbprint,
      scopes,
      expiresAt: claims.exp * 1000,
    });
    const type = boundTo === null ? "Bearer" : "DPoP";
    return { access_token: token, token_type: type, expires_in: this.#ttlS, scope };
  }
}

type Granted = { readonly scopes: readonly ClientScope[]; readonly boundTo: string | null };

function parseRequest(parameters: Readonly<Record<string, unknown>>) {
  const grantType = parameters["grant_type"];
  if (typeof grantType === "string" && grantType !== "client_credentials") {
    throw new AppError("grant-type-unsupported", "grant_type must be client_credentials");
  }
  const parsed = tokenRequest.safeParse(parameters);
  if (!parsed.success) throw new AppError("request-invalid", firstProblem(parsed.error));
  if (parsed.data.client_assertion_type !== ASSERTION_TYPE) {
    throw new AppError("request-invalid", `client_assertion_type must be ${ASSERTION_TYPE}`);
  }
  return parsed.data;
}

/** The scopes asked for, each of which the client's registration must cover; all registered ones when none is named. */
function grantedScopes(client: Client, requested: string | undefined): readonly ClientScope[] {
  if (requested === undefined) return client.scopes;
  const scopes: ClientScope[] = [];
  for (const scope of requested.split(" ")) {
    if (!isClientScope(scope) || !hasScope(client, scope)) {
      throw new AppError("scope-invalid", "a requested scope is unknown or not registered for this client");
    }
    if (!scopes.includes(scope)) scopes.push(scope);
  }
  return scopes;
}
