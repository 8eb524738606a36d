// The registry of people and agents: one JSON file each, with their public keys.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { Random } from "../../core/random.ts";
import { clientFile, firstProblem } from "../../wire/schemas/identity.ts";
import type { ClientFile, PrivateJwk } from "../../wire/schemas/identity.ts";
import type { AgentDirectory, RegisteredAgent } from "../../wire/contracts/agents.ts";
import type { RightsDirectory } from "../../wire/contracts/rights.ts";
import { agentKeyOf } from "../../wire/schemas/agents.ts";
import { subjectDigest } from "../../wire/schemas/rights.ts";
import type { Rights } from "../../wire/types/rights.ts";
import type { ClientKind } from "../../wire/types/identity.ts";
import type { ClientScope } from "../../wire/types/scopes.ts";
import { parseKey, type ClientKey } from "./client-keys.ts";
import { createFile, replaceFile } from "./durable-files.ts";
import { generatePrivateJwk, publicJwkOf, writePrivateJwk } from "./key-pairs.ts";
import type { Memberships } from "./memberships.ts";
import { reachOf } from "./issuer-claims.ts";
import { RecordFolder } from "./record-folder.ts";
import type { ProblemReport } from "./record-folder.ts";
import { clientsInForce, isBeyondRights } from "./rights-in-force.ts";

export type Subject = { readonly issuer: string; readonly subject: string };

export interface Client {
  readonly id: string;
  readonly kind: ClientKind;
  /** See Identity. */
  readonly person: string | null;
  /** Who answers for it, `person:` or `team:`; a person is its `person` where nothing else says. */
  readonly owner: string | null;
  readonly roles: readonly string[];
  readonly scopes: readonly ClientScope[];
  readonly keys: readonly ClientKey[];
  /** Of a registered agent: those above it, its own parent first. */
  readonly parents: readonly string[];
  /** Who it is to other issuers, as digests. */
  readonly subjects: readonly string[];
  readonly disabled: boolean;
  /** It gets no token that is not bound to a key. */
  readonly dpopBound: boolean;
}

/**
 * The human that a client speaks for. A person is the name in its id unless `person` says otherwise, which is how one
 * human's two identities count once; an agent speaks for nobody unless `person`, or else its owner, says for whom.
 */
export function subjectPerson(client: Pick<ClientFile, "id" | "kind" | "person">): string | null {
  if (client.person !== undefined) return client.person;
  return client.kind === "person" ? client.id.slice("person:".length) : null;
}

export interface ClientRegistryOptions {
  readonly dir: string;
  readonly clock: Clock;
  readonly onProblem: ProblemReport;
  /** Agents that were registered by an approved action; each stands before a file of the same id. */
  readonly agents?: AgentDirectory;
  /** What of the files was approved; null where they alone decide, as a test may want it. */
  readonly rights: RightsDirectory | null;
  /** What people's groups at other issuers give them. */
  readonly memberships?: Pick<Memberships, "generation" | "givenTo">;
}

/** The clients that may act now. Files are looked at again at most once a second, or on `reload`. */
export class ClientRegistry {
  readonly #folder: RecordFolder<Client>;
  readonly #dir: string;
  readonly #onProblem: ProblemReport;
  readonly #agents: AgentDirectory | undefined;
  readonly #rights: RightsDirectory | null;
  readonly #memberships: ClientRegistryOptions["memberships"];
  /** Files that would give what nobody approved, told once. */
  #beyond: ReadonlySet<string> = new Set();
  #usable: ReadonlyMap<string, Client> = new Map();
  #bySubject: ReadonlyMap<string, Client> = new Map();
  #builtFrom = -1;

  constructor(options: ClientRegistryOptions) {
    this.#folder = new RecordFolder({ ...options, parse: parseClient });
    this.#dir = options.dir;
    this.#onProblem = options.onProblem;
    this.#agents = options.agents;
    this.#rights = options.rights;
    this.#memberships = options.memberships;
    this.#rebuild();
  }

  /** The client, undefined when it is unknown, disabled or its file is not acceptable. */
  find(id: string): Client | undefined {
    this.#folder.refresh();
    this.#rebuild();
    return this.#usable.get(id);
  }

  /** All who may act now. */
  all(): readonly Client[] {
    this.#folder.refresh();
    this.#rebuild();
    return [...this.#usable.values()];
  }

  /** As `find`, by who the client is to another issuer. */
  findBySubject(issuer: string, subject: string): Client | undefined {
    this.#folder.refresh();
    this.#rebuild();
    return this.#bySubject.get(subjectDigest({ issuer, subject }));
  }

  /** Whether somebody with that subject, or a file whose name ends so, is there at all: disabled, unusable or good. */
  hasEver(subject: Subject, suffix: string): boolean {
    this.reload();
    const names = [...this.#folder.names(), ...[...(this.#rights?.all() ?? [])].map(({ id }) => id)];
    return this.registeredAs(subject) !== undefined || names.some((name) => name.endsWith(suffix));
  }

  /** The id under which that subject is registered, or stands in a file, disabled or good. */
  registeredAs(subject: Subject): string | undefined {
    const digest = subjectDigest(subject);
    const isIt = ({ subjects }: Pick<Client, "subjects">): boolean => subjects.includes(digest);
    return [...(this.#rights?.all() ?? [])].find(isIt)?.id ?? [...this.#folder.records()].find(isIt)?.id;
  }

  get dir(): string {
    return this.#dir;
  }

  /** Changes whenever a client may have: what was concluded from an earlier one must be concluded again. */
  currentGeneration(): number {
    this.#folder.refresh();
    return this.#generation();
  }

  /** All of them only grow. */
  #generation(): number {
    const others = [this.#agents, this.#rights, this.#memberships].map((one) => one?.generation ?? 0);
    return this.#folder.generation + others.reduce((sum, one) => sum + one, 0);
  }

  reload(): void {
    this.#folder.reload();
    this.#rebuild();
  }

  /** A person has what is registered and what their groups give; groups are of people, whatever they are called. */
  #withGroups(client: Client): Client {
    if (client.kind !== "person" || client.subjects.length === 0) return client;
    return { ...client, ...reachOf(client, this.#memberships?.givenTo(client) ?? { roles: [], scopes: [] }) };
  }

  #rebuild(): void {
    const generation = this.#generation();
    if (this.#builtFrom === generation) return;
    this.#builtFrom = generation;
    const people = this.#inForce().map((client) => this.#withGroups(client));
    const clients = withAgents(people, this.#agents?.all() ?? []);
    const enabled = withOwners(clients).filter((client) => !client.disabled);
    const shared = findShared(enabled);
    const usable = enabled.filter((client) => !shared.has(client.id));
    this.#usable = new Map(usable.map((client) => [client.id, client]));
    this.#bySubject = new Map(usable.flatMap((client) => client.subjects.map((one) => [one, client])));
    for (const id of shared) {
      this.#onProblem(id, "its key or subject is also registered for somebody else; neither can be used");
    }
  }

  #inForce(): readonly Client[] {
    const files = [...this.#folder.records()];
    const rights = this.#rights;
    if (rights === null) return files;
    const beyond = files.filter((file) => isBeyondRights(file, rights)).map(({ id }) => id);
    for (const id of beyond) {
      if (!this.#beyond.has(id)) this.#onProblem(id, "it says more than was approved; that has no effect");
    }
    this.#beyond = new Set(beyond);
    return clientsInForce(files, rights);
  }
}

/** Registered agents in place of files of the same id, which say who they are elsewhere; what either calls off is off. */
function withAgents(files: readonly Client[], agents: readonly RegisteredAgent[]): readonly Client[] {
  const clients = new Map(files.map((client) => [client.id, client]));
  for (const agent of agents) {
    const { id, owner, parents, roles, scopes, revoked, dpop: dpopBound } = agent;
    const file = clients.get(id);
    const disabled = revoked || file?.disabled === true;
    const keys = agent.keys.map(({ jwk }) => parseKey(jwk));
    const given = { owner, parents, roles, scopes, keys, disabled, dpopBound };
    clients.set(id, { id, kind: "agent", person: null, subjects: file?.subjects ?? [], ...given });
  }
  return [...clients.values()];
}

/**
 * An agent without a person of its own speaks for the person who owns it, so that nobody approves what their own agent
 * proposed. Through the owner's record: it may be one of two identities of one human.
 */
function withOwners(clients: readonly Client[]): readonly Client[] {
  const persons = new Map(clients.map(({ id, person }) => [id, person]));
  return clients.map((client) => {
    const { owner } = client;
    if (client.person !== null || owner?.startsWith("person:") !== true) return client;
    return { ...client, person: persons.get(owner) ?? owner.slice("person:".length) };
  });
}

/**
 * Clients that hold a key of another: whoever has that key could answer as two people. Two clients with one subject are
 * never told apart, not even when they are one human.
 */
function findShared(clients: readonly Client[]): ReadonlySet<string> {
  const holders = new Map<string, Client>();
  const shared = new Set<string>();
  const hold = (name: string, client: Client, mayShare: boolean): void => {
    const holder = holders.get(name);
    if (holder === undefined) holders.set(name, client);
    else if (holder !== client && !(mayShare && holder.person !== null && holder.person === client.person)) {
      shared.add(holder.id).add(client.id);
    }
  };
  for (const client of clients) {
    for (const { thumbprint } of client.keys) hold(thumbprint, client, true);
    for (const subject of client.subjects) hold(subject, client, false);
  }
  return shared;
}

function parseClient(name: string, value: Json): Client {
  const parsed = clientFile.safeParse(value);
  if (!parsed.success) throw new Error(firstProblem(parsed.error));
  const file = parsed.data;
  if (file.id !== name) throw new Error("id and file name disagree");
  const keys = file.keys.map(parseKey);
  if (new Set(keys.map((key) => key.thumbprint)).size !== keys.length) throw new Error("a key is registered twice");
  const { id, kind, roles, scopes, disabled = false, dpopBound = false } = file;
  const subjects = (file.subjects ?? []).map(subjectDigest);
  const [person, owner] = [subjectPerson(file), file.owner ?? null];
  return { id, kind, person, owner, roles, scopes, keys, subjects, parents: [], disabled, dpopBound };
}

/** What the people of `dir` have by their files: what a log is installed with. Nothing for whoever has only groups. */
export function rightsInFiles(options: Pick<ClientRegistryOptions, "dir" | "clock" | "onProblem">): readonly Rights[] {
  const parse = (name: string, value: Json): Rights | null => {
    const { kind, disabled } = parseClient(name, value);
    return kind === "agent" || disabled ? null : rightsInFile(clientFile.parse(value));
  };
  const found = [...new RecordFolder<Rights | null>({ ...options, parse }).records()];
  return found.filter((rights): rights is Rights => rights !== null && isSomething(rights));
}

function rightsInFile(file: ClientFile): Rights {
  const { id, roles, scopes, dpopBound: dpop = false, subjects = [] } = file;
  const keys = file.keys.map(agentKeyOf);
  return { dpop, id, keys, person: subjectPerson(file), roles, scopes, subjects: subjects.map(subjectDigest) };
}

function isSomething({ roles, scopes, keys }: Rights): boolean {
  return roles.length + scopes.length + keys.length > 0;
}

/** What `createClient` needs of a client; the key is made. */
export type NewClient = Omit<ClientFile, "keys" | "disabled">;

/** Registers a client in `dir` with a key that exists already. Throws like `createClient`. */
export function registerClient(dir: string, client: NewClient, jwk: PrivateJwk): void {
  const parsed = clientFile.safeParse({ ...client, keys: [publicJwkOf(jwk)] });
  if (!parsed.success) throw new AppError("request-invalid", firstProblem(parsed.error));
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (!createFile(clientPath(dir, parsed.data.id), toText(parsed.data))) {
    throw new AppError("config-invalid", `client ${parsed.data.id} exists already`);
  }
}

/**
 * Registers a client in `dir` with a new Ed25519 key and writes the private key to `keyPath`, mode 0600; answers it as
 * well. Throws `request-invalid` for what the schema refuses and `config-invalid` when either file exists; then
 * neither is left behind.
 */
export function createClient(
  dir: string,
  client: NewClient,
  options: { readonly keyPath: string; readonly random: Random },
): PrivateJwk {
  const jwk = generatePrivateJwk(options.random);
  const parsed = clientFile.safeParse({ ...client, keys: [publicJwkOf(jwk)] });
  if (!parsed.success) throw new AppError("request-invalid", firstProblem(parsed.error));
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writePrivateJwk(options.keyPath, jwk);
  if (!createFile(clientPath(dir, parsed.data.id), toText(parsed.data))) {
    rmSync(options.keyPath);
    throw new AppError("config-invalid", `${parsed.data.id} is registered already`);
  }
  return jwk;
}

/** Registers somebody whom another issuer vouches for, without a key. False, and nothing written, when the id is taken. */
export function registerSubject(dir: string, client: NewClient): boolean {
  const parsed = clientFile.safeParse({ ...client, keys: [] });
  if (!parsed.success) throw new AppError("request-invalid", firstProblem(parsed.error));
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return createFile(clientPath(dir, parsed.data.id), toText(parsed.data));
}

/** Disables a client: its tokens end within a second, or at the registry's next `reload`. */
export function disableClient(dir: string, id: string): void {
  const path = clientPath(dir, id);
  let file: ClientFile;
  try {
    file = clientFile.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new AppError("config-invalid", `${path} is not a client file`, {}, cause);
  }
  replaceFile(path, toText({ ...file, disabled: true }));
}

function clientPath(dir: string, id: string): string {
  // The schema's ids hold no separator; this is for ids that come straight from a caller.
  if (!/^(?:person|agent):[a-z0-9-]+$/.test(id)) throw new AppError("request-invalid", "not a client id");
  return join(dir, `${id}.json`);
}

function toText(file: ClientFile): string {
  return `${JSON.stringify(file, null, 2)}\n`;
}
