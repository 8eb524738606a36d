// Reducers of the rights of people and groups.

import { OWNER_ROLE, type Rights } from "../../wire/types/rights.ts";
import type { KernelEvent } from "../events.ts";
import type { State } from "../state.ts";

type Given = { readonly rights: Rights; readonly action: string | null; readonly givenAt: number };

function give({ rights: all }: State, { rights, action, givenAt }: Given): void {
  const { dpop, id, keys, person, roles, scopes, subjects } = rights;
  const wasOwner = roles.includes(OWNER_ROLE) || all.get(id)?.wasOwner === true;
  const given = { dpop, id, keys, person, roles, scopes, subjects };
  all.set(id, { ...given, action, givenAt, status: "active", wasOwner });
}

export function applyInstalled(state: State, { facts, time }: KernelEvent<"rights.installed">): void {
  for (const rights of facts.holders) give(state, { rights, action: null, givenAt: time });
}

export function applyGiven(state: State, { facts, time }: KernelEvent<"rights.given">): void {
  give(state, { rights: facts, action: facts.action, givenAt: time });
}

/** Of whom nothing was registered, as of a person who signed in by a group, it is known from now on that they are out. */
export function applyRevoked({ rights: all }: State, { subject: id, time }: KernelEvent<"rights.revoked">): void {
  const before = all.get(id);
  const nothing = { dpop: false, id, keys: [], person: null, roles: [], scopes: [], subjects: [] };
  const { action, givenAt, wasOwner } = before ?? { action: null, givenAt: time, wasOwner: false };
  all.set(id, { ...(before ?? nothing), action, givenAt, wasOwner, status: "revoked" });
}
