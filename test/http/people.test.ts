// Who holds which roles, over HTTP: asked for, approved by another, in force and gone at once; files alone give nobody anything.

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { signAssertion } from "../../src/adapters/identity/client-assertions.ts";
import { createClient, type NewClient } from "../../src/adapters/identity/clients.ts";
import { signDetached } from "../../src/adapters/identity/detached-jws.ts";
import { generatePrivateJwk, publicJwkOf } from "../../src/adapters/identity/key-pairs.ts";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { systemClock, systemRandom } from "../../src/main/system.ts";
import type { PrivateJwk } from "../../src/wire/schemas/identity.ts";
import { groupId } from "../../src/wire/schemas/rights.ts";
import { note, startServer, type Answer } from "./fixture.ts";

const CORP = "https://login.corp.example";
const SETTINGS = `
limits: { writes: { burst: 100000, perSecond: 10000 }, tokens: { burst: 10000, perSecond: 1000 } }
issuers: [{ name: corp, url: "${CORP}", groups: { sre: { roles: [sre, on-call] } } }]
`;

let server: Awaited<ReturnType<typeof startServer>>;
let [ada, grace] = ["", ""];

before(async () => {
  server = await startServer({ settings: SETTINGS });
  [ada, grace] = [await server.bearer("ada"), await server.bearer("grace")];
});
after(() => server.stop());

function request(id: string, jwk: PrivateJwk, of: JsonObject = {}): JsonObject {
  const asked = { id, roles: ["on-call"], ...of, keys: [publicJwkOf(jwk)] } as unknown as JsonObject;
  return { ...asked, proofs: [signDetached(canonicalJson(asked), { jwk, type: "holdpoint-registration+jws" })] };
}

async function answer(path: string, as: string): Promise<Answer> {
  const planHash = (await server.ask(path, { as })).json?.["planHash"] ?? null;
  return server.ask(`${path}/approvals`, { as, body: { decision: "approve", planHash } });
}

async function registered(body: JsonObject, path = "/v1/people"): Promise<void> {
  const asked = await server.ask(path, { as: ada, body });
  assert.deepEqual([asked.status, asked.json?.["status"]], [202, "held"], asked.text);
  assert.equal((await answer(textOf(asked.json?.["href"]), grace)).json?.["status"], "succeeded");
}

async function tokenOf(id: string, jwk: PrivateJwk): Promise<Answer> {
  const client_assertion = await signAssertion(jwk, {
    clientId: id,
    audience: server.url,
    clock: systemClock,
    random: systemRandom,
  });
  const client_assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
  const form = new URLSearchParams({ grant_type: "client_credentials", client_assertion_type, client_assertion });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return server.ask("/oauth/token", { body: new TextEncoder().encode(form.toString()), headers });
}

async function bearerOf(id: string, jwk: PrivateJwk): Promise<string> {
  const { json, text } = await tokenOf(id, jwk);
  assert.ok(typeof json?.["access_token"] === "string", text);
  return `Bearer ${json["access_token"]}`;
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : assert.fail("no text"));
const codeOf = ({ status, json }: Answer): unknown => [status, json?.["code"]];
const read = async (id: string): Promise<JsonObject> => (await server.ask(`/v1/people/${id}`, { as: ada })).json ?? {};

describe("a person", () => {
  it("is registered by one owner, approved by another, and acts from then on", async () => {
    const jwk = generatePrivateJwk(systemRandom);
    const asked = await server.ask("/v1/people", { as: ada, body: request("person:eve", jwk, { roles: ["on-call"] }) });
    assert.equal(asked.status, 202, asked.text);
    const path = textOf(asked.json?.["href"]);
    assert.deepEqual(codeOf(await tokenOf("person:eve", jwk)), [401, "client-invalid"], "not before");
    assert.deepEqual(codeOf(await answer(path, ada)), [403, "self-approval"]);
    assert.deepEqual(codeOf(await answer(path, await server.bearer("adaPhone"))), [403, "self-approval"]);
    assert.equal((await answer(path, grace)).json?.["status"], "succeeded");
    const eve = await bearerOf("person:eve", jwk);
    assert.deepEqual((await server.ask("/v1/session", { as: eve })).json?.["roles"], ["on-call"]);
    const view = await read("person:eve");
    assert.deepEqual([view["status"], view["roles"], view["keys"]], ["active", ["on-call"], [jwk.kid]]);
    const { action } = view["registered"] as { action: string };
    assert.equal(path, `/v1/actions/${action}`);
  });

  it("proves every key that it brings, and brings one or an issuer that vouches", async () => {
    const [own, other] = [generatePrivateJwk(systemRandom), generatePrivateJwk(systemRandom)];
    const good = request("person:mal", own);
    for (const [body, code] of [
      [{ ...good, proofs: request("person:mal", other)["proofs"] ?? null }, [403, "signature-invalid"]],
      [{ ...good, roles: ["owner"] }, [403, "signature-invalid"]],
      [{ ...good, proofs: [] }, [403, "signature-invalid"]],
      [{ id: "person:mal", roles: ["owner"] }, [422, "arguments-invalid"]],
      [{ ...good, scopes: ["signals:write:alertmanager"] }, [422, "arguments-invalid"]],
      [{ ...good, id: "person:Mal" }, [422, "arguments-invalid"]],
      [{ ...good, id: "agent:mal" }, [422, "arguments-invalid"]],
      [{ ...good, disabled: false }, [422, "arguments-invalid"]],
      [request("person:mal", server.keys.grace), [422, "arguments-invalid"]],
    ] as const) {
      assert.deepEqual(codeOf(await server.ask("/v1/people", { as: ada, body })), code, JSON.stringify(body));
    }
    assert.deepEqual(codeOf(await server.ask("/v1/people/person:mal", { as: ada })), [404, "rights-not-found"]);
  });

  it("gets nothing more by a file in the data folder, whether they are new or known", async () => {
    const clients = join(server.dataDir, "clients");
    const keyPath = join(server.dataDir, "..", "sneak.jwk");
    const sneak: NewClient = { id: "person:sneak", kind: "person", roles: ["owner"], scopes: ["admin"] };
    const jwk = createClient(clients, sneak, { keyPath, random: systemRandom });
    const known = { id: "person:ada-phone", kind: "person", person: "eve", roles: ["owner"], scopes: ["admin"] };
    const before = await read("person:ada-phone");
    writeFileSync(join(clients, "person:ada-phone.json"), JSON.stringify({ ...known, keys: [publicJwkOf(jwk)] }));
    await setTimeout(1_200); // the folder is looked at once a second
    assert.deepEqual(codeOf(await tokenOf("person:sneak", jwk)), [401, "client-invalid"]);
    assert.deepEqual(codeOf(await tokenOf("person:ada-phone", jwk)), [401, "client-invalid"]);
    const after_ = await read("person:ada-phone");
    const reach = (of: JsonObject): unknown => [(of["roles"] as string[]).includes("owner"), of["person"]];
    assert.deepEqual(reach(after_), [false, before["person"]]);
    rmSync(keyPath);
  });

  it("is out at once when revoked: token, session, approvals and what they asked for; and is back by an approval alone", async () => {
    const jwk = generatePrivateJwk(systemRandom);
    const scopes = ["actions:propose:*", "actions:approve", "actions:read", "payloads:read"];
    await registered(request("person:max", jwk, { scopes, roles: ["on-call"] }));
    const max = await bearerOf("person:max", jwk);
    const code = await server.ask("/v1/session/codes", { as: max, body: {} });
    assert.equal(code.status, 200, code.text);
    const held = await server.ask("/v1/actions", { as: max, body: note("production") });
    assert.equal(held.json?.["status"], "held", held.text);
    const mayNot = await server.ask("/v1/people/person:ada/revoke", { as: max, body: {} });
    assert.deepEqual(codeOf(mayNot), [403, "scope-insufficient"]);
    const gone = await server.ask("/v1/people/person:max/revoke", { as: ada, body: { reason: "left" } });
    assert.deepEqual([gone.status, gone.json?.["status"]], [200, "revoked"], gone.text);
    assert.deepEqual(codeOf(await server.ask("/v1/session", { as: max })), [401, "token-invalid"]);
    assert.deepEqual(codeOf(await tokenOf("person:max", jwk)), [401, "client-invalid"]);
    const headers = { "x-holdpoint-csrf": "1", origin: server.url };
    const opened = await server.ask("/v1/session", { body: { code: code.json?.["code"] ?? null }, headers });
    assert.equal(opened.status, 401, opened.text);
    const answered = await answer(`/v1/actions/${textOf(held.json?.["id"])}`, grace);
    assert.deepEqual([answered.status, answered.json?.["status"]], [200, "refused"], answered.text);
    assert.equal((await read("person:max"))["status"], "revoked");
    await registered(request("person:max", jwk, { scopes }));
    assert.equal((await server.ask("/v1/session", { as: await bearerOf("person:max", jwk) })).status, 200);
  });

  it("may leave by themselves, and reads themselves without a scope", async () => {
    const jwk = generatePrivateJwk(systemRandom);
    await registered(request("person:tom", jwk, { scopes: ["actions:read"] }));
    const tom = await bearerOf("person:tom", jwk);
    assert.equal((await server.ask("/v1/people/person:tom", { as: tom })).json?.["status"], "active");
    assert.deepEqual(codeOf(await server.ask("/v1/people/person:ada", { as: tom })), [403, "scope-insufficient"]);
    assert.equal((await server.ask("/v1/people/person:tom/revoke", { as: tom, body: {} })).json?.["status"], "revoked");
    assert.deepEqual(codeOf(await server.ask("/v1/people/person:tom", { as: tom })), [401, "token-invalid"]);
  });

  it("is revoked where there is somebody of that id, and nowhere else", async () => {
    const nobody = await server.ask("/v1/people/person:nobody/revoke", { as: ada, body: {} });
    assert.deepEqual(codeOf(nobody), [404, "rights-not-found"]);
  });
});

describe("a group", () => {
  const sre = groupId({ issuer: CORP, group: "sre" });

  it("of the settings has what it was installed with, others what was approved", async () => {
    assert.deepEqual((await read(sre))["name"], "sre");
    const body = { issuer: CORP, group: "db team", roles: ["dba"], scopes: ["actions:read"] };
    await registered(body, "/v1/groups");
    const made = await read(groupId({ issuer: CORP, group: "db team" }));
    assert.deepEqual(
      [made["kind"], made["issuer"], made["name"], made["roles"], made["scopes"]],
      ["group", CORP, "db team", ["dba"], ["actions:read"]],
    );
    const listed = await server.ask("/v1/people?kind=group&role=dba", { as: ada });
    assert.deepEqual(
      ((listed.json?.["items"] ?? []) as unknown as JsonObject[]).map(({ id }) => id),
      [made["id"]],
    );
  });

  it("is no group of nobody's, and its members lose what it gave when it is revoked", async () => {
    const bad = await server.ask("/v1/groups", { as: ada, body: { issuer: CORP, group: "", roles: ["owner"] } });
    assert.deepEqual(codeOf(bad), [422, "arguments-invalid"]);
    const gone = await server.ask(`/v1/people/${sre}/revoke`, { as: ada, body: {} });
    assert.equal(gone.json?.["status"], "revoked");
    assert.deepEqual([(await read(sre))["status"], (await read(sre))["roles"]], ["revoked", []]);
  });
});

it("people are listed page by page, each with what counts now", async () => {
  const ids: string[] = [];
  let cursor: unknown = "";
  for (let pages = 0; cursor !== null; pages++) {
    assert.ok(pages < 100);
    const from = cursor === "" ? "" : `&cursor=${encodeURIComponent(textOf(cursor))}`;
    const { json } = await server.ask(`/v1/people?limit=2${from}`, { as: grace });
    ids.push(...((json?.["items"] ?? []) as unknown as { id: string }[]).map(({ id }) => id));
    cursor = json?.["cursor"] ?? null;
  }
  assert.ok(ids.includes("person:ada") && ids.includes("person:eve"));
  assert.deepEqual(
    ids,
    [...new Set(ids)].toSorted((a, b) => (a < b ? -1 : 1)),
  );
  assert.deepEqual(codeOf(await server.ask("/v1/people?what=1", { as: grace })), [400, "query-invalid"]);
});

it("everything of it is in the ledger: who had what at first, what was given by which action, what was revoked", async () => {
  const events = await server.eventsSince(0);
  const about = events.filter(({ type }) => type.startsWith("rights."));
  assert.equal(about[0]?.type, "rights.installed");
  assert.equal(about.filter(({ type }) => type === "rights.installed").length, 1);
  const approved = new Set(events.filter(({ type }) => type === "action.approved").map(({ subject }) => subject));
  const given = about.filter(({ type }) => type === "rights.given");
  assert.ok(given.length >= 5 && given.every(({ facts }) => approved.has(textOf(facts["action"]))));
  assert.ok(about.some(({ type, subject }) => type === "rights.revoked" && subject === "person:max"));
  assert.doesNotMatch(JSON.stringify(about), /corp\.example/);
});
