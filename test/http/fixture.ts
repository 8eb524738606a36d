// A whole server in this process on a free port, with clients and a source registered before its first start.

import { hash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { signAssertion } from "../../src/adapters/identity/client-assertions.ts";
import { createClient, type NewClient } from "../../src/adapters/identity/clients.ts";
import { createSource } from "../../src/adapters/identity/source-secrets.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { loadConfig } from "../../src/main/config.ts";
import type { KeyPlaces } from "../../src/main/keys.ts";
import { start, type Running } from "../../src/main/start.ts";
import { systemClock, systemRandom } from "../../src/main/system.ts";
import type { PrivateJwk } from "../../src/wire/schemas/identity.ts";
import { AGENT_SCOPES, PLAIN_SCOPES, type ClientScope } from "../../src/wire/types/scopes.ts";
import { registrationBody, signProposal } from "./signing.ts";
import { giveLevel, levelRequest } from "./levels.ts";
import { fetchPatiently } from "./patient-fetch.ts";

export const ALL_SCOPES: readonly ClientScope[] = [...PLAIN_SCOPES, "actions:propose:*"];

const OPEN_LIMITS = `limits:
  reads: { burst: 1000000, perSecond: 100000 }
  writes: { burst: 100000, perSecond: 10000 }
  tokens: { burst: 10000, perSecond: 1000 }
  sessions: { burst: 10000, perSecond: 1000 }`;

const person = (name: string, roles: string[], more: Partial<NewClient> = {}): NewClient => ({
  id: `person:${name}`,
  kind: "person",
  roles,
  scopes: [...ALL_SCOPES],
  ...more,
});

/** Who is registered. `ada` and `ada-phone` are one human; `visitor` has every scope and no role. */
const CLIENTS = {
  ada: person("ada", ["on-call", "owner"]),
  grace: person("grace", ["on-call", "owner"]),
  adaPhone: person("ada-phone", ["on-call"], { person: "ada" }),
  iris: person("iris", ["on-call"]),
  visitor: person("visitor", []),
  author: person("author", []),
  deployer: { id: "agent:deployer", kind: "agent", roles: ["on-call"], scopes: [...ALL_SCOPES] },
  stranger: { id: "agent:stranger", kind: "agent", roles: [], scopes: ["actions:propose:record.note"] },
} as const satisfies Record<string, NewClient>;

/** What the agents are registered with, and given the highest level, at the first token that a test takes for them. */
const REGISTRATIONS: Readonly<Record<string, JsonObject>> = {
  deployer: { owner: "person:keeper", roles: ["on-call"], scopes: [...AGENT_SCOPES] },
  stranger: { owner: "person:keeper", kinds: ["record.note"] },
};

/** Beside a test's own policies: agents are registered whatever those say. */
const REGISTRATION = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: registration }
spec:
  match: { actions: [agent.register, level.grant] }
  rules: [{ name: registrars-decide, decision: hold, route: registrars }]
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: registrars }
spec: { steps: [{ roles: [owner], within: 1h }] }
`;

export type Who = keyof typeof CLIENTS;

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body where it is JSON, else null. */
  readonly json: JsonObject | null;
};

export type Ask = {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is when text or bytes, else as JSON. */
  readonly body?: Json | Uint8Array;
  /** Sets `Authorization`. */
  readonly as?: string;
};

export type Server = {
  readonly url: string;
  readonly dataDir: string;
  readonly running: Running;
  /** Secret of the source `alertmanager`. */
  readonly secret: string;
  /** An `Authorization` value: of everything registered, or of these scopes alone. */
  bearer(who: Who, scopes?: readonly ClientScope[]): Promise<string>;
  readonly keys: Readonly<Record<Who, PrivateJwk>>;
  /** A signed assertion that has not been used. */
  assertion(who: Who): Promise<string>;
  /** What an agent proposes is signed by it, under its idempotency key where it has one, unless it is signed already. */
  ask(path: string, ask?: Ask): Promise<Answer>;
  /** The durable events from a sequence on, in order; at most 1,000. */
  eventsSince(seq: number): Promise<readonly RecordedEvent[]>;
};

export type RecordedEvent = {
  readonly seq: number;
  readonly type: string;
  readonly subject: string;
  readonly facts: JsonObject;
};

type Setup = {
  /** The text of holdpoint.yaml; by default nobody reaches a limit. */
  readonly settings?: string;
  /** A policy file to enforce instead of the standard ones. */
  readonly policy?: string;
  /** Where browsers find the server, when it is not where it listens. */
  readonly publicUrl?: string;
  /** Writes what happened before it starts. */
  readonly past?: (places: KeyPlaces) => Promise<void>;
};

/** A server that has started for the first time; `stop` leaves nothing behind. */
export async function startServer({ settings = OPEN_LIMITS, policy, publicUrl, past }: Setup = {}): Promise<
  Server & {
    /** Ends it in order; its folder stays until `stop`. */
    halt(): Promise<void>;
    stop(): Promise<void>;
  }
> {
  const dir = mkdtempSync(join(tmpdir(), "holdpoint-http-"));
  const dataDir = join(dir, "data");
  mkdirSync(dataDir, { mode: 0o700 });
  writeFileSync(
    join(dataDir, "holdpoint.yaml"),
    `${settings}\n${policy === undefined ? "" : "policy: { path: own }\n"}`,
  );
  if (policy !== undefined) {
    mkdirSync(join(dataDir, "own"));
    writeFileSync(join(dataDir, "own", "policy.yaml"), policy);
    writeFileSync(join(dataDir, "own", "registration.yaml"), REGISTRATION);
  }
  const keys = registerClients(dir, dataDir);
  const secret = createSource(join(dataDir, "sources"), { name: "alertmanager", kind: "alertmanager" }, systemRandom);
  const config = loadConfig({
    HOLDPOINT_DATA: dataDir,
    HOLDPOINT_CONFIG: join(dir, "owner"),
    HOLDPOINT_PORT: "0",
    ...(publicUrl === undefined ? {} : { HOLDPOINT_URL: publicUrl }),
  });
  const onFatal = (error: Error): void => {
    throw error;
  };
  await past?.({ dataDir, ownerDir: config.ownerDir });
  const running = await start(config, { log: pino({ level: "silent" }), onFatal });
  const { url } = running;
  const halt = (): Promise<void> => running.stop();
  let reader: string | undefined;
  /** Agents by the `Authorization` value that the fixture gave out for them: what they propose is signed. */
  const agents = new Map<string, Who>();
  const registered = new Map<Who, Promise<void>>();
  const assertion = (who: Who): Promise<string> => signFor(keys[who], { who, url: publicUrl ?? url });
  const register = async (who: Who): Promise<void> => {
    const [asker, approver] = [await bearer(url, await assertion("ada")), await bearer(url, await assertion("grace"))];
    const body = registrationBody(CLIENTS[who].id, [keys[who]], REGISTRATIONS[who]);
    const { json, text } = await ask(url, "/v1/agents", { as: asker, body });
    if (json?.["status"] !== "held") throw new Error(`not registered: ${text}`);
    await approve(url, json["href"] as string, approver);
    await giveLevel(levelRequest(CLIENTS[who].id), {
      asks: async (path, body) => (await ask(url, path, { as: asker, body })).json,
      read: async (path) => (await ask(url, path, { as: approver })).json,
      answers: async (path, body) => (await ask(url, path, { as: approver, body })).json,
    });
  };
  const bearerOf = async (who: Who, scopes?: readonly ClientScope[]): Promise<string> => {
    const isAgent = CLIENTS[who].kind === "agent";
    if (isAgent && !registered.has(who)) registered.set(who, register(who));
    await registered.get(who);
    const as = await bearer(url, await assertion(who), scopes);
    if (isAgent) agents.set(as, who);
    return as;
  };
  return {
    url,
    dataDir,
    running,
    secret,
    assertion,
    keys,
    ask: (path, one) => {
      const who = agents.get(one?.as ?? "");
      const isProposal = who !== undefined && path === "/v1/actions" && one?.body !== undefined;
      return ask(url, path, isProposal ? signed(one, { agent: CLIENTS[who].id, jwk: keys[who] }) : one);
    },
    bearer: bearerOf,
    eventsSince: async (seq) => {
      reader ??= await bearer(url, await assertion("ada"), ["ledger:read"]);
      const { json } = await ask(url, `/v1/ledger/events?from=${seq}&limit=1000`, { as: reader });
      return (json?.["items"] ?? []) as unknown as readonly RecordedEvent[];
    },
    halt,
    stop: async () => {
      await halt();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The JSON of a proposal signed; bytes and what is no proposal are sent as they are. */
function signed(one: Ask, by: { agent: string; jwk: PrivateJwk }): Ask {
  const { body, headers = {} } = one;
  const isObject = typeof body === "object" && body !== null && !Array.isArray(body) && !(body instanceof Uint8Array);
  if (!isObject || headers["holdpoint-signature"] !== undefined) return one;
  const { "idempotency-key": key, ...others } = headers;
  const isKey = key !== undefined && /^[\x21-\x7e]{1,128}$/.test(key);
  const jti = isKey ? { jti: hash("sha256", key, "base64url") } : {};
  const made = signProposal(body as JsonObject, { ...by, nowMs: systemClock.nowMs() }, jti);
  return { ...one, body: made.body, headers: { ...(isKey ? others : headers), ...made.headers } };
}

async function approve(url: string, href: string, as: string): Promise<void> {
  const { json } = await ask(url, href, { as });
  const body = { decision: "approve", planHash: json?.["planHash"] ?? null };
  const { status, text } = await ask(url, `${href}/approvals`, { as, body });
  if (status !== 200) throw new Error(`not approved: ${text}`);
}

function registerClients(dir: string, dataDir: string): Record<Who, PrivateJwk> {
  const entries = Object.entries(CLIENTS).map(([who, client]) => {
    const options = { keyPath: join(dir, `${who}.jwk`), random: systemRandom };
    return [who, createClient(join(dataDir, "clients"), client, options)] as const;
  });
  return Object.fromEntries(entries) as Record<Who, PrivateJwk>;
}

function signFor(jwk: PrivateJwk, { who, url }: { who: Who; url: string }): Promise<string> {
  return signAssertion(jwk, { clientId: CLIENTS[who].id, audience: url, clock: systemClock, random: systemRandom });
}

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async function bearer(url: string, assertion: string, scopes?: readonly ClientScope[]): Promise<string> {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: assertion,
    ...(scopes === undefined ? {} : { scope: scopes.join(" ") }),
  });
  const { status, json, text } = await ask(url, "/oauth/token", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: form.toString(),
  });
  if (status !== 200) throw new Error(`no token: ${text}`);
  return `Bearer ${json?.["access_token"] as string}`;
}

async function ask(url: string, path: string, { method, headers, body, as }: Ask = {}): Promise<Answer> {
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  const { response, text } = await fetchPatiently(url + path, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(as === undefined ? {} : { authorization: as }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isRaw ? (body as string | Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
  });
  const isJson = /^application\/(problem\+)?json/.test(response.headers.get("content-type") ?? "");
  const json = isJson && text !== "" ? (JSON.parse(text) as JsonObject) : null;
  return { status: response.status, headers: response.headers, text, json };
}

/** Sends bytes as they are and answers all that comes back until the server ends the connection. */
export function sendRaw(url: string, bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", () => undefined); // a reset is an end like any other
    socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
    socket.write(bytes);
  });
}

/** One sample of /metrics; 0 when there is none yet. */
export async function metric(server: Pick<Server, "ask">, series: string): Promise<number> {
  const { text } = await server.ask("/metrics");
  const line = text.split("\n").find((one) => one.startsWith(`${series} `));
  return line === undefined ? 0 : Number(line.slice(series.length + 1));
}

/** A proposal that the standard policies allow outside production and hold in it. */
export function note(environment: string, text = "restart of cart finished"): JsonObject {
  return { kind: "record.note", target: { environment, service: "cart" }, arguments: { text } };
}

/** An Alertmanager delivery of these alerts, each of which has labels that make a signal unless they say otherwise. */
export function delivery(...alerts: readonly JsonObject[]): JsonObject {
  const startsAt = new Date(systemClock.nowMs() - 60_000).toISOString();
  const labels = { alertname: "HighErrorRate", environment: "production", service: "cart", severity: "critical" };
  return {
    version: "4",
    status: "firing",
    alerts: alerts.map((alert) => ({
      status: "firing",
      startsAt,
      ...alert,
      labels: { ...labels, ...(alert["labels"] as JsonObject | undefined) },
    })),
  };
}
