// Signed proposals of an agent per second, durable and under a signed checkpoint, beside the machine's bare rate of verifying.

import { createPrivateKey, createPublicKey, sign as signBytes, verify } from "node:crypto";
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createClient } from "../src/adapters/identity/clients.ts";
import { signAssertion } from "../src/adapters/identity/client-assertions.ts";
import { generatePrivateJwk, publicJwkOf } from "../src/adapters/identity/key-pairs.ts";
import { signDetached } from "../src/adapters/identity/detached-jws.ts";
import { canonicalJson } from "../src/core/canonical-json.ts";
import type { JsonObject } from "../src/core/json.ts";
import { systemClock, systemRandom } from "../src/main/system.ts";
import type { PrivateJwk } from "../src/wire/schemas/identity.ts";
import type { ClientScope } from "../src/wire/types/scopes.ts";
import { eventsFor, startServer, stopProgram, threadTimesMs, withFolder, type Bench, type Results } from "./harness.ts";

const AGENT = "agent:bench";
const CONNECTIONS = 128;
const SECONDS = Number(process.env["BENCH_SECONDS"] ?? 5);
const WARM_UP_SECONDS = 2;
const MODEL = { provider: "maker", name: "model" };
const PROMPT_HASH = "0".repeat(64);
const SELF = { environment: "holdpoint", service: "holdpoint" };
/** Each is sent once; a proposal that comes again is the same action and no work. */
const PROPOSALS = eventsFor(100_000);
const run = promisify(execFile);

export const proposeBench: Bench = { name: "propose", seed: 0, run: () => withFolder(measure) };

async function measure(dir: string): Promise<Results> {
  const data = join(dir, "data");
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const bucket = "{ burst: 100000000, perSecond: 10000000 }";
  writeFileSync(join(data, "holdpoint.yaml"), `limits:\n  writes: ${bucket}\n`);
  const people = ["person:one", "person:two"].map((id) => ({ id, jwk: makeOwner({ dir, data, id }) }));
  const { child, url } = await startServer(dir, data);
  try {
    const [one, two] = await Promise.all(people.map((person) => tokenOf(url, person)));
    const jwk = generatePrivateJwk(systemRandom);
    await register({ url, asks: one ?? "", answers: two ?? "" }, jwk);
    const authorization = await tokenOf(url, { id: AGENT, jwk });
    const signed = sign(jwk);
    const before = await verifyRate(jwk);
    const load = { dir, url, authorization };
    await send(load, { signed: signed.splice(0, Math.floor(PROPOSALS / 4)), seconds: WARM_UP_SECONDS });
    const usedBefore = threadTimesMs(child.pid ?? 0);
    const sent = await send(load, { signed, seconds: SECONDS });
    const usedAfter = threadTimesMs(child.pid ?? 0);
    const after = await verifyRate(jwk);
    const verifiesPerSecond = Math.round((before + after) / 2);
    const mainMs = (usedAfter.get("MainThread") ?? 0) - (usedBefore.get("MainThread") ?? 0);
    return {
      proposalsPerSecond: sent.perSecond,
      verifiesPerSecond,
      ratioToVerify: Math.round((sent.perSecond / verifiesPerSecond) * 1000) / 1000,
      p50Ms: sent.p50Ms,
      p99Ms: sent.p99Ms,
      mainUs: Math.round((mainMs * 1_000) / (sent.perSecond * SECONDS)),
    };
  } finally {
    await stopProgram(child);
  }
}

function makeOwner({ dir, data, id }: { dir: string; data: string; id: string }): PrivateJwk {
  const scopes: ClientScope[] = ["actions:propose:*", "actions:read", "actions:approve", "payloads:read"];
  const client = { id, kind: "person" as const, roles: ["owner"], scopes };
  return createClient(join(data, "clients"), client, { keyPath: join(dir, `${id}.jwk`), random: systemRandom });
}

async function tokenOf(url: string, { id, jwk }: { id: string; jwk: PrivateJwk }): Promise<string> {
  const parts = { clientId: id, audience: url, clock: systemClock, random: systemRandom };
  const response = await fetch(`${url}/oauth/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: await signAssertion(jwk, parts),
    }),
  });
  const { access_token: token } = (await response.json()) as { access_token: string };
  return `Bearer ${token}`;
}

type Owners = { readonly url: string; readonly asks: string; readonly answers: string };

/** The agent and its level: one owner asks for each, the other approves. */
async function register(owners: Owners, jwk: PrivateJwk): Promise<void> {
  const asked: JsonObject = {
    id: AGENT,
    owner: "person:one",
    purpose: "to be measured",
    models: [MODEL],
    kinds: ["record.note"],
    environments: ["*"],
    services: ["*"],
    volumePerHour: 100_000_000,
    keys: [{ ...publicJwkOf(jwk) }] as JsonObject["keys"] & JsonObject[],
  };
  const proof = signDetached(canonicalJson(asked), { jwk, type: "holdpoint-registration+jws" });
  await agree(owners, { kind: "agent.register", target: SELF, arguments: { ...asked, proofs: [proof] } });
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
  const level = { agent: AGENT, level: 3, kinds: ["record.note"], expiresAt };
  await agree(owners, { kind: "level.grant", target: SELF, arguments: level });
}

async function agree({ url, asks, answers }: Owners, proposal: JsonObject): Promise<void> {
  const call = async (path: string, authorization: string, body?: JsonObject): Promise<JsonObject> => {
    const headers = { authorization, "content-type": "application/json" };
    const asked = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
    return (await (await fetch(`${url}${path}`, asked)).json()) as JsonObject;
  };
  const asked = await call("/v1/actions", asks, proposal);
  const href = asked["href"] as string;
  const { planHash = null } = await call(href, answers);
  const approved = await call(`${href}/approvals`, answers, { decision: "approve", planHash });
  if (approved["status"] !== "succeeded") throw new Error(JSON.stringify([asked, approved]));
}

type Signed = { readonly body: string; readonly signature: string };

function sign(jwk: PrivateJwk): Signed[] {
  const iat = Math.floor(systemClock.nowMs() / 1_000);
  return Array.from({ length: PROPOSALS }, (_, i) => {
    const body = canonicalJson({
      kind: "record.note",
      target: { environment: "staging", service: "cart" },
      arguments: { text: "restart of cart finished", tags: ["bench"] },
      agent: AGENT,
      iat,
      jti: `bench-${String(i).padStart(16, "0")}`,
      model: { ...MODEL, version: "1" },
      promptHash: PROMPT_HASH,
    });
    return { body, signature: signDetached(body, { jwk, type: "holdpoint-proposal+jws" }) };
  });
}

/** Ed25519 verifications a second of bodies of that size, with enough at once to keep every core busy. */
async function verifyRate(jwk: PrivateJwk): Promise<number> {
  const key = createPublicKey({ key: { ...publicJwkOf(jwk) }, format: "jwk" });
  const bytes = Buffer.alloc(600, 1);
  const signature = signBytes(null, bytes, createPrivateKey({ key: { ...jwk }, format: "jwk" }));
  const end = performance.now() + 1_000;
  let count = 0;
  const worker = async (): Promise<void> => {
    for (; performance.now() < end; count++) {
      await new Promise<void>((resolve) => verify(null, bytes, key, signature, () => resolve()));
    }
  };
  await Promise.all(Array.from({ length: 4 * cpus().length }, worker));
  return count;
}

type Load = { readonly dir: string; readonly url: string; readonly authorization: string };
type Sent = { readonly perSecond: number; readonly p50Ms: number; readonly p99Ms: number };

/** By wrk, which leaves the server the most of the machine. Throws when any is refused, or sent twice. */
async function send({ dir, url, authorization }: Load, of: { signed: Signed[]; seconds: number }): Promise<Sent> {
  const { host } = new URL(url);
  const head = `POST /v1/actions HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\nauthorization: ${authorization}\r\n`;
  const texts = of.signed.map(({ body, signature }) => {
    return `${head}holdpoint-signature: ${signature}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  });
  const requests = join(dir, "requests");
  writeFileSync(requests, texts.map((text) => `${text.length}\n${text}`).join(""));
  const script = join(dir, "propose.lua");
  writeFileSync(script, LUA.replace("REQUESTS", requests));
  const { stdout } = await run("wrk", ["-t1", `-c${CONNECTIONS}`, `-d${of.seconds}s`, "-s", script, url]);
  const found = /R (\d+) (\d+) (\d+) (\d+) (\d+)/.exec(stdout)?.slice(1).map(Number) ?? [];
  const [count = 0, durationUs = 1, p50Us = 0, p99Us = 0, errors = 0] = found;
  if (errors > 0) throw new Error(`${errors} proposals were refused`);
  if (count > of.signed.length) throw new Error("more were sent than were signed: set BENCH_EVENTS higher");
  return { perSecond: Math.round(count / (durationUs / 1e6)), p50Ms: p50Us / 1_000, p99Ms: p99Us / 1_000 };
}

const LUA = `
local requests = {}
local at = 0
init = function()
  local file = io.open("REQUESTS", "rb")
  while true do
    local length = file:read("*n")
    if length == nil then break end
    file:read(1)
    requests[#requests + 1] = file:read(length)
  end
  file:close()
end
request = function()
  at = at + 1
  return requests[(at - 1) % #requests + 1]
end
done = function(s, l, r)
  local errors = s.errors.status + s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout
  io.write(string.format("R %d %d %d %d %d\\n", s.requests, s.duration, l:percentile(50), l:percentile(99), errors))
end
`;
