// Access tokens of other issuers: their signatures and claims checked, and whose registration here they stand for.

import { hash } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { JsonObject } from "../../core/json.ts";
import { externalClaims, firstProblem } from "../../wire/schemas/identity.ts";
import type { ExternalClaims } from "../../wire/schemas/identity.ts";

import type { Identity } from "../../wire/types/identity.ts";
import { hasScope } from "../../wire/types/scopes.ts";
import type { Client } from "./clients.ts";
import { JwsError, parseJsonObject, verifyCompactJws } from "./compact-jws.ts";
import type { CompactJws } from "./compact-jws.ts";
import { givenByGroups, groupsOf, reachOf, scopesOf, textAt } from "./issuer-claims.ts";
import { actorsOf, delegatedReach } from "./delegations.ts";
import type { IssuerKeys } from "./issuer-keys.ts";
import type { GovernedIssuer } from "./rights-in-force.ts";

/** What a header's `typ` may say of an access token (RFC 9068, and issuers older than it). */
const TYPES: ReadonlySet<unknown> = new Set([undefined, "at+jwt", "application/at+jwt", "JWT"]);

export interface TrustedIssuer {
  readonly config: GovernedIssuer;
  readonly keys: Pick<IssuerKeys, "find">;
}

/** A token whose signature and claims are good; whom it stands for is looked up with nothing in between. */
export interface ExternalToken {
  readonly config: GovernedIssuer;
  readonly all: JsonObject;
  readonly claims: ExternalClaims;
  readonly subject: string;
  /** Who acts for the subject, the present one first; none where nobody does. */
  readonly actors: readonly string[];
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
  const actors = actorsOf(all, config);
  const key = await keys.find(alg, typeof kid === "string" ? kid : undefined);
  if (key === undefined) throw new JwsError("signed by a key that is not its issuer's");
  await verifyCompactJws(jws, key, [alg]);
  const subject = textAt(all, config.claims.subject);
  if (subject === null) throw new JwsError("it names no subject");
  return { config, all, claims, subject, actors, tokenId: tokenIdOf(claims, jws) };
}

function parseClaims(all: JsonObject, config: GovernedIssuer, clock: Clock): ExternalClaims {
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
export function identityOf({ config, all, claims, tokenId }: ExternalToken, parties: readonly Client[]): Identity {
  const [subject, ...others] = parties;
  if (subject === undefined) throw new JwsError("it stands for nobody");
  const reach = reachOf(subject, givenByGroups(config, groupsOf(config, all)));
  const scopes = scopesOf(config, all).filter((scope) => hasScope(reach, scope));
  const [actor] = others;
  const given =
    actor === undefined
      ? { roles: reach.roles, scopes }
      : delegatedReach(scopes, { actor, others: [{ client: subject, reach }, ...othersBelow(others)] });
  const { id, kind, person } = actor ?? subject;
  return Object.freeze({
    id,
    kind,
    person,
    ...given,
    roles: Object.freeze(given.roles),
    scopes: Object.freeze(given.scopes),
    tokenId,
    keyThumbprint: null,
    expiresAt: claims.exp * 1000,
  });
}

/** Those between who began it and who acts now, in the order in which they passed it on. */
function othersBelow(actors: readonly Client[]): readonly { readonly client: Client; readonly reach: Client }[] {
  return actors
    .slice(1)
    .toReversed()
    .map((client) => ({ client, reach: client }));
}

/**
 * Everybody whom the token names, as registered: its subject, then who acts for it, the present one first. All must be,
 * and none disabled: what is cut in one place is cut. Throws JwsError.
 */
export function partiesOf({ config, subject, actors }: ExternalToken, clients: Registry): readonly Client[] {
  return [subject, ...actors].map((name) => {
    const client = clients.findBySubject(config.url, name);
    if (client !== undefined) return client;
    const whose = name === subject ? "its subject" : "who acts for its subject";
    throw new JwsError(`${whose} is registered for nobody here, or for somebody disabled`);
  });
}

type Registry = { findBySubject(issuer: string, subject: string): Client | undefined };
