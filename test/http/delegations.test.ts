// Agents that act for people and for other agents with tokens of their issuer, against a whole server.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { registerSubject } from "../../src/adapters/identity/clients.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { systemClock } from "../../src/main/system.ts";
import { rsaKey, sign, startIssuer, type StandIn } from "../identity/issuer-stand-in.ts";
import { note, startServer, type Answer } from "./fixture.ts";
import { giveLevel, levelRequest } from "./levels.ts";
import { newKey, registrationBody, signProposal } from "./signing.ts";

const KEY = rsaKey("one");
const LOWER_KEY = newKey();
let issuer: StandIn;
let server: Awaited<ReturnType<typeof startServer>>;
const closers: (() => unknown)[] = [];

const AGENTS: Readonly<Record<string, JsonObject>> = {
  "agent:upper": { kinds: ["record.note"], environments: ["staging"] },
  "agent:lower": { kinds: ["record.note"] },
};

before(async () => {
  issuer = await startIssuer({ after: (close) => void closers.push(close as () => unknown) }, [KEY]);
  const settings = `
limits: { writes: { burst: 100000, perSecond: 10000 }, tokens: { burst: 10000, perSecond: 1000 } }
issuers: [{ name: corp, url: "${issuer.url}", claims: { actor: act } }]
`;
  server = await startServer({ settings });
  const [ada, grace] = [await server.bearer("ada"), await server.bearer("grace")];
  const send = (as: string) => async (path: string, body: JsonObject) => (await server.ask(path, { as, body })).json;
  for (const [id, bounds] of Object.entries(AGENTS)) {
    vouch(id);
    const keys = [id === "agent:lower" ? LOWER_KEY : newKey()];
    const asked = await send(ada)("/v1/agents", registrationBody(id, keys, { owner: "person:keeper", ...bounds }));
    assert.ok(typeof asked?.["href"] === "string", JSON.stringify(asked));
    await approve(asked["href"], grace);
    const read = async (path: string) => (await server.ask(path, { as: grace })).json;
    await giveLevel(levelRequest(id), { asks: send(ada), read, answers: send(grace) });
  }
  const subjects = [{ issuer: issuer.url, subject: "person:iris-corp" }];
  const scopes = ["actions:propose:*", "actions:read", "actions:approve"];
  const iris = { id: "person:iris-corp", person: "iris", scopes, subjects };
  const asked = await send(ada)("/v1/people", iris);
  assert.equal((await approve(asked?.["href"] as string, grace)).json?.["status"], "succeeded");
});
after(async () => {
  await server.stop();
  for (const close of closers) await close();
});

/** Says who a registered agent is to the other issuer. */
function vouch(id: string): void {
  const subjects = [{ issuer: issuer.url, subject: id }];
  assert.ok(
    registerSubject(join(server.dataDir, "clients"), { id, kind: "agent", roles: [], scopes: [], subjects }),
    id,
  );
}

async function approve(path: string, as: string): Promise<Answer> {
  const planHash = (await server.ask(path, { as })).json?.["planHash"] as string;
  return server.ask(`${path}/approvals`, { as, body: { decision: "approve", planHash } });
}

async function token(sub: string, act?: JsonObject): Promise<string> {
  const nowS = Math.floor(Date.now() / 1000);
  const claims = {
    iss: issuer.url,
    sub,
    aud: "holdpoint",
    iat: nowS,
    exp: nowS + 300,
    scope: "actions:propose:record.note actions:approve",
  };
  return `Bearer ${await sign({ key: KEY, claims: { ...claims, ...(act === undefined ? {} : { act }) } })}`;
}

const codeOf = ({ json }: Answer): unknown => json?.["code"];

async function propose(as: string, environment: "staging" | "production"): Promise<Answer> {
  const signed = signProposal(note(environment), { agent: "agent:lower", jwk: LOWER_KEY, nowMs: systemClock.nowMs() });
  return server.ask("/v1/actions", { as, ...signed });
}

it("an agent proposes for a person, who is on record with it and cannot approve it", async () => {
  const as = await token("person:iris-corp", { sub: "agent:lower" });
  // The server looks at its clients' files once a second.
  while (codeOf(await server.ask("/v1/session", { as })) === "token-invalid") await setTimeout(50);
  const who = await server.ask("/v1/session", { as });
  assert.deepEqual([who.json?.["identity"], who.json?.["roles"]], ["agent:lower", []]);
  assert.deepEqual(who.json?.["scopes"], ["actions:propose:record.note"], "what both may do, and nothing more");
  const held = await propose(as, "production");
  assert.equal(held.json?.["status"], "held", held.text);
  const path = `/v1/actions/${held.json["id"] as string}`;
  const grace = await server.bearer("grace");
  const { json } = await server.ask(path, { as: grace });
  assert.deepEqual(json?.["actsFor"], ["person:iris-corp"]);
  assert.equal(codeOf(await approve(path, await server.bearer("iris"))), "self-approval");
  const approved = await approve(path, grace);
  assert.equal(approved.status, 200, approved.text);
  const explained = await server.ask(`${path}/explain`, { as: grace });
  assert.match(explained.json?.["text"] as string, /acting by its token for person:iris-corp/);
});

it("an agent that acts for an agent has no more than that one, wherever the token comes from", async () => {
  const as = await token("agent:upper", { sub: "agent:lower" });
  assert.equal((await propose(as, "staging")).status, 200);
  const wider = await propose(as, "production");
  assert.deepEqual([wider.status, codeOf(wider)], [403, "declaration-exceeded"]);
  const through = await token("person:iris-corp", { sub: "agent:lower", act: { sub: "agent:upper" } });
  assert.equal(codeOf(await propose(through, "production")), "declaration-exceeded");
  assert.notEqual((await propose(await token("agent:lower"), "production")).json?.["status"], undefined, "by itself");
});

it("what an agent that acts for others is told would be decided is what its proposal meets", async () => {
  const asked = async (as: string, environment: string): Promise<unknown> => {
    const properties = { environment, service: "cart" };
    const body = {
      subject: { type: "agent", id: "lower" },
      action: { name: "record.note", properties: { text: "a note" } },
      resource: { type: "service", id: "cart", properties },
    };
    const { json } = await server.ask("/access/v1/evaluation", { as, body });
    return ((json?.["context"] ?? {}) as JsonObject)["reason"];
  };
  const through = await token("agent:upper", { sub: "agent:lower" });
  assert.equal(await asked(through, "staging"), undefined);
  assert.equal(await asked(through, "production"), "declaration-exceeded");
  assert.equal(await asked(await token("agent:lower"), "production"), "approval_required");
});

it("no token passes on what is nobody's to pass on, and who is revoked is nobody's delegator", async () => {
  for (const [sub, act] of [
    ["person:iris-corp", { sub: "person:iris-corp" }],
    ["agent:lower", { sub: "person:iris-corp" }],
    ["agent:lower", { sub: "agent:lower" }],
    ["person:nobody", { sub: "agent:lower" }],
    ["person:iris-corp", { sub: "agent:nobody" }],
    ["person:iris-corp", { sub: "agent:lower", iss: "https://attacker.example" }],
  ] as const) {
    const answer = await propose(await token(sub, act), "staging");
    assert.deepEqual([answer.status, codeOf(answer)], [401, "token-invalid"], JSON.stringify([sub, act]));
  }
  const as = await token("person:iris-corp", { sub: "agent:lower" });
  assert.equal((await propose(as, "staging")).status, 200);
  const revoked = await server.ask("/v1/people/person:iris-corp/revoke", { as: await server.bearer("ada"), body: {} });
  assert.equal(revoked.json?.["status"], "revoked");
  assert.equal(codeOf(await propose(as, "staging")), "token-invalid");
});
