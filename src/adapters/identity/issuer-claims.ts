// What the claims of another issuer mean here: subject, scopes, groups and what these give, by configuration alone.

import type { JsonObject } from "../../core/json.ts";
import type { IssuerConfig } from "../../wire/schemas/issuers-config.ts";
import type { ClientKind } from "../../wire/types/identity.ts";
import { isClientScope } from "../../wire/types/scopes.ts";
import type { ClientScope } from "../../wire/types/scopes.ts";
import type { Given, GovernedIssuer } from "./rights-in-force.ts";

const TEXTS_MAX = 1_000;

type Path = string | readonly string[];

export function claimAt(claims: JsonObject, path: Path): unknown {
  let value: unknown = claims;
  for (const name of typeof path === "string" ? [path] : path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** The claim as texts: a list as it is, one text taken apart at its spaces. Empty for anything else. */
function textsAt(claims: JsonObject, path: Path): readonly string[] {
  const value = claimAt(claims, path);
  const list = typeof value === "string" ? value.split(" ") : value;
  if (!Array.isArray(list) || list.length > TEXTS_MAX) return [];
  return list.filter((one): one is string => typeof one === "string" && one !== "");
}

export function textAt(claims: JsonObject, path: Path): string | null {
  const value = claimAt(claims, path);
  return typeof value === "string" && value !== "" ? value : null;
}

/** The scopes here that an access token has: by the configured meaning, else by our own names. */
export function scopesOf(issuer: Pick<IssuerConfig, "claims" | "scopes">, claims: JsonObject): readonly ClientScope[] {
  const found = new Set<ClientScope>();
  for (const name of textsAt(claims, issuer.claims.scopes)) {
    if (Object.hasOwn(issuer.scopes, name)) for (const scope of issuer.scopes[name] ?? []) found.add(scope);
    else if (isClientScope(name)) found.add(name);
  }
  return [...found];
}

/** The groups of the token that mean something here. A name may hold spaces, so that only a list counts. */
export function groupsOf(issuer: Pick<GovernedIssuer, "claims" | "given">, claims: JsonObject): readonly string[] {
  const value = claimAt(claims, issuer.claims.groups);
  if (!Array.isArray(value) || value.length > TEXTS_MAX) return [];
  const named = value.filter((one): one is string => typeof one === "string");
  return [...new Set(named)].filter((group) => issuer.given(group) !== undefined);
}

/** All that membership in these groups gives. */
export function givenByGroups({ given }: Pick<GovernedIssuer, "given">, names: readonly string[]): Given {
  const all = names.flatMap((name) => given(name) ?? []);
  return {
    roles: [...new Set(all.flatMap(({ roles }) => roles))],
    scopes: [...new Set(all.flatMap(({ scopes }) => scopes))],
  };
}

/** Groups are of people: an agent has what is registered for it, whatever groups its token claims. */
export function reachOf({ kind, roles, scopes }: Given & { readonly kind: ClientKind }, given: Given): Given {
  if (kind === "agent") return { roles, scopes };
  return { roles: [...new Set([...roles, ...given.roles])], scopes: [...new Set([...scopes, ...given.scopes])] };
}
