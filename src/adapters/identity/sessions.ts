// Sessions of people in a browser: found by a secret of which only the digest is kept, over restarts too.

import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";
import { subjectDigest } from "../../wire/schemas/rights.ts";
import { sessionRecord } from "../../wire/schemas/identity.ts";
import type { SessionRecord } from "../../wire/schemas/identity.ts";
import type { EndedSession, Identity, SessionEnd } from "../../wire/types/identity.ts";
import { hasScope } from "../../wire/types/scopes.ts";
import type { ClientScope } from "../../wire/types/scopes.ts";
import type { Client, ClientRegistry } from "./clients.ts";
import type { SignedOut } from "./logout-tokens.ts";
import { replaceFile } from "./durable-files.ts";

const SESSIONS_MAX = 1_000;
const SESSIONS_PER_CLIENT_MAX = 8;
/** Of ends that nobody asked for yet; the oldest are forgotten. */
const ENDED_MAX = 2 * SESSIONS_MAX;
const SECRET = /^[A-Za-z0-9_-]{43}$/;
const SECRET_BYTES = 32;
/** How the id of every session begins. No token's id does: theirs are base64url, which has no colon. */
export const SESSION_ID = "session:";

/** For whom a session may be opened, and how far it reaches at most. */
export interface SessionGrant {
  readonly client: string;
  /** The registered key behind it, null where another issuer is: the removal of either ends the session. */
  readonly keyThumbprint: string | null;
  readonly external: SessionRecord["external"];
  readonly roles: readonly string[];
  readonly scopes: readonly ClientScope[];
}

export interface SessionsOptions {
  /** File that remembers the sessions. */
  readonly path: string;
  readonly clients: ClientRegistry;
  /** Other issuers, by their address. */
  readonly trusted: Trusted;
  readonly clock: Clock;
  readonly random: Random;
  /** After which a session ends, used or not. */
  readonly lifetimeMs: number;
  /** After which a session ends that was not used. */
  readonly idleMs: number;
}

interface Entry {
  readonly record: SessionRecord;
  usedAtMs: number;
  /** What the record and the registration of `generation` say together. */
  identity: Identity | undefined;
  generation: number;
}

/**
 * The open sessions. A session never reaches further than the credential that opened it, nor than the registration of
 * its client at this moment; it ends when the client is disabled or the key behind it is removed.
 */
export class Sessions {
  readonly #options: SessionsOptions;
  /** By digest of the secret, the oldest first. */
  readonly #sessions = new Map<string, Entry>();
  #ended: EndedSession[] = [];

  /** Reads the file at `options.path`, if there is one. Throws `config-invalid` when it is damaged. */
  constructor(options: SessionsOptions) {
    this.#options = options;
    const usedAtMs = options.clock.nowMs();
    for (const record of readRecords(options.path)) {
      this.#sessions.set(record.digest, { record, usedAtMs, identity: undefined, generation: -1 });
    }
  }

  /**
   * Opens a session under a new secret, which only its caller ever sees. The client's oldest leaves when it has too many.
   * Throws `code-invalid` when the client may no longer sign in, `overloaded` when too many people have.
   */
  open(grant: SessionGrant): { readonly secret: string; readonly identity: Identity } {
    const { clock, random, lifetimeMs } = this.#options;
    this.#sweep();
    const own = [...this.#sessions.values()].filter(({ record }) => record.client === grant.client);
    const oldest = own.length >= SESSIONS_PER_CLIENT_MAX ? own[0] : undefined;
    if (oldest !== undefined) this.#forget(oldest, "crowded-out");
    if (this.#sessions.size >= SESSIONS_MAX) throw new AppError("overloaded", "too many sessions are open");
    const secret = Buffer.from(random.bytes(SECRET_BYTES)).toString("base64url");
    const digest = digestOf(secret);
    const openedAt = clock.nowMs();
    const [roles, scopes] = [[...grant.roles], [...grant.scopes]];
    const record = { ...grant, roles, scopes, digest, openedAt, expiresAt: openedAt + lifetimeMs };
    const entry: Entry = { record, usedAtMs: openedAt, identity: undefined, generation: -1 };
    const identity = this.#identityOf(entry);
    if (identity === undefined) throw new AppError("code-invalid", "its client may no longer sign in");
    this.#sessions.set(digest, entry);
    this.#save();
    return { secret, identity };
  }

  /** Who the secret belongs to, undefined when its session has ended or never was. */
  find(secret: string, { isUse }: { readonly isUse: boolean } = { isUse: true }): Identity | undefined {
    if (!SECRET.test(secret)) return undefined;
    const entry = this.#sessions.get(digestOf(secret));
    if (entry === undefined) return undefined;
    const nowMs = this.#options.clock.nowMs();
    const end = this.#endOf(entry, nowMs);
    if (end !== undefined) {
      this.#drop(entry, end);
      return undefined;
    }
    if (isUse) entry.usedAtMs = nowMs;
    return entry.identity;
  }

  /** Ends the session of that id, which an Identity has as its `tokenId`. Durable when it returns. */
  end(id: string, code: SessionEnd): void {
    for (const entry of this.#sessions.values()) if (idOf(entry.record) === id) this.#drop(entry, code);
  }

  /** Ends all that the issuer has ended. A session that it gave no name ends with every one of its person. */
  endAt(signedOut: SignedOut): void {
    const ended = [...this.#sessions.values()].filter(({ record }) => isOver(record.external, signedOut));
    for (const entry of ended) this.#forget(entry, "issuer");
    if (ended.length > 0) this.#save();
  }

  /** The sessions that ended since this was last asked, each told once; those that ended by themselves end now. */
  takeEnded(): readonly EndedSession[] {
    if (this.#sweep()) this.#save();
    const ended = this.#ended;
    this.#ended = [];
    return ended;
  }

  /** For whoever could not put it on record: it is told again. */
  giveBack(ended: EndedSession): void {
    this.#ended.push(ended);
    if (this.#ended.length > ENDED_MAX) this.#ended.shift();
  }

  #drop(entry: Entry, code: SessionEnd): void {
    this.#forget(entry, code);
    this.#save();
  }

  #forget({ record }: Entry, code: SessionEnd): void {
    this.#sessions.delete(record.digest);
    this.giveBack({ session: idOf(record), identity: record.client, code });
  }

  /** Why it is over, undefined while it is not. */
  #endOf(entry: Entry, nowMs: number): SessionEnd | undefined {
    if (entry.record.expiresAt <= nowMs) return "expired";
    if (entry.usedAtMs + this.#options.idleMs <= nowMs) return "idle";
    return this.#identityOf(entry) === undefined ? "withdrawn" : undefined;
  }

  /** True when any has ended. */
  #sweep(): boolean {
    const nowMs = this.#options.clock.nowMs();
    const before = this.#sessions.size;
    for (const entry of this.#sessions.values()) {
      const end = this.#endOf(entry, nowMs);
      if (end !== undefined) this.#forget(entry, end);
    }
    return this.#sessions.size < before;
  }

  #identityOf(entry: Entry): Identity | undefined {
    const { clients, trusted } = this.#options;
    const generation = clients.currentGeneration();
    if (entry.generation === generation) return entry.identity;
    entry.generation = generation;
    entry.identity = narrowed(entry.record, clients.find(entry.record.client), trusted);
    return entry.identity;
  }

  #save(): void {
    const records = [...this.#sessions.values()].map(({ record }) => record);
    try {
      replaceFile(this.#options.path, `${JSON.stringify(records)}\n`);
    } catch (cause) {
      throw new AppError("store-unavailable", "the record of sessions cannot be written", {}, cause);
    }
  }
}

/** The identity, as far as both the session and the registration reach; undefined where the session must end. */
function narrowed(record: SessionRecord, client: Client | undefined, trusted: Trusted): Identity | undefined {
  if (client === undefined || client.kind !== "person") return undefined;
  if (!stands(record, client, trusted)) return undefined;
  return Object.freeze({
    id: client.id,
    kind: client.kind,
    person: client.person,
    roles: Object.freeze(record.roles.filter((role) => client.roles.includes(role))),
    scopes: Object.freeze(record.scopes.filter((scope) => hasScope(client, scope))),
    tokenId: idOf(record),
    keyThumbprint: record.keyThumbprint,
    expiresAt: record.expiresAt,
  });
}

/** Whether what an issuer signed out covers what was opened there. */
export function isOver(external: SessionGrant["external"], { issuer, sub, sid }: SignedOut): boolean {
  if (external === null || external.issuer !== issuer) return false;
  if (sub !== undefined && sub !== external.sub) return false;
  return sid === undefined || sid === external.sid || (external.sid === undefined && sub !== undefined);
}

type Trusted = ReadonlyMap<string, unknown>;

/** Whether what opened the session still stands: the key, or the link to an issuer that is still trusted. */
function stands({ keyThumbprint, external }: SessionRecord, client: Client, trusted: Trusted): boolean {
  if (external === null) return client.keys.some(({ thumbprint }) => thumbprint === keyThumbprint);
  return trusted.has(external.issuer) && client.subjects.includes(subjectDigest(external));
}

/** May be shown and logged: a digest tells nothing of the secret. */
function idOf({ digest }: SessionRecord): string {
  return `${SESSION_ID}${digest.slice(0, 22)}`;
}

function digestOf(secret: string): string {
  return hash("sha256", secret, "base64url");
}

const records = z.array(sessionRecord).max(SESSIONS_MAX);

function readRecords(path: string): readonly SessionRecord[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new AppError("config-invalid", `${path} cannot be read`, {}, error);
  }
  try {
    return records.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError("config-invalid", `${path} is damaged`, {}, cause);
  }
}
