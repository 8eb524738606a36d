// Delegated tokens of other issuers (RFC 8693 section 4.1): who acts for whom, and how far all of them together reach.
//
//   sub: who began it ─► act.act: who acted for them ─► act: who acts now, and sends the token

import type { JsonObject } from "../../core/json.ts";
import type { IssuerConfig } from "../../wire/schemas/issuers-config.ts";
import type { Delegator } from "../../wire/types/identity.ts";
import { hasScope } from "../../wire/types/scopes.ts";
import type { Client } from "./clients.ts";
import { JwsError } from "./compact-jws.ts";
import { claimAt } from "./issuer-claims.ts";
import type { Given } from "./rights-in-force.ts";

/** As deep as agents may stand below one another. */
const ACTORS_MAX = 8;
const SUBJECT_CHARS_MAX = 256;

/**
 * Who acts, by the subjects that the issuer gives them, the present one first; none where the token is nobody's but its
 * subject's. Throws JwsError where delegation is not configured, and where somebody else's issuer is named.
 */
export function actorsOf(claims: JsonObject, { url, claims: { actor } }: IssuerConfig): readonly string[] {
  const first = typeof actor === "string" ? actor : actor?.[0];
  // What is not followed must not be overlooked either.
  if (first !== "act" && Object.hasOwn(claims, "act")) throw new JwsError("delegated by another issuer");
  const actors: string[] = [];
  let next: unknown = actor === undefined ? undefined : claimAt(claims, actor);
  while (next !== undefined) {
    if (actors.length === ACTORS_MAX) throw new JwsError("delegated too often");
    const { sub, iss = url, act } = asActor(next);
    if (iss !== url) throw new JwsError("delegated to somebody of another issuer");
    if (typeof sub !== "string" || sub === "" || sub.length > SUBJECT_CHARS_MAX)
      throw new JwsError("no actor is named");
    actors.push(sub);
    next = act;
  }
  return actors;
}

function asActor(value: unknown): { readonly sub?: unknown; readonly iss?: unknown; readonly act?: unknown } {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new JwsError("what says who acts is no object");
}

export type Delegated = {
  /** Who acts now. */
  readonly actor: Client;
  /** For whom, whoever began it first, with what each may do here. */
  readonly others: readonly { readonly client: Client; readonly reach: Given }[];
};

/**
 * What is left of `scopes` when an agent acts for others: what each of them may do by themselves. Throws JwsError where it is no
 * agent, or somebody in the row is there twice.
 */
export function delegatedReach(
  scopes: Given["scopes"],
  { actor, others }: Delegated,
): Given & { readonly actsFor: readonly Delegator[] } {
  if (actor.kind !== "agent") throw new JwsError("only agents act for others");
  const ids = [actor.id, ...others.map(({ client }) => client.id)];
  if (new Set(ids).size !== ids.length) throw new JwsError("somebody acts for themselves");
  return {
    // A role is somebody's own: nobody passes it on.
    roles: [],
    scopes: scopes.filter((scope) => hasScope(actor, scope) && others.every(({ reach }) => hasScope(reach, scope))),
    actsFor: others.map(({ client: { id, person } }) => Object.freeze({ id, person })),
  };
}
