// Agents over HTTP: proposed with proofs of their keys, approved by somebody else, at work within a token, revoked.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { signAssertion } from "../../src/adapters/identity/client-assertions.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { systemClock, systemRandom } from "../../src/main/system.ts";
import type { PrivateJwk } from "../../src/wire/schemas/identity.ts";
import { note, startServer, type Answer } from "./fixture.ts";
import { levelRequest } from "./levels.ts";
import { newKey, prove, registrationBody, signProposal } from "./signing.ts";

let server: Awaited<ReturnType<typeof startServer>>;
let ada = "";
let grace = "";

before(async () => {
  server = await startServer();
  [ada, grace] = [await server.bearer("ada"), await server.bearer("grace")];
});
after(() => server.stop());

const ask = (body: JsonObject, as = ada): Promise<Answer> => server.ask("/v1/agents", { as, body });

async function approve(href: string, as = grace): Promise<Answer> {
  const { json } = await server.ask(href, { as: ada });
  const body = { decision: "approve", planHash: json?.["planHash"] as string };
  return server.ask(`${href}/approvals`, { as, body });
}

async function register(id: string, jwk: PrivateJwk, of: JsonObject = {}): Promise<void> {
  const asked = await ask(registrationBody(id, [jwk], of));
  assert.deepEqual([asked.status, asked.json?.["status"]], [202, "held"], asked.text);
  const approved = await approve(asked.json?.["href"] as string);
  assert.equal(approved.json?.["status"], "succeeded", approved.text);
}

async function token(id: string, jwk: PrivateJwk, scope?: string): Promise<Answer> {
  const assertion = await signAssertion(jwk, {
    clientId: id,
    audience: server.url,
    clock: systemClock,
    random: systemRandom,
  });
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: assertion,
    ...(scope === undefined ? {} : { scope }),
  });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return server.ask("/oauth/token", { method: "POST", headers, body: form.toString() });
}

async function bearer(id: string, jwk: PrivateJwk): Promise<string> {
  const { json, text } = await token(id, jwk);
  assert.ok(json?.["access_token"], text);
  return `Bearer ${json["access_token"] as string}`;
}

async function assertRefused(one: Promise<Answer>, code: string): Promise<void> {
  const size = server.running.kernel.durableSize;
  const { json, text } = await one;
  assert.equal(json?.["code"], code, text);
  assert.equal(server.running.kernel.durableSize, size, "nothing is recorded");
}

describe("a registration", () => {
  it("is approved by somebody else than who asks, and then has a token with its own scopes alone", async () => {
    const jwk = newKey();
    const body = registrationBody("agent:helper", [jwk], { kinds: ["record.*"], scopes: ["runs:read"] });
    const asked = await ask(body);
    assert.equal(asked.json?.["status"], "held", asked.text);
    assert.equal((await token("agent:helper", jwk)).json?.["code"], "client-invalid");
    assert.equal((await approve(asked.json["href"] as string, ada)).json?.["code"], "self-approval");
    assert.equal((await approve(asked.json["href"] as string)).json?.["status"], "succeeded");
    const issued = await token("agent:helper", jwk);
    assert.equal(issued.json?.["scope"], "actions:propose:record.* runs:read");
    assert.equal((await token("agent:helper", jwk, "actions:propose:record.note")).status, 200);
    for (const scope of ["actions:propose:*", "actions:propose:pagerduty.trigger", "admin", "ledger:read"]) {
      assert.equal((await token("agent:helper", jwk, scope)).json?.["code"], "scope-invalid", scope);
    }
  });

  it("shows its purpose and its plan to those who may read it, and the agent itself", async () => {
    const jwk = newKey();
    await register("agent:shown", jwk, { purpose: "restart what hangs" });
    const { json } = await server.ask("/v1/agents/agent:shown", { as: ada });
    assert.equal(json?.["purpose"], "restart what hangs");
    assert.deepEqual([json["status"], json["owner"], json["approvedBy"]], ["active", "person:ada", "person:grace"]);
    const own = await bearer("agent:shown", jwk);
    assert.equal((await server.ask("/v1/agents/agent:shown", { as: own })).status, 200);
    const other = newKey();
    await register("agent:other", other);
    const others = await bearer("agent:other", other);
    await assertRefused(server.ask("/v1/agents/agent:shown", { as: others }), "agent-not-found");
    await assertRefused(server.ask("/v1/agents", { as: others }), "scope-insufficient");
    const list = await server.ask("/v1/agents?status=active&owner=person:ada", { as: ada });
    const ids = ((list.json?.["items"] ?? []) as JsonObject[]).map(({ id }) => id);
    assert.ok(ids.includes("agent:shown") && ids.includes("agent:other"));
  });

  it("proves every key, over exactly what is asked", async () => {
    const [one, two] = [newKey(), newKey()];
    const good = registrationBody("agent:proven", [one, two]);
    const { proofs, ...asked } = good as { proofs: string[] } & JsonObject;
    const bad: readonly JsonObject[] = [
      { ...asked, proofs: proofs.slice(0, 1) },
      { ...asked, proofs: proofs.toReversed() },
      { ...asked, proofs: [proofs[0] ?? "", prove(asked, newKey())] },
      { ...asked, owner: "person:grace", proofs },
      { ...asked, purpose: "what tests need ", proofs },
      { ...asked, proofs: proofs.map((proof) => proof.slice(0, -4) + "AAAA") },
    ];
    for (const body of bad) await assertRefused(ask(body), "signature-invalid");
    for (const body of [
      { ...asked },
      { ...good, more: 1 },
      { ...good, keys: [one as unknown as JsonObject, two as unknown as JsonObject] },
    ]) {
      await assertRefused(ask(body), "arguments-invalid");
    }
    assert.equal((await ask(good)).json?.["status"], "held");
  });

  it("takes the scope, and no role or scope that changes what is enforced", async () => {
    const reader = await server.bearer("ada", ["agents:read"]);
    await assertRefused(ask(registrationBody("agent:x", [newKey()]), reader), "scope-insufficient");
    for (const scope of ["admin", "policies:propose", "killswitch:resume", "agents:revoke", "payloads:read"]) {
      await assertRefused(ask(registrationBody("agent:x", [newKey()], { scopes: [scope] })), "arguments-invalid");
    }
    for (const id of ["agent:Deployer", "agent:depl\u043eyer", "person:x", "agent:../x"]) {
      await assertRefused(ask(registrationBody(id, [newKey()])), "arguments-invalid");
    }
  });
});

describe("a sub-agent", () => {
  it("has a token that names who is above it, with what all of them have, and loses it with them", async () => {
    const [above, below] = [newKey(), newKey()];
    await register("agent:above", above, { kinds: ["record.*", "pagerduty.trigger"] });
    const wider = registrationBody("agent:below", [below], { parent: "agent:above" });
    await assertRefused(ask(wider), "delegation-exceeded");
    await register("agent:below", below, { parent: "agent:above", kinds: ["record.note", "pagerduty.trigger"] });
    const issued = await token("agent:below", below);
    const { access_token: text } = issued.json as { access_token: string };
    const claims = JSON.parse(Buffer.from(text.split(".")[1] ?? "", "base64url").toString()) as JsonObject;
    assert.deepEqual(claims["parents"], ["agent:above"]);
    assert.equal(claims["person"], "ada");
    // The one above is narrowed: so is everything below, and tokens of before are no good.
    const before = `Bearer ${text}`;
    await register("agent:above", above, { kinds: ["record.*"] });
    assert.equal((await server.ask("/v1/agents/agent:below", { as: before })).json?.["code"], "token-invalid");
    assert.equal((await token("agent:below", below)).json?.["scope"], "actions:propose:record.note");
    const as = await bearer("agent:below", below);
    const revoked = await server.ask("/v1/agents/agent:above/revoke", {
      as: ada,
      body: { reason: "no longer needed" },
    });
    assert.equal(revoked.json?.["status"], "revoked");
    assert.equal((await server.ask("/v1/agents/agent:below", { as })).json?.["code"], "token-invalid");
    for (const [id, jwk] of [
      ["agent:above", above],
      ["agent:below", below],
    ] as const) {
      assert.equal((await token(id, jwk)).json?.["code"], "client-invalid");
    }
  });
});

describe("a revocation", () => {
  it("is for whoever has the scope, and for an agent about itself", async () => {
    const [one, two] = [newKey(), newKey()];
    await register("agent:one", one);
    await register("agent:two", two);
    const as = await bearer("agent:one", one);
    const reader = await server.bearer("ada", ["agents:read"]);
    await assertRefused(server.ask("/v1/agents/agent:two/revoke", { as, body: {} }), "scope-insufficient");
    await assertRefused(server.ask("/v1/agents/agent:two/revoke", { as: reader, body: {} }), "scope-insufficient");
    await assertRefused(server.ask("/v1/agents/agent:nobody/revoke", { as: ada, body: {} }), "agent-not-found");
    assert.equal((await server.ask("/v1/agents/agent:one/revoke", { as, body: {} })).status, 200);
    assert.equal((await server.ask("/v1/agents/agent:one", { as })).json?.["code"], "token-invalid");
    const view = await server.ask("/v1/agents/agent:one", { as: ada });
    assert.deepEqual([view.json?.["status"], view.json?.["revokedBy"]], ["revoked", "agent:one"]);
  });
});

describe("levels", () => {
  it("are listed with what they are for and how they ended, and read one by one", async () => {
    await register("agent:rising", newKey());
    const of = { level: 2, kinds: ["record.note"], environments: ["staging"] };
    const request = levelRequest("agent:rising", of);
    const asked = await server.ask("/v1/actions", { as: ada, body: request });
    assert.equal((await approve(asked.json?.["href"] as string)).json?.["status"], "succeeded");
    const list = async (query: string): Promise<JsonObject[]> => {
      const { json } = await server.ask(`/v1/levels?agent=agent:rising${query}`, { as: ada });
      return json?.["items"] as JsonObject[];
    };
    const [level] = await list("&status=active");
    const { id = "", action, agent, kinds, environments, services } = level ?? {};
    assert.deepEqual({ level: level?.["level"], kinds, environments }, of);
    assert.deepEqual([agent, action, services], ["agent:rising", asked.json?.["id"], null]);
    assert.deepEqual((await server.ask(`/v1/levels/${id as string}`, { as: ada })).json, level);

    const target = { environment: "holdpoint", service: "holdpoint" };
    const body = { kind: "level.revoke", target, arguments: { grant: id } };
    const revoked = await server.ask("/v1/actions", { as: ada, body });
    assert.equal(revoked.json?.["status"], "succeeded", revoked.text);
    assert.deepEqual(await list("&status=active"), []);
    assert.deepEqual(
      (await list("&status=revoked")).map(({ revokeAction }) => revokeAction),
      [revoked.json["id"]],
    );
    const none = await server.ask("/v1/levels/lvl_nothing", { as: ada });
    assert.deepEqual([none.status, none.json?.["code"]], [404, "level-not-found"]);
  });
});

describe("advice", () => {
  it("is labelled by people who have no part in the agent, with a reason that readers see, and the last word counts", async () => {
    const jwk = newKey();
    await register("agent:adviser", jwk, { roles: ["on-call"], scopes: ["actions:approve"] });
    const own = await bearer("agent:adviser", jwk);
    const signed = signProposal(note("staging"), { agent: "agent:adviser", jwk, nowMs: systemClock.nowMs() });
    const advised = await server.ask("/v1/actions", { as: own, ...signed });
    assert.deepEqual([advised.json?.["status"], advised.json?.["code"]], ["advised", "level"], advised.text);
    const href = advised.json?.["href"] as string;
    const label = (as: string, body: JsonObject): Promise<Answer> => server.ask(`${href}/labels`, { as, body });
    const right = { label: "agree", reason: "I would have done it" };
    const wrong = { label: "disagree", faults: ["hallucination", "bias"], reason: "there is no cart-7 <script>" };

    await assertRefused(label(ada, right), "self-approval");
    await assertRefused(label(await server.bearer("adaPhone"), right), "self-approval");
    await assertRefused(label(own, right), "not-eligible");
    for (const bad of [
      { ...right, faults: ["bias"] },
      { ...wrong, faults: ["bias", "bias"] },
      { ...wrong, label: "maybe" },
      { label: "agree" },
      { ...right, reason: "x".repeat(4_001) },
      { ...right, extra: 1 },
    ]) {
      await assertRefused(label(grace, bad), "request-invalid");
    }
    const held = await server.ask("/v1/actions", { as: ada, body: note("production") });
    const elsewhere = server.ask(`${held.json?.["href"] as string}/labels`, { as: grace, body: right });
    await assertRefused(elsewhere, "action-not-advice");

    assert.equal((await label(grace, right)).json?.["label"], "agree");
    assert.equal((await label(grace, wrong)).status, 200);
    assert.equal((await label(await server.bearer("iris"), { label: "unsure", reason: "no idea" })).status, 200);
    const { json } = await server.ask(href, { as: ada });
    const seen = ((json?.["labels"] ?? []) as JsonObject[]).map(({ person, label: said, faults, reason }) => {
      return { person, said, faults, reason };
    });
    assert.deepEqual(seen, [
      { person: "grace", said: "disagree", faults: wrong.faults, reason: wrong.reason },
      { person: "iris", said: "unsure", faults: [], reason: "no idea" },
    ]);
    assert.equal(json?.["status"], "advised");
    const [first] = ((await server.ask(href, { as: own })).json?.["labels"] ?? []) as JsonObject[];
    assert.deepEqual([first?.["label"], first?.["reason"]], ["disagree", undefined], "the agent learns no reasons");
    const { json: explained } = await server.ask(`${href}/explain`, { as: ada });
    assert.match(
      explained?.["text"] as string,
      /What people said of the advice\n {2}agree, by grace as person:grace at .*\n {2}disagree \(hallucination, bias\), no longer agree, by grace/,
    );
    assert.deepEqual(
      ((explained?.["labels"] ?? []) as JsonObject[]).map(({ label: said, replaces }) => [said, replaces]),
      [
        ["agree", null],
        ["disagree", "agree"],
        ["unsure", null],
      ],
    );
  });
});
