// A certified identity provider beside a whole server: agents with its tokens, people with their groups, keys that rotate.

import assert from "node:assert/strict";
import { generateKeyPairSync, type webcrypto } from "node:crypto";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { JWK } from "oidc-provider";
import * as client from "openid-client";
import { disableClient, registerSubject } from "../../src/adapters/identity/clients.ts";
import { openTerminal, temporaryFolder } from "../cli/terminal.ts";
import { startProvider, type RunningProvider } from "../identity/provider.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { systemClock } from "../../src/main/system.ts";
import { Browser } from "./browser.ts";
import { note, startServer, type Answer } from "./fixture.ts";
import { newKey, registrationBody, signProposal } from "./signing.ts";

const SECRET = "a secret of the console at the provider";
const PEOPLE = [
  { sub: "u-ada", preferred_username: "Ada.Lovelace@corp.example", groups: ["sre", "everyone"] },
  { sub: "u-lovelace", preferred_username: "ada-lovelace", groups: ["sre", "owners"] },
  { sub: "u-eve", preferred_username: "eve", groups: ["everyone"] },
  { sub: "u-mallory", preferred_username: "mallory", groups: ["sre"] },
] as const;

let provider: RunningProvider;
let server: Awaited<ReturnType<typeof startServer>>;
let agentKeys: webcrypto.CryptoKeyPair;
let clients: Parameters<RunningProvider["configure"]>[0]["clients"];

before(async () => {
  provider = await startProvider();
  const settings = `
limits: { writes: { burst: 100000, perSecond: 10000 }, tokens: { burst: 10000, perSecond: 1000 } }
issuers:
  - name: corp
    url: ${provider.url}
    algorithms: [RS256]
    groups:
      sre: { roles: [on-call] }
      owners: { roles: [owner], scopes: [killswitch:resume] }
    signIn: { clientId: holdpoint-console, secret: oidc/corp, scope: "openid profile groups" }
`;
  server = await startServer({ settings });
  mkdirSync(join(server.dataDir, "secrets", "oidc"), { recursive: true });
  writeFileSync(join(server.dataDir, "secrets", "oidc", "corp"), SECRET, { mode: 0o600 });
  const subjects = [{ issuer: provider.url, subject: "external-agent" }];
  const scopes = ["actions:propose:record.note", "actions:read"] as const;
  registerSubject(join(server.dataDir, "clients"), {
    id: "agent:external",
    kind: "agent",
    roles: [],
    scopes: [...scopes],
    subjects,
  });
  await registerAgent();
  agentKeys = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
  const jwk = (await crypto.subtle.exportKey("jwk", agentKeys.publicKey)) as JWK;
  clients = [
    {
      client_id: "external-agent",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "Ed25519",
      jwks: { keys: [{ ...jwk, alg: "Ed25519", kid: "agent" }] },
    },
    {
      client_id: "holdpoint-console",
      client_secret: SECRET,
      redirect_uris: [`${server.url}/v1/session/callback`],
      backchannel_logout_uri: `${server.url}/v1/session/backchannel-logout`,
      backchannel_logout_session_required: true,
    },
  ];
  provider.configure({ clients, people: PEOPLE, jwks });
});
after(async () => {
  await server.stop();
  await provider.stop();
});

function signingKey(kid: string): JWK {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" };
}

const jwks = { keys: [signingKey("one")] };

const codeOf = ({ json }: Answer): unknown => json?.["code"];

async function agentConfiguration(): Promise<client.Configuration> {
  const authentication = client.PrivateKeyJwt({ key: agentKeys.privateKey, kid: "agent" });
  // oxlint-disable-next-line typescript/no-deprecated -- the provider is on this machine
  const execute = [client.allowInsecureRequests];
  return client.discovery(new URL(provider.url), "external-agent", {}, authentication, { execute });
}

async function agentToken(scope = "actions:propose:record.note"): Promise<string> {
  return (await client.clientCredentialsGrant(await agentConfiguration(), { scope })).access_token;
}

/** The key that it signs proposals with; its tokens come from the provider. */
const proposalKey = newKey();

async function registerAgent(): Promise<void> {
  const of = { owner: "person:keeper", kinds: ["record.note"], scopes: ["actions:read"] };
  const body = registrationBody("agent:external", [proposalKey], of);
  const asked = await server.ask("/v1/agents", { as: await server.bearer("ada"), body });
  const href = asked.json?.["href"] as string;
  const grace = await server.bearer("grace");
  const { json } = await server.ask(href, { as: grace });
  const answer = { decision: "approve", planHash: json?.["planHash"] ?? null };
  const approved = await server.ask(`${href}/approvals`, { as: grace, body: answer });
  assert.equal(approved.status, 200, approved.text);
}

function signedNote(): { body: JsonObject; headers: Record<string, string> } {
  return signProposal(note("staging"), { agent: "agent:external", jwk: proposalKey, nowMs: systemClock.nowMs() });
}

const SCOPE = { scope: "actions:propose:record.note" };

describe("an agent of an identity provider", () => {
  it("acts with a token that it got there with private_key_jwt, as far as it is registered here", async () => {
    const as = `Bearer ${await agentToken()}`;
    // The server looks at its clients' files once a second.
    while (codeOf(await server.ask("/v1/session", { as })) === "token-invalid") await setTimeout(50);
    const who = await server.ask("/v1/session", { as });
    assert.deepEqual(
      [who.json?.["identity"], who.json?.["scopes"]],
      ["agent:external", ["actions:propose:record.note"]],
    );
    assert.equal((await server.ask("/v1/actions", { as, ...signedNote() })).status, 200);
    assert.equal(codeOf(await server.ask("/v1/actions", { as })), "scope-insufficient");
    const narrowed = await server.ask("/v1/session", { as: `Bearer ${await agentToken("admin actions:read")}` });
    assert.deepEqual(narrowed.json?.["scopes"], ["actions:read"], "the provider's word alone gives nothing");
    assert.equal(codeOf(await server.ask("/v1/session/codes", { method: "POST", as })), "people-only");
  });

  it("acts with a token that is bound to its key, by proofs that a certified client makes", async () => {
    const configuration = await agentConfiguration();
    const DPoP = client.getDPoPHandle(configuration, await client.randomDPoPKeyPair());
    const { access_token, token_type } = await client.clientCredentialsGrant(configuration, SCOPE, { DPoP });
    assert.equal(token_type, "dpop");
    const url = new URL("/v1/actions", server.url);
    const signed = signedNote();
    const headers = new Headers({ "content-type": "application/json", ...signed.headers });
    const body = JSON.stringify(signed.body);
    const answer = await client.fetchProtectedResource(configuration, access_token, url, "POST", body, headers, {
      DPoP,
    });
    assert.equal(answer.status, 200, await answer.text());
    const stolen = await server.ask("/v1/actions", { as: `Bearer ${access_token}`, body: note("staging") });
    assert.equal(codeOf(stolen), "dpop-proof-missing");
    const thief = client.getDPoPHandle(configuration, await client.randomDPoPKeyPair());
    const used = client.fetchProtectedResource(configuration, access_token, url, "POST", body, headers, {
      DPoP: thief,
    });
    await assert.rejects(
      used,
      (error) => error instanceof client.WWWAuthenticateChallengeError && error.status === 401,
    );
  });
});

const callbackOf = (): string => `${server.url}/v1/session/callback`;

/** What the server answers when the person comes back from the provider. */
async function signIn(person: string | null, browser = new Browser()): Promise<{ browser: Browser; answer: Response }> {
  provider.person = person;
  const { url } = await browser.follow(`${server.url}/v1/session/login?issuer=corp`, callbackOf());
  assert.ok(url.href.startsWith(callbackOf()), url.href);
  return { browser, answer: await browser.get(url) };
}

async function whoIs(browser: Browser): Promise<Record<string, unknown>> {
  return (await (await browser.get(new URL("/v1/session", server.url))).json()) as Record<string, unknown>;
}

describe("a person of an identity provider", () => {
  it("signs in there and has the roles of their groups, under an id that is theirs for good", async () => {
    const providers = await server.ask("/v1/session/providers");
    assert.deepEqual(providers.json, { items: [{ name: "corp", url: "/v1/session/login?issuer=corp" }] });
    const { browser, answer } = await signIn("u-ada");
    assert.deepEqual([answer.status, answer.headers.get("location")], [303, "/console/"]);
    const [session] = answer.headers.getSetCookie();
    assert.match(session ?? "", /^holdpoint_session=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
    const who = await whoIs(browser);
    assert.match(String(who["identity"]), /^person:ada-lovelace-[a-z0-9]{8}$/);
    assert.deepEqual(who["roles"], ["on-call"]);
    const again = await whoIs((await signIn("u-ada")).browser);
    assert.deepEqual(again["identity"], who["identity"]);
    const other = await whoIs((await signIn("u-lovelace")).browser);
    assert.notEqual(other["person"], who["person"], "one name at the provider is not one person");
    assert.deepEqual(other["roles"], ["on-call", "owner"]);
    assert.ok((other["scopes"] as string[]).includes("killswitch:resume"));
    assert.ok(!(who["scopes"] as string[]).includes("killswitch:resume"));
  });

  it("answers holds with the roles of their groups, and these count when the approval is used", async () => {
    const held = await server.ask("/v1/actions", { as: await server.bearer("deployer"), body: note("production") });
    assert.equal(held.json?.["status"], "held", held.text);
    const path = `/v1/actions/${held.json["id"] as string}`;
    const { browser } = await signIn("u-ada");
    const session = browser.cookiesAt(server.url).get("holdpoint_session") ?? "";
    const headers = { cookie: `holdpoint_session=${session}`, origin: server.url, "x-holdpoint-csrf": "1" };
    const { json } = await server.ask(path, { headers });
    const body = { decision: "approve", planHash: json?.["planHash"] as string };
    const answer = await server.ask(`${path}/approvals`, { headers, body });
    assert.equal(answer.status, 200, answer.text);
    const as = await server.bearer("ada");
    let status: unknown;
    do ({ status } = (await server.ask(path, { as })).json ?? {});
    while (status !== "succeeded" && status !== "failed" && status !== "held");
    assert.equal(status, "succeeded");
  });

  it("loses what a group gave when the provider no longer says it, in every browser", async () => {
    const { browser } = await signIn("u-lovelace");
    assert.deepEqual((await whoIs(browser))["roles"], ["on-call", "owner"]);
    const left = PEOPLE.map((one) => (one.sub === "u-lovelace" ? { ...one, groups: ["sre"] } : one));
    provider.configure({ clients, people: left, jwks });
    const other = await signIn("u-lovelace");
    assert.equal(other.answer.status, 303);
    assert.deepEqual((await whoIs(browser))["roles"], ["on-call"]);
    const none = PEOPLE.map((one) => (one.sub === "u-lovelace" ? { ...one, groups: [] } : one));
    provider.configure({ clients, people: none, jwks });
    assert.equal(await codeIn((await signIn("u-lovelace")).answer), "sign-in-refused");
    assert.deepEqual([(await whoIs(browser))["roles"], (await whoIs(browser))["scopes"]], [[], []]);
    provider.configure({ clients, people: PEOPLE, jwks });
  });

  it("does not sign in without a group that is named here, nor when the provider says no", async () => {
    const before = readdirSync(join(server.dataDir, "clients"));
    const none = await signIn("u-eve");
    assert.deepEqual([none.answer.status, await codeIn(none.answer)], [403, "sign-in-refused"]);
    const denied = await signIn(null);
    assert.deepEqual([denied.answer.status, await codeIn(denied.answer)], [403, "sign-in-refused"]);
    assert.equal(none.browser.cookiesAt(server.url).get("holdpoint_session"), undefined);
    assert.deepEqual(readdirSync(join(server.dataDir, "clients")), before);
  });

  it("is out at once when disabled here, and does not come back as somebody new", async () => {
    const { browser } = await signIn("u-mallory");
    const id = String((await whoIs(browser))["identity"]);
    disableClient(join(server.dataDir, "clients"), id);
    while ((await whoIs(browser))["identity"] !== undefined) await setTimeout(50);
    assert.equal((await whoIs(browser))["code"], "session-invalid");
    const again = await signIn("u-mallory");
    assert.deepEqual([again.answer.status, await codeIn(again.answer)], [403, "sign-in-refused"]);
  });

  it("signs in at the command line by a browser of the same machine, and out again", async (t) => {
    const configDir = temporaryFolder(t);
    let begun: (address: string) => void = () => undefined;
    const terminal = openTerminal({ configDir, dataDir: server.dataDir, server: server.url });
    const printed = new Promise<string>((resolve) => (begun = resolve));
    const login = terminal(["login", "--sso"], { onOut: (text) => begun(text.trim()) });
    provider.person = "u-ada";
    const browser = new Browser();
    const { url } = await browser.follow(await printed, callbackOf());
    const back = new URL((await browser.get(url)).headers.get("location") ?? "");
    assert.equal(back.hostname, "127.0.0.1");
    assert.equal(browser.cookiesAt(server.url).get("holdpoint_session"), undefined, "the browser gets none");
    const code = back.searchParams.get("code") ?? "";
    const stolen = { origin: server.url, "x-holdpoint-csrf": "1" };
    const wrong = new URL(back);
    wrong.searchParams.set("state", "A".repeat(43));
    assert.equal((await browser.get(wrong)).status, 404);
    assert.equal((await browser.get(back)).status, 200);
    const { code: exit, err, out } = await login;
    assert.equal(exit, 0, err);
    assert.match(out, /\nperson:ada-lovelace-[a-z0-9]{8}\n$/);
    assert.equal(codeOf(await server.ask("/v1/session", { body: { code }, headers: stolen })), "code-invalid");
    const [file = ""] = readdirSync(join(configDir, "sessions"));
    assert.equal(statSync(join(configDir, "sessions", file)).mode & 0o777, 0o600);
    const listed = await terminal(["get", "actions"]);
    assert.equal(listed.code, 0, listed.err);
    assert.equal((await terminal(["--client", "person:ada", "login", "--sso"])).code, 2);
    assert.equal((await terminal(["logout"])).code, 0);
    assert.deepEqual(readdirSync(join(configDir, "sessions")), []);
    assert.match((await terminal(["login"])).err, /no client is configured/);
  });

  it("who signs out at the provider is out here, in that browser alone, and it is on record", async () => {
    const { browser } = await signIn("u-ada");
    const other = (await signIn("u-ada")).browser;
    const before = server.running.kernel.state.nextSeq;
    const page = await browser.get(new URL("/session/end", provider.url));
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? "";
    const confirmed = await browser.post(new URL("/session/end/confirm", provider.url), { xsrf, logout: "yes" });
    assert.equal(confirmed.status, 303);
    assert.equal((await whoIs(browser))["code"], "session-invalid");
    assert.match(String((await whoIs(other))["identity"]), /^person:ada-lovelace-/);
    const events = (await server.eventsSince(before)).filter(({ type }) => type === "session.ended");
    assert.deepEqual(
      events.map(({ facts }) => facts["code"]),
      ["issuer"],
    );
    const forged = { logout_token: "a.b.c" };
    const refused = await other.post(new URL("/v1/session/backchannel-logout", server.url), forged);
    assert.deepEqual([refused.status, await codeIn(refused)], [400, "logout-token-invalid"]);
  });

  it("gives a code for a command line to nobody but the one that began", async () => {
    provider.person = "u-ada";
    const own = "A".repeat(43);
    const query = new URLSearchParams({ port: "4999", challenge: own, state: own });
    const browser = new Browser();
    const { url } = await browser.follow(`${server.url}/v1/session/login?${query.toString()}`, callbackOf());
    const back = new URL((await browser.get(url)).headers.get("location") ?? "");
    const code = back.searchParams.get("code") ?? "";
    const headers = { origin: server.url, "x-holdpoint-csrf": "1" };
    const answer = await server.ask("/v1/session", { body: { code, verifier: "B".repeat(43) }, headers });
    assert.deepEqual([answer.status, codeOf(answer)], [401, "code-invalid"]);
    for (const more of ["port=80", "port=99999", "port=4999", `challenge=${own}`, "port=attacker.example"]) {
      assert.equal(codeOf(await server.ask(`/v1/session/login?${more}`)), "query-invalid", more);
    }
  });

  it("comes back to the browser that began, once, and with nothing changed on the way", async () => {
    const browser = new Browser();
    provider.person = "u-ada";
    const { url } = await browser.follow(`${server.url}/v1/session/login`, callbackOf());
    const pending = browser.cookiesAt(server.url).get("holdpoint_login") ?? "";
    const ask = async (address: URL, cookie: string): Promise<unknown> =>
      codeOf(await server.ask(address.pathname + address.search, { headers: { cookie: `holdpoint_login=${cookie}` } }));
    const withParameter = (name: string, value: string): URL => {
      const changed = new URL(url);
      changed.searchParams.set(name, value);
      return changed;
    };
    const other = new Browser();
    await other.follow(`${server.url}/v1/session/login`, callbackOf());
    const others = other.cookiesAt(server.url).get("holdpoint_login") ?? "";
    assert.equal(await ask(url, others), "sign-in-invalid", "another browser's");
    assert.equal(codeOf(await server.ask(url.pathname + url.search)), "sign-in-invalid", "nobody's");
    const bit = pending.startsWith("A") ? "B" : "A";
    assert.equal(await ask(url, bit + pending.slice(1)), "sign-in-invalid", "a changed note");
    assert.equal(await ask(withParameter("state", "x"), pending), "sign-in-invalid");
    assert.equal(await ask(withParameter("iss", "https://attacker.example"), pending), "sign-in-invalid");
    assert.equal(await ask(new URL(callbackOf()), pending), "sign-in-invalid");
    assert.equal((await browser.get(url)).status, 303);
    assert.equal(await ask(url, pending), "sign-in-invalid", "the same code twice");
    assert.equal(codeOf(await server.ask("/v1/session/login?issuer=other")), "sign-in-invalid");
    assert.equal(codeOf(await server.ask("/v1/session/login?return=//attacker.example")), "query-invalid");
  });
});

describe("a rotation of the provider's keys", () => {
  it("is followed, and tokens of the key that is gone end with it", async () => {
    const before = await agentToken();
    provider.configure({ clients, people: PEOPLE, jwks: { keys: [signingKey("two")] } });
    const rotated = await agentToken();
    const ask = (token: string): Promise<Answer> => server.ask("/v1/session", { as: `Bearer ${token}` });
    // Unknown keys are asked for no more than every five seconds: a flood of them would ask the provider to death.
    while (codeOf(await ask(rotated)) === "token-invalid") await setTimeout(250);
    assert.equal((await ask(rotated)).json?.["identity"], "agent:external");
    assert.equal(codeOf(await ask(before)), "token-invalid");
  });
});

async function codeIn(answer: Response): Promise<unknown> {
  return ((await answer.json()) as { code?: unknown }).code;
}
