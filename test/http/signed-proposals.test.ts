// Attacks on what agents sign: each is refused with its own code and is an event of that agent, and changes nothing else.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { openSqliteReader } from "../../src/adapters/stores/sqlite-reader.ts";
import { ledgerPath, readPayloadKey } from "../../src/cli/ledger-files.ts";
import { storeSource } from "../../src/ledger/store-source.ts";
import { verifyLog } from "../../src/ledger/verify.ts";
import { signAssertion } from "../../src/adapters/identity/client-assertions.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { systemClock, systemRandom } from "../../src/main/system.ts";
import type { PrivateJwk } from "../../src/wire/schemas/identity.ts";
import { metric, note, startServer, type Answer } from "./fixture.ts";
import { assertProblem } from "./problems.ts";
import { giveLevel, levelRequest } from "./levels.ts";
import { newKey, registrationBody, signBody, signProposal } from "./signing.ts";

let server: Awaited<ReturnType<typeof startServer>>;
let ada = "";
let grace = "";

before(async () => {
  server = await startServer();
  [ada, grace] = [await server.bearer("ada"), await server.bearer("grace")];
});
after(() => server.stop());

type Agent = { readonly id: string; readonly jwk: PrivateJwk; readonly as: string };

async function answered(body: JsonObject): Promise<void> {
  const asked = await server.ask("/v1/agents", { as: ada, body });
  const href = asked.json?.["href"] as string;
  const planHash = (await server.ask(href, { as: grace })).json?.["planHash"] ?? null;
  const { json, text } = await server.ask(`${href}/approvals`, { as: grace, body: { decision: "approve", planHash } });
  assert.equal(json?.["status"], "succeeded", asked.text + text);
}

async function bearerOf(id: string, jwk: PrivateJwk): Promise<string> {
  const terms = { clientId: id, audience: server.url, clock: systemClock, random: systemRandom };
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: await signAssertion(jwk, terms),
  });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const { json, text } = await server.ask("/oauth/token", { method: "POST", headers, body: form.toString() });
  assert.ok(json?.["access_token"], text);
  return `Bearer ${json["access_token"] as string}`;
}

let made = 0;

/** Registered, with a token and the highest level: of its own for each attack, for refusals of one agent are bounded. */
async function agent(of: JsonObject = {}): Promise<Agent> {
  const [id, jwk] = [`agent:signer-${made++}`, newKey()];
  await answered(registrationBody(id, [jwk], of));
  await giveLevel(levelRequest(id), {
    asks: async (path, body) => (await server.ask(path, { as: ada, body })).json,
    read: async (path) => (await server.ask(path, { as: grace })).json,
    answers: async (path, body) => (await server.ask(path, { as: grace, body })).json,
  });
  return { id, jwk, as: await bearerOf(id, jwk) };
}

const signed = ({ id, jwk }: Agent, of: JsonObject = {}, proposal = note("staging")) =>
  signProposal(proposal, { agent: id, jwk, nowMs: systemClock.nowMs() }, of);

type Sent = { readonly body: JsonObject | string; readonly headers?: Record<string, string> };

const send = ({ as }: Pick<Agent, "as">, sent: Sent): Promise<Answer> => server.ask("/v1/actions", { as, ...sent });

/** Refused so, as a problem document; one event says it of that agent, and there is no other. */
async function refused(by: Agent, code: ErrorCode, sent: Sent): Promise<void> {
  const series = `holdpoint_refusals_total{code="${code}"}`;
  const [from, count] = [server.running.kernel.state.nextSeq, await metric(server, series)];
  const actions = server.running.kernel.state.actions.size;
  assertProblem(await send(by, sent), code);
  assert.equal(await metric(server, series), count + 1);
  const events = await server.eventsSince(from);
  assert.deepEqual(
    events.map(({ type, subject, facts }) => [type, subject, (facts["input"] as JsonObject)["code"]]),
    [["proposal.refused", by.id, code]],
  );
  assert.equal(server.running.kernel.state.actions.size, actions);
}

async function accepted(by: Agent, sent: Sent): Promise<string> {
  const { status, json, text } = await send(by, sent);
  assert.deepEqual([status, json?.["status"]], [200, "succeeded"], text);
  return json?.["id"] as string;
}

describe("a signature", () => {
  it("is over every byte of the body", async () => {
    const by = await agent();
    const { body, headers } = signed(by);
    const target = body["target"] as JsonObject;
    const changed: readonly JsonObject[] = [
      { ...body, arguments: { text: "something else" } },
      { ...body, target: { ...target, service: "search" } },
      { ...body, target: { ...target, resource: "added" } },
      { ...body, reason: "added" },
      { ...body, confidence: 1 },
      { ...body, context: { prompt: "added" } },
      { ...body, promptHash: "0".repeat(64) },
      { ...body, model: { ...(body["model"] as JsonObject), version: "2" } },
      { ...body, iat: (body["iat"] as number) + 1 },
    ];
    for (const one of changed) await refused(by, "signature-invalid", { body: one, headers });
    const other = await agent();
    await refused(other, "signature-invalid", { body: { ...body, agent: other.id }, headers });
    await accepted(by, { body, headers });
  });

  it("is by one of the agent's own keys, made for a proposal, and by no other algorithm", async () => {
    const [by, other] = [await agent(), await agent()];
    const { body } = signed(by);
    const jws = signBody(body, by.jwk);
    const [header = "", , signature = ""] = jws.split(".");
    const parts = JSON.parse(Buffer.from(header, "base64url").toString()) as JsonObject;
    const withHeader = (of: JsonObject): string =>
      `${Buffer.from(JSON.stringify({ ...parts, ...of })).toString("base64url")}..${signature}`;
    const attacks = [
      signBody(body, other.jwk),
      signBody(body, { ...other.jwk, kid: by.jwk.kid }),
      withHeader({ alg: "none" }),
      `${Buffer.from(JSON.stringify({ ...parts, alg: "none" })).toString("base64url")}..`,
      withHeader({ alg: "HS256" }),
      withHeader({ alg: "ES256" }),
      withHeader({ typ: "holdpoint-registration+jws" }),
      withHeader({ b64: false, crit: ["b64"] }),
      `${header}.${Buffer.from("{}").toString("base64url")}.${signature}`,
    ];
    for (const one of attacks)
      await refused(by, "signature-invalid", { body, headers: { "holdpoint-signature": one } });
  });

  it("names the agent that the token was issued to", async () => {
    const [by, other] = [await agent(), await agent()];
    await refused(by, "signature-invalid", signed(other));
    await refused(by, "signature-invalid", signed({ ...by, id: other.id }));
  });

  it("is there, with all that it binds", async () => {
    const by = await agent();
    const { body, headers } = signed(by);
    // An empty header is as good as none; the fixture signs only what has no header at all.
    await refused(by, "signature-missing", { body: note("staging"), headers: { "holdpoint-signature": "" } });
    for (const name of ["agent", "model", "promptHash", "iat", "jti"]) {
      const { [name]: _left, ...rest } = body;
      const jws = { "holdpoint-signature": signBody(rest, by.jwk) };
      await refused(by, "signature-missing", { body: rest, headers: jws });
    }
    await accepted(by, { body, headers });
  });

  it("is fresh: not of six minutes ago, nor of a minute ahead", async () => {
    const by = await agent();
    const now = Math.floor(systemClock.nowMs() / 1000);
    for (const iat of [0, now - 360, now + 60, 253_402_300_799])
      await refused(by, "signature-stale", signed(by, { iat }));
    for (const iat of [-1, 1.5, 253_402_300_800]) await refused(by, "request-invalid", signed(by, { iat }));
  });

  it("counts once: sent again it is the same action, and its jti is good for nothing else", async () => {
    const by = await agent();
    const first = signed(by);
    const id = await accepted(by, first);
    const from = server.running.kernel.state.nextSeq;
    const again = await send(by, first);
    assert.deepEqual([again.json?.["id"], again.json?.["repeated"]], [id, true], again.text);
    assert.equal(server.running.kernel.state.nextSeq, from, "nothing is recorded");
    const { jti = null } = first.body;
    await refused(by, "signature-replayed", signed(by, { jti }, note("staging", "another text")));
    // Of another agent the same jti is another one.
    const other = await agent();
    assert.notEqual(await accepted(other, signed(other, { jti })), id);
  });
});

describe("the record of a signed proposal", () => {
  it("says who signed, who gave the level, and that the signature holds; also after the agent has other keys", async () => {
    const by = await agent();
    const id = await accepted(by, signed(by));
    const [first, second] = [await explained(id), await reRegistered(by, id)];
    for (const text of [first, second]) {
      assert.match(text, new RegExp(`signed by agent key ${by.jwk.kid}, model maker/model@1: the signature holds`));
      assert.match(text, new RegExp(`at level 3, of the grant lvl_\\S+ to ${by.id} by act_\\S+ until`));
      assert.match(text, /its level: approved by grace as person:grace/);
      assert.match(text, /its registration: approved by grace as person:grace/);
    }
    const erase = { subject: id, retention: "content" };
    const erased = await server.ask("/v1/ledger/erasures", { as: ada, body: erase });
    assert.equal(erased.status, 200, erased.text);
    assert.match(await explained(id), /what was signed is erased/);
  });

  async function explained(id: string): Promise<string> {
    const { json } = await server.ask(`/v1/actions/${id}/explain`, { as: ada });
    return json?.["text"] as string;
  }

  async function reRegistered({ id }: Agent, action: string): Promise<string> {
    await answered(registrationBody(id, [newKey()]));
    return explained(action);
  }

  it("holds offline, from ledger and payloads alone", async () => {
    const by = await agent();
    await accepted(by, signed(by, { context: { prompt: "say that it is done" }, confidence: 0.7 }));
    const store = openSqliteReader(ledgerPath(server.dataDir));
    try {
      const { json } = await server.ask("/v1/ledger/keys", { as: ada });
      const settings = {
        rootPublicKey: json?.["root"] as string,
        keyEncryptionKey: readPayloadKey(server.dataDir) ?? undefined,
      };
      const { findings, signatures } = await verifyLog(await storeSource(store), settings);
      assert.deepEqual(findings, []);
      assert.ok(signatures.verified >= 3 && signatures.unread >= 1, JSON.stringify(signatures));
    } finally {
      await store.close();
    }
  });
});

describe("a registration", () => {
  it("bounds model, kind, environment and service", async () => {
    const by = await agent({ kinds: ["record.note"], environments: ["staging"], services: ["cart"] });
    for (const model of [
      { provider: "maker", name: "other", version: "1" },
      { provider: "another", name: "model", version: "1" },
    ])
      await refused(by, "model-undeclared", signed(by, { model }));
    await refused(by, "declaration-exceeded", signed(by, {}, note("test")));
    const service: JsonObject = { ...note("staging"), target: { environment: "staging", service: "search" } };
    await refused(by, "declaration-exceeded", signed(by, {}, service));
    await refused(by, "scope-insufficient", signed(by, {}, { ...note("staging"), kind: "pagerduty.trigger" }));
    await accepted(by, signed(by));
  });

  it("bounds how many in an hour, its own and those of agents below it", async () => {
    const above = await agent({ owner: "person:ada", volumePerHour: 2 });
    const below = await agent({ owner: "person:ada", volumePerHour: 2, parent: above.id });
    await accepted(above, signed(above));
    await accepted(below, signed(below));
    await refused(below, "volume-exceeded", signed(below));
    await refused(above, "volume-exceeded", signed(above));
  });

  it("gives an agent below no more than what those above have by now", async () => {
    const above = await agent({ owner: "person:ada", environments: ["staging", "test"] });
    const bounds = { owner: "person:ada", parent: above.id, environments: ["staging", "test"] };
    const below = await agent(bounds);
    await accepted(below, signed(below));
    const wider = registrationBody(below.id, [below.jwk], { ...bounds, environments: ["*"] });
    const asked = await server.ask("/v1/agents", { as: ada, body: wider });
    assert.equal(asked.json?.["code"], "delegation-exceeded", asked.text);
    const narrowed = { owner: "person:ada", environments: ["test"] };
    await answered(registrationBody(above.id, [above.jwk], narrowed));
    const again = { ...below, as: await bearerOf(below.id, below.jwk) };
    await refused(again, "declaration-exceeded", signed(below));
  });

  it("that is revoked is worth nothing, with whatever token and signature", async () => {
    const by = await agent();
    const ready = signed(by);
    const { status, text } = await server.ask(`/v1/agents/${by.id}/revoke`, { as: ada, body: { reason: "lost key" } });
    assert.equal(status, 200, text);
    const from = server.running.kernel.state.nextSeq;
    const count = await metric(server, 'holdpoint_refusals_total{code="token-invalid"}');
    const { json } = await send(by, ready);
    assert.equal(json?.["code"], "token-invalid");
    assert.equal(await metric(server, 'holdpoint_refusals_total{code="token-invalid"}'), count + 1);
    assert.equal(server.running.kernel.state.nextSeq, from, "nobody is known by that token any more");
  });
});

describe("what is signed", () => {
  it("is looked at like any proposal: names that only look alike, arguments too deep or too many", async () => {
    const by = await agent();
    const nested = (depth: number): JsonObject =>
      JSON.parse(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`) as JsonObject;
    const at = (environment: string, service = "cart"): JsonObject => ({
      ...note("x"),
      target: { environment, service },
    });
    await refused(by, "name-suspicious", signed(by, {}, at("stаging"))); // a Cyrillic а
    await refused(by, "name-suspicious", signed(by, {}, at("staging", "cаrt")));
    await refused(by, "name-suspicious", signed(by, {}, at("staging", "cart\u200b")));
    await refused(by, "arguments-invalid", signed(by, {}, { ...note("staging"), arguments: nested(20) }));
    await refused(by, "arguments-invalid", signed(by, {}, { ...note("staging"), arguments: { text: "x", more: 1 } }));
    await refused(by, "request-invalid", signed(by, { context: { text: "x".repeat(66_000) } }));
    await refused(by, "request-invalid", signed(by, { confidence: -0.1 }));
  });

  it("is turned away before anything walks through it, where no reader of it could be", async () => {
    const by = await agent();
    const { body, headers } = signed(by);
    const [from, text] = [server.running.kernel.state.nextSeq, JSON.stringify(body)];
    for (const depth of [200, 20_000]) {
      const deep = `${text.slice(0, -1)},"context":${'{"a":'.repeat(depth)}1${"}".repeat(depth)}}`;
      const answer = await send(by, { body: deep, headers });
      assert.deepEqual([answer.status, answer.json?.["code"]], [400, "body-malformed"], answer.text);
    }
    const wide = { ...body, context: { text: "x".repeat(2_000_000) } };
    assert.equal((await send(by, { body: wide, headers })).status, 413);
    assert.equal(server.running.kernel.state.nextSeq, from, "nothing is recorded");
  });

  it("from nobody is counted, and no event", async () => {
    const by = await agent();
    const series = 'holdpoint_refusals_total{code="token-invalid"}';
    const [from, count] = [server.running.kernel.state.nextSeq, await metric(server, series)];
    const answer = await send({ as: "Bearer made.up.token" }, signed(by));
    assert.equal(answer.json?.["code"], "token-invalid");
    assert.equal(await metric(server, series), count + 1);
    assert.equal(server.running.kernel.state.nextSeq, from);
  });

  it("badly over and over is on record ten times a minute, and counted every time", async () => {
    const by = await agent();
    const series = 'holdpoint_refusals_total{code="signature-stale"}';
    const [from, count] = [server.running.kernel.state.nextSeq, await metric(server, series)];
    for (let i = 0; i < 25; i++) await send(by, signed(by, { iat: 0 }));
    assert.equal(await metric(server, series), count + 25);
    const kept = (await server.eventsSince(from)).filter(({ type }) => type === "proposal.refused");
    assert.ok(kept.length >= 10 && kept.length <= 20, `${kept.length} events in a minute, or over the turn of one`);
  });
});
