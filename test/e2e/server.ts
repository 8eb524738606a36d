// A real server in a process of its own, with its folders, secrets and clients: what tests from outside talk to.

import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { entryOf } from "../../scripts/server-build.mjs";
import { signAssertion } from "../../src/adapters/identity/client-assertions.ts";
import { createClient, type NewClient } from "../../src/adapters/identity/clients.ts";
import { readPrivateJwk } from "../../src/adapters/identity/key-pairs.ts";
import { createSource } from "../../src/adapters/identity/source-secrets.ts";
import { openSqliteReader } from "../../src/adapters/stores/sqlite-reader.ts";
import { parseLeaves } from "../../src/history/leaves.ts";
import { storeSource } from "../../src/ledger/store-source.ts";
import { verifyLog, type VerifyResult } from "../../src/ledger/verify.ts";
import { registerOwner } from "../../src/main/first-start.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import { fetchPatiently } from "../http/patient-fetch.ts";
import { delivery, type Alert } from "./delivery.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const READY = / is ready at /;
const WAIT_MAX_MS = 120_000;
const START_MAX_MS = 120_000; // a first start compiles everything, beside others that do
const CLOCK = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
const RANDOM = { bytes: (count: number) => randomBytes(count) };

/** Starting costs half with it. Only what ends in order fills it, so the one of the whole run is used if there is one. */
const compiled = process.env["NODE_COMPILE_CACHE"] ?? ownCompileCache();

export const OWNER = "person:owner";
export const SECOND = "person:second";
/** Somebody who proposes and has no role. */
export const PROPOSER = "person:deployer";
export const ROUTING_KEY = "0123456789abcdef0123456789abcdef";

const CLIENTS: readonly NewClient[] = [
  {
    id: SECOND,
    kind: "person",
    roles: ["owner", "on-call"],
    scopes: ["actions:read", "actions:approve", "payloads:read", "killswitch:read", "killswitch:resume"],
  },
  { id: PROPOSER, kind: "person", roles: [], scopes: ["actions:propose:*", "actions:read"] },
];

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What the tests read of the many shapes of answers. */
interface Body {
  readonly id: string;
  readonly status: string;
  readonly code: string;
  readonly repeated: boolean;
  readonly planHash: string;
  readonly signals: readonly { readonly id: string }[];
  readonly resumes: readonly { readonly id: string; readonly status: string }[];
  readonly wouldStop: readonly { readonly id: string }[];
  readonly mode: string;
  readonly flagged: boolean;
}

export interface Answer {
  /** 0 when the connection failed: whether it was done is not known. */
  readonly status: number;
  readonly body: unknown;
}

type KnownAnswer = Answer & { readonly body: Body };

interface Call {
  readonly as?: string;
  readonly bearer?: string;
  readonly body?: unknown;
  readonly key?: string;
}

interface Start {
  /** A command to run it under, such as strace, which must leave it the process id. */
  readonly under?: readonly string[];
  /** Bytes that one file may have (RLIMIT_FSIZE). */
  readonly fileBytesMax?: number;
  /** Further environment of the process. */
  readonly env?: Readonly<Record<string, string>>;
}

export class TestServer {
  readonly dir: string;
  readonly dataDir: string;
  readonly ownerDir: string;
  readonly url: string;
  readonly sourceSecret: string;
  readonly #tokens = new Map<string, { readonly token: string; readonly untilMs: number }>();
  #child: ChildProcess | undefined;
  #ended: Promise<Ended> = Promise.resolve({ code: null, signal: null });
  #log = "";
  #printed = "";

  private constructor(dir: string, url: string, settings: object) {
    this.dir = dir;
    this.dataDir = join(dir, "data");
    this.ownerDir = join(dir, "owner");
    this.url = url;
    this.keepSecret("pagerduty/default", ROUTING_KEY);
    // JSON is YAML.
    writeFileSync(join(this.dataDir, "holdpoint.yaml"), JSON.stringify(settings));
    registerOwner({ dataDir: this.dataDir, ownerDir: this.ownerDir }, url, RANDOM);
    for (const client of CLIENTS) {
      createClient(join(this.dataDir, "clients"), client, { keyPath: this.#keyPath(client.id), random: RANDOM });
    }
    const source = { name: "alertmanager", kind: "alertmanager" as const };
    this.sourceSecret = createSource(join(this.dataDir, "sources"), source, RANDOM);
  }

  /** Folders with `settings` as configuration; nothing runs yet. `below` is where they are made. */
  static async create(settings: object, below = tmpdir()): Promise<TestServer> {
    const dir = mkdtempSync(join(below, "holdpoint-e2e-"));
    return new TestServer(dir, `http://127.0.0.1:${await freePort()}`, settings);
  }

  /** Resolves when it answers; rejects with its log when it ends instead. */
  async start({ under = [], fileBytesMax, env = {} }: Start = {}): Promise<void> {
    const limit = fileBytesMax === undefined ? [] : ["prlimit", `--fsize=${fileBytesMax}`];
    const [command, ...args] = [...limit, ...under, process.execPath, entryOf("serve")];
    const child = spawn(command, args, { env: { ...this.#environment(), ...env }, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    this.#ended = new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal })));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#log += text));
    const ready = new Promise<true>((resolve, reject) => {
      child.on("error", reject);
      child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        this.#printed += text;
        if (READY.test(text)) resolve(true);
      });
    });
    const first = await Promise.race([ready, this.#ended, sleep(START_MAX_MS, false, { ref: false })]);
    if (first === true) return;
    await this.kill();
    throw new Error(`the server did not start:\n${this.log}`);
  }

  #environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env["PATH"],
      NODE_COMPILE_CACHE: compiled,
      HOLDPOINT_DATA: this.dataDir,
      HOLDPOINT_CONFIG: this.ownerDir,
      HOLDPOINT_PORT: new URL(this.url).port,
    };
  }

  /** What it wrote to standard error since it was made, the last 16 KiB. */
  get log(): string {
    return this.#log.slice(-16_384);
  }

  /** All of it. */
  get wholeLog(): string {
    return this.#log;
  }

  /** What it wrote to standard output since it was made. */
  get printed(): string {
    return this.#printed;
  }

  get pid(): number {
    assert.ok(this.#child?.pid !== undefined, "the server runs");
    return this.#child.pid;
  }

  /** How the process ended, as soon as it has. */
  get ended(): Promise<Ended> {
    return this.#ended;
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  async kill(name: NodeJS.Signals = "SIGKILL"): Promise<Ended> {
    this.#child?.kill(name);
    return this.#ended;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** Ends the process and removes every folder. */
  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** A secret for an executor, as its owner would put it there. */
  keepSecret(ref: string, secret: string): void {
    const path = join(this.dataDir, "secrets", ref);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, secret, { mode: 0o600 });
  }

  /** One more person or agent, from their next request on. */
  register(client: NewClient): void {
    createClient(join(this.dataDir, "clients"), client, { keyPath: this.#keyPath(client.id), random: RANDOM });
  }

  #keyPath(id: string): string {
    return join(this.ownerDir, "clients", `${id.replaceAll(":", "_")}.jwk`);
  }

  /** An access token; one is kept for each client, for half its life. */
  async token(id: string): Promise<string> {
    const known = this.#tokens.get(id);
    if (known !== undefined && Date.now() < known.untilMs) return known.token;
    const audience = `${this.url}/oauth/token`;
    const key = readPrivateJwk(this.#keyPath(id));
    const assertion = await signAssertion(key, { clientId: id, audience, clock: CLOCK, random: RANDOM });
    const form = {
      grant_type: "client_credentials",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: assertion,
    };
    const response = await fetch(audience, { method: "POST", body: new URLSearchParams(form) });
    const issued = (await response.json()) as { access_token?: string; expires_in?: number };
    const { access_token: token, expires_in: seconds = 0 } = issued;
    assert.ok(token !== undefined, `a token for ${id}: status ${response.status}`);
    this.#tokens.set(id, { token, untilMs: Date.now() + seconds * 500 });
    return token;
  }

  /** One request; never throws for a connection that failed. */
  async call(method: string, path: string, { as = OWNER, bearer, body, key }: Call = {}): Promise<Answer> {
    const authorization = `Bearer ${bearer ?? (await this.token(as))}`;
    const headers = {
      authorization,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(key === undefined ? {} : { "idempotency-key": key }),
    };
    try {
      const signal = AbortSignal.timeout(WAIT_MAX_MS);
      const payload = body === undefined ? {} : { body: JSON.stringify(body) };
      const { response, text } = await fetchPatiently(this.url + path, { method, headers, signal, ...payload });
      const isJson = /json/.test(response.headers.get("content-type") ?? "");
      return { status: response.status, body: isJson ? JSON.parse(text) : text };
    } catch (error) {
      return { status: 0, body: error };
    }
  }

  /** The same, for answers of the usual shapes. */
  async ask(method: string, path: string, call: Call = {}): Promise<KnownAnswer> {
    return (await this.call(method, path, call)) as KnownAnswer;
  }

  /** Sends alerts as Alertmanager does. */
  async send(alerts: readonly Alert[]): Promise<KnownAnswer> {
    return this.ask("POST", "/v1/signals/alertmanager", { bearer: this.sourceSecret, body: delivery(alerts) });
  }

  async propose(proposal: Proposal, key: string, as = PROPOSER): Promise<KnownAnswer> {
    return this.ask("POST", "/v1/actions", { as, body: proposal, key });
  }

  /** The events of the ledger on disk, from `fromSeq` on, as any reader beside the server finds them. */
  async events(fromSeq = 0): Promise<readonly LedgerEvent[]> {
    const reader = openSqliteReader(join(this.dataDir, "ledger.db"));
    try {
      const { size } = await reader.head();
      const events: LedgerEvent[] = [];
      while (fromSeq + events.length < size) {
        const batches = await reader.readBatches(fromSeq + events.length, 512);
        events.push(...batches.flatMap(parseLeaves).filter((event) => event.seq >= fromSeq + events.length));
      }
      return events;
    } finally {
      await reader.close();
    }
  }

  /** Verifies the ledger offline under the root key, with its payloads. */
  async verify(): Promise<VerifyResult> {
    const reader = openSqliteReader(join(this.dataDir, "ledger.db"));
    try {
      return await verifyLog(await storeSource(reader), {
        rootPublicKey: readFileSync(join(this.dataDir, "root.pub"), "utf8").trim(),
        keyEncryptionKey: Buffer.from(readFileSync(join(this.dataDir, "keys", "payload.key"), "utf8").trim(), "base64"),
      });
    } finally {
      await reader.close();
    }
  }

  /** The command line, signed in as `as`. */
  holdpoint(args: readonly string[], as = OWNER): { readonly code: number | null; readonly text: string } {
    const env = { ...this.#environment(), HOLDPOINT_SERVER: this.url, HOLDPOINT_CLIENT: as };
    const run = spawnSync(process.execPath, [join(PROJECT, "bin/holdpoint.mjs"), ...args], { env, encoding: "utf8" });
    return { code: run.status, text: run.stdout + run.stderr };
  }

  /** The same, for what asks servers of this process. `more` is further environment. */
  async holdpointBeside(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<string> {
    const env = { ...this.#environment(), HOLDPOINT_SERVER: this.url, HOLDPOINT_CLIENT: OWNER, ...more };
    const child = spawn(process.execPath, [join(PROJECT, "bin/holdpoint.mjs"), ...args], {
      env,
      timeout: START_MAX_MS,
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (said) => (text += said));
    await new Promise((resolve) => child.once("close", resolve));
    return text;
  }
}

export interface Proposal {
  readonly kind: string;
  readonly target: { readonly environment: string; readonly service: string };
  readonly arguments: Readonly<Record<string, unknown>>;
}

export function noteOf(text: string, environment = "staging"): Proposal {
  return { kind: "record.note", target: { environment, service: "cart" }, arguments: { text } };
}

export function pageOf(dedupKey: string): Proposal {
  return {
    kind: "pagerduty.trigger",
    target: { environment: "production", service: "cart" },
    arguments: { dedupKey, summary: `cart is down (${dedupKey})`, severity: "high" },
  };
}

/** Policies of one file, in a folder of its own, for `policy.path`. */
export function writePolicies(dir: string, text: string): string {
  const folder = mkdtempSync(join(dir, "holdpoint-policies-"));
  writeFileSync(join(folder, "policies.yaml"), text);
  return folder;
}

/** Looks until `look` answers something; says `what` was awaited when it never does. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (const end = Date.now() + WAIT_MAX_MS; Date.now() < end;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await sleep(50);
  }
  throw new Error(`${what}: not within ${WAIT_MAX_MS / 1000} s`);
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

function ownCompileCache(): string {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-compiled-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
