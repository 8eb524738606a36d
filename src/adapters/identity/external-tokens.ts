// Access tokens of other issuers: their signatures and claims checked, and whose registration here they stand for.

import { hash } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { JsonObject } from "../../core/json.ts";
import { externalClaims, firstProblem } from "../../wire/schemas/identity.ts";
import type { ExternalClaims } from "../../wire/schemas/identity.ts";
import type { IssuerConfig } from "../../wire/schemas/issuers-config.ts";
import type { Identity } from "../../wire/types/identity.ts";
import { hasScope } from "../../wire/types/scopes.ts";
import type { Client } from "./clients.ts";
import { JwsError, parseJsonObject, verifyCompactJws } from "./compact-jws.ts";
import type { CompactJws } from "./compact-jws.ts";
import { givenByGroups, groupsOf, reachOf, scopesOf, textAt } from "./issuer-claims.ts";
import type { IssuerKeys } from "./issuer-keys.ts";

/** What a header's `typ` may say of an access token (RFC 9068, and issuers older than it). */
const TYPES: ReadonlySet<unknown> = new Set([undefined, "at+jwt", "application/at+jwt", "JWT"]);

export interface TrustedIssuer {
  readonly config: IssuerConfig;
  readonly keys: Pick<IssuerKeys, "find">;
}

/** A token whose signature and claims are good; whom it stands for is looked up with nothing in between. */
export interface ExternalToken {
  readonly config: IssuerConfig;
  readonly all: JsonObject;
  readonly claims: ExternalClaims;
  readonly subject: string;
  readonly tokenId: string;
}

/**
 * Verifies a token of `issuer`, which the caller chose by the token's `iss` among those configured. Throws JwsError, and
 * `issuer-unreachable` when its keys cannot be had.
 */
export async function verifyExternal(
  jws: CompactJws,
  { config, keys }: TrustedIssuer,
  clock: Clock,
): Promise<ExternalToken> {
  const { alg, kid, typ } = jws.header;
  if (!TYPES.has(typ)) throw new JwsError("not an access token");
  // Before any key is looked for: which algorithms are good is ours to say, never the token's.
  if (typeof alg !== "string" || !config.algorithms.some((one) => one === alg)) {
    throw new JwsError("signed with an algorithm that is not allowed");
  }
  const all = parseJsonObject(jws.payload);
  const claims = parseClaims(all, config, clock);
  const key = await keys.find(alg, typeof kid === "string" ? kid : undefined);
  if (key === undefined) throw new JwsError("signed by a key that is not its issuer's");
  await verifyCompactJws(jws, key, [alg]);
  const subject = textAt(all, config.claims.subject);
  if (subject === null) throw new JwsError("it names no subject");
  return { config, all, claims, subject, tokenId: tokenIdOf(claims, jws) };
}

function parseClaims(all: JsonObject, config: IssuerConfig, clock: Clock): ExternalClaims {
  const parsed = externalClaims.safeParse(all);
  if (!parsed.success) throw new JwsError(`claim ${firstProblem(parsed.error)}`);
  const { iss, aud, exp, iat, nbf } = parsed.data;
  const [nowS, skewS] = [clock.nowMs() / 1000, config.clockSkewS];
  if (iss !== config.url) throw new JwsError("issued by somebody else");
  if (!(typeof aud === "string" ? [aud] : aud).includes(config.audience))
    throw new JwsError("meant for another server");
  if (exp + skewS <= nowS) throw new JwsError("expired");
  if (iat > nowS + skewS || (nbf !== undefined && nbf > nowS + skewS)) throw new JwsError("not valid yet");
  if (exp - iat > config.tokenLifetimeMaxS) throw new JwsError("lives longer than any token may");
  // What another issuer says of delegation is not followed, and must not be overlooked either.
  if (Object.hasOwn(all, "act")) throw new JwsError("delegated by another issuer");
  return parsed.data;
}

/** By what the issuer calls the token, else by its content: never by its text, which can have several spellings. */
function tokenIdOf({ iss, jti }: ExternalClaims, { payload }: CompactJws): string {
  const name = jti === undefined ? hash("sha256", payload, "base64url") : `jti ${jti}`;
  return `ext_${hash("sha256", `${iss}\n${name}`, "base64url").slice(0, 22)}`;
}

/**
 * The identity that the token gives now. It reaches as far as the registration (for people with what their groups
 * give, by this token too), and no further than the scopes that the token itself has. Throws JwsError.
 */
export function identityOf({ config, all, claims, tokenId }: ExternalToken, client: Client | undefined): Identity {
  if (client === undefined) throw new JwsError("its subject is registered for nobody here, or for somebody disabled");
  const reach = reachOf(client, givenByGroups(config, groupsOf(config, all)));
  return Object.freeze({
    id: client.id,
    kind: client.kind,
    person: client.person,
    roles: Object.freeze(reach.roles),
    scopes: Object.freeze(scopesOf(config, all).filter((scope) => hasScope(reach, scope))),
    tokenId,
    keyThumbprint: null,
    expiresAt: claims.exp * 1000,
  });
}
