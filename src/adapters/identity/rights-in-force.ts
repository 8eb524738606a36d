// What of the files in `clients/` and of the groups in the settings is in force: as much as the ledger says was approved.

import type { RightsDirectory } from "../../wire/contracts/rights.ts";
import { groupId } from "../../wire/schemas/rights.ts";
import type { IssuerConfig } from "../../wire/schemas/issuers-config.ts";
import type { RightsHolder } from "../../wire/types/rights.ts";
import { hasScope, isClientScope, PERSON_SCOPES, type ClientScope } from "../../wire/types/scopes.ts";
import { parseKey } from "./client-keys.ts";
import type { Client } from "./clients.ts";

export type Given = { readonly roles: readonly string[]; readonly scopes: readonly ClientScope[] };

/**
 * The clients as they may be used. A file that was there when the log was installed still narrows what it was installed
 * with, and ends it when it goes. Whoever was registered by an action needs no file. Anybody else's file gives nothing: it
 * says who signs in at another issuer, and what they get is their groups'.
 */
export function clientsInForce(files: readonly Client[], rights: RightsDirectory): readonly Client[] {
  const people = files.filter(({ kind }) => kind === "person");
  const ofFiles = people.flatMap((file) => fileInForce(file, rights));
  const disabled = new Set(people.filter((file) => file.disabled).map(({ id }) => id));
  const ofActions = [...rights.all()]
    .filter(({ id, status, action }) => id.startsWith("person:") && status === "active" && action !== null)
    .map((holder) => clientOf(holder, disabled.has(holder.id)));
  // A registered agent's file says who it is elsewhere; one that is none may read, and answers for nothing.
  const agents = files.filter(({ kind }) => kind === "agent").map((file) => ({ ...file, roles: [] }));
  return [...ofFiles, ...ofActions, ...agents];
}

function fileInForce(file: Client, rights: RightsDirectory): readonly Client[] {
  const held = rights.find(file.id);
  if (held === undefined) return [withoutRights(file, rights)];
  if (held.status === "revoked") return [{ ...file, disabled: true }];
  if (held.action !== null) return [];
  const keys = new Set(held.keys.map(({ thumbprint }) => thumbprint));
  return [
    {
      ...file,
      person: held.person,
      ...narrowed(file, held),
      keys: file.keys.filter(({ thumbprint }) => keys.has(thumbprint)),
      subjects: file.subjects.filter((subject) => held.subjects.includes(subject)),
      dpopBound: file.dpopBound || held.dpop,
    },
  ];
}

/** Who they are here is what their id says, and nobody who is registered. */
function withoutRights(file: Client, rights: RightsDirectory): Client {
  const taken = new Set([...rights.all()].flatMap(({ subjects }) => subjects));
  const subjects = file.subjects.filter((subject) => !taken.has(subject));
  return { ...file, person: file.id.slice("person:".length), roles: [], scopes: [], keys: [], subjects };
}

/** True for a file that would give what nobody has approved. */
export function isBeyondRights(file: Client, rights: RightsDirectory): boolean {
  const held = rights.find(file.id);
  if (file.kind !== "person" || file.disabled || held?.status === "revoked" || held?.action != null) return false;
  const [used] = fileInForce(file, rights);
  const sizeOf = (client: Client): number =>
    client.roles.length + client.scopes.length + client.keys.length + client.subjects.length;
  return used === undefined || sizeOf(used) < sizeOf(file);
}

function clientOf(holder: RightsHolder, disabled: boolean): Client {
  const { id, person, roles, keys, subjects, dpop: dpopBound } = holder;
  const scopes = holder.scopes.filter(isClientScope);
  const ofKeys = keys.map(({ jwk }) => parseKey(jwk));
  return {
    id,
    kind: "person",
    person,
    owner: null,
    roles,
    scopes,
    keys: ofKeys,
    parents: [],
    subjects,
    disabled,
    dpopBound,
  };
}

function narrowed(asked: Given, held: RightsHolder): Given {
  return {
    roles: asked.roles.filter((role) => held.roles.includes(role)),
    scopes: asked.scopes.filter((scope) => hasScope(held, scope)),
  };
}

/** Another issuer, with what its groups give here. */
export type GovernedIssuer = IssuerConfig & {
  /** Undefined for a group that means nothing here. */
  readonly given: (group: string) => Given | undefined;
};

/** As with people: installed groups as far as the settings still say so, others as they were registered by an action. */
export function governIssuer(config: IssuerConfig, rights: RightsDirectory | null): GovernedIssuer {
  const given = (group: string): Given | undefined => {
    const asked = Object.hasOwn(config.groups, group) ? config.groups[group] : undefined;
    const wanted = asked === undefined ? undefined : { roles: asked.roles, scopes: asked.scopes ?? PERSON_SCOPES };
    if (rights === null) return wanted;
    const held = rights.find(groupId({ issuer: config.url, group }));
    if (held === undefined || held.status === "revoked") return undefined;
    if (held.action !== null) return { roles: held.roles, scopes: held.scopes.filter(isClientScope) };
    return wanted === undefined ? undefined : narrowed(wanted, held);
  };
  return { ...config, given };
}
