// Rights of people and groups for identity: those that a log is installed with, and those that the ledger has since.

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { rightsInFiles, type Client } from "../adapters/identity/clients.ts";
import { governIssuer } from "../adapters/identity/rights-in-force.ts";
import type { RightsService } from "../http/services.ts";
import { KERNEL } from "../kernel/command.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { RightsDirectory } from "../wire/contracts/rights.ts";
import type { IssuerConfig } from "../wire/schemas/issuers-config.ts";
import { groupId } from "../wire/schemas/rights.ts";
import type { PersonView, Rights, RightsHolder } from "../wire/types/rights.ts";
import { PERSON_SCOPES } from "../wire/types/scopes.ts";
import type { Config } from "./config.ts";
import { systemClock } from "./system.ts";

const CHANGES: ReadonlySet<string> = new Set(["rights.installed", "rights.given", "rights.revoked"]);

/** Follows the kernel: what is given or revoked counts from when it is durable. */
export function followRights(kernel: Pick<Kernel, "state" | "onDurable">): RightsDirectory {
  let generation = 0;
  let rights = new Map(kernel.state.rights);
  kernel.onDurable((events) => {
    if (!events.some(({ type }) => CHANGES.has(type))) return;
    rights = new Map(kernel.state.rights);
    generation++;
  });
  return {
    get generation() {
      return generation;
    },
    find: (id) => rights.get(id),
    all: () => rights.values(),
  };
}

type Installing = {
  readonly config: Pick<Config, "dataDir" | "issuers">;
  readonly kernel: Pick<Kernel, "state" | "submit">;
  readonly log: Logger;
};

/** The first start of a log takes who stands in the data folder and the settings; later ones take nobody but who is recovered. */
export async function installRights({ config, kernel, log }: Installing): Promise<void> {
  const recovered = recoveredId(config.dataDir);
  if (kernel.state.rights.size > 0 && recovered === null) return;
  const onProblem = (file: string, reason: string): void =>
    log.warn({ file, reason }, "an identity file is not usable");
  const people = rightsInFiles({ dir: join(config.dataDir, "clients"), clock: systemClock, onProblem });
  const isInstalled = kernel.state.rights.size > 0;
  const holders = isInstalled ? people.filter(({ id }) => id === recovered) : [...people, ...groupsOf(config)];
  await kernel.submit({ type: "install-rights", actor: KERNEL, input: { holders, recovery: isInstalled } });
  if (recovered === null) return;
  log.warn(
    { person: recovered, found: holders.length > 0 },
    "rights were recovered from the data folder, without an approval",
  );
  rmSync(recoveryPath(config.dataDir));
}

function groupsOf({ issuers }: Pick<Config, "issuers">): readonly Rights[] {
  return issuers.flatMap(({ url: issuer, groups }) =>
    Object.entries(groups).map(([group, { roles, scopes = PERSON_SCOPES }]) => {
      return { dpop: false, id: groupId({ issuer, group }), keys: [], person: null, roles, scopes, subjects: [] };
    }),
  );
}

function recoveryPath(dataDir: string): string {
  return join(dataDir, "RECOVER");
}

/** Whom a file of that name in the data folder wants back, for whoever has lost every owner's key. */
function recoveredId(dataDir: string): string | null {
  try {
    return readFileSync(recoveryPath(dataDir), "utf8").trim();
  } catch {
    return null;
  }
}

type Reading = {
  readonly config: Pick<Config, "issuers">;
  readonly rights: RightsDirectory;
  /** Those who may act now. */
  readonly people: () => readonly Client[];
};

/** Who holds what, as it counts now. */
export function rightsService({ config, rights, people }: Reading): RightsService {
  const groups = new Map(config.issuers.flatMap((issuer) => namedGroups(issuer, rights)));
  const groupOf = (holder: RightsHolder): PersonView => {
    const known = groups.get(holder.id);
    const given = holder.action === null ? known?.given() : holder;
    return { ...viewOf(holder, given), kind: "group", issuer: known?.issuer ?? null, name: known?.name ?? null };
  };
  return {
    all() {
      const usable = new Map(people().map((client) => [client.id, client]));
      const views = [...rights.all()].map((holder) =>
        holder.id.startsWith("group:") ? groupOf(holder) : viewOf(holder, usable.get(holder.id)),
      );
      const signedIn = [...usable.values()].filter(({ id }) => rights.find(id) === undefined).map(signedInView);
      return [...views, ...signedIn].toSorted((a, b) => (a.id < b.id ? -1 : 1));
    },
  };
}

type NamedGroup = {
  readonly issuer: string;
  readonly name: string;
  readonly given: () => Pick<Rights, "roles" | "scopes"> | undefined;
};

function namedGroups(config: IssuerConfig, rights: RightsDirectory): readonly (readonly [string, NamedGroup])[] {
  const { given } = governIssuer(config, rights);
  return Object.keys(config.groups).map((name) => {
    const group = { issuer: config.url, name, given: () => given(name) };
    return [groupId({ issuer: config.url, group: name }), group] as const;
  });
}

function viewOf(holder: RightsHolder, given: Pick<Rights, "roles" | "scopes"> | undefined): PersonView {
  const { id, person, roles, scopes, keys, action, givenAt } = holder;
  const isRevoked = holder.status === "revoked";
  return {
    id,
    kind: "person",
    status: isRevoked ? "revoked" : given === undefined ? "inactive" : "active",
    person,
    name: null,
    issuer: null,
    roles: isRevoked ? [] : (given?.roles ?? []),
    scopes: isRevoked ? [] : (given?.scopes ?? []),
    keys: keys.map(({ thumbprint }) => thumbprint),
    registered: { roles, scopes, action, givenAt },
  };
}

/** By their groups alone. */
function signedInView({ id, person, roles, scopes }: Client): PersonView {
  return {
    id,
    kind: "person",
    status: "active",
    person,
    name: null,
    issuer: null,
    roles,
    scopes,
    keys: [],
    registered: null,
  };
}
