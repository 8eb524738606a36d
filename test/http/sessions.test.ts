// People in a browser: signing in and out over HTTP, and what a thief, another site or an agent can make of it.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { disableClient } from "../../src/adapters/identity/clients.ts";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { metric, note, startServer, type Answer, type Ask, type Who } from "./fixture.ts";

let server: Awaited<ReturnType<typeof startServer>>;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

const codeOf = ({ json }: Answer): unknown => json?.["code"];

/** What a page of this server sends with a write. */
const ownPage = (): Record<string, string> => ({ origin: server.url, "x-holdpoint-csrf": "1" });

async function signInCode(who: Who, scopes?: Parameters<typeof server.bearer>[1]): Promise<string> {
  const answer = await server.ask("/v1/session/codes", { method: "POST", as: await server.bearer(who, scopes) });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json?.["url"], `${server.url}/console/#code=${answer.json?.["code"] as string}`);
  return answer.json["code"] as string;
}

const signIn = (code: string, headers: Record<string, string> = {}): Promise<Answer> =>
  server.ask("/v1/session", { body: { code }, headers: { ...ownPage(), ...headers } });

/** The `Cookie` header of a fresh session. */
async function session(who: Who, scopes?: Parameters<typeof server.bearer>[1]): Promise<string> {
  return cookieOf(await signIn(await signInCode(who, scopes)));
}

function cookieOf(answer: Answer): string {
  assert.equal(answer.status, 200, answer.text);
  return (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
}

const withCookie = (path: string, cookie: string, ask: Ask = {}): Promise<Answer> =>
  server.ask(path, { ...ask, headers: { cookie, ...ask.headers } });

describe("a session", () => {
  it("is opened by a code, in a cookie that no script reads and no other site sends", async () => {
    const answer = await signIn(await signInCode("ada"));
    const { json, headers } = answer;
    assert.deepEqual([json?.["identity"], json?.["person"]], ["person:ada", "ada"]);
    assert.deepEqual(json?.["roles"], ["on-call", "owner"]);
    assert.match(
      headers.get("set-cookie") ?? "",
      /^holdpoint_session=[\w-]{43}; Path=\/; Max-Age=4\d{4}; HttpOnly; SameSite=Strict$/,
    );
    assert.equal(headers.get("cache-control"), "no-store");
    const read = await withCookie("/v1/session", cookieOf(answer));
    assert.deepEqual(read.json, json);
    assert.ok(!read.text.includes(cookieOf(answer).split("=")[1] ?? ""));
  });

  it("is the person's identity on every route: a hold that one proposes is another's to approve", async () => {
    const ada = await session("ada");
    const grace = await session("grace");
    const held = await withCookie("/v1/actions", ada, { body: note("production"), headers: ownPage() });
    assert.equal(held.json?.["status"], "held", held.text);
    const path = `/v1/actions/${held.json["id"] as string}`;
    const { json } = await withCookie(path, grace);
    const answer = { decision: "approve", planHash: json?.["planHash"] as string };
    const approve = (cookie: string): Promise<Answer> =>
      withCookie(`${path}/approvals`, cookie, { body: answer, headers: ownPage() });
    assert.equal(codeOf(await approve(ada)), "self-approval");
    assert.equal((await approve(grace)).status, 200);
  });

  it("reaches no further than the token that its code was asked with", async () => {
    const cookie = await session("ada", ["actions:read"]);
    assert.equal((await withCookie("/v1/actions", cookie)).status, 200);
    const more = await withCookie("/v1/ledger/checkpoint", cookie);
    assert.deepEqual([more.status, codeOf(more)], [403, "scope-insufficient"]);
  });

  it("ends by signing out: the cookie is taken away, and a copy of it is worth nothing", async () => {
    const cookie = await session("ada");
    const copy = cookie;
    const other = await session("ada");
    const out = await withCookie("/v1/session", cookie, { method: "DELETE", headers: ownPage() });
    assert.equal(out.status, 200, out.text);
    assert.match(out.headers.get("set-cookie") ?? "", /^holdpoint_session=; Path=\/; Max-Age=0;/);
    for (const path of ["/v1/session", "/v1/actions"]) {
      const stolen = await withCookie(path, copy);
      assert.deepEqual([stolen.status, codeOf(stolen)], [401, "session-invalid"]);
    }
    assert.equal((await withCookie("/v1/session", other)).status, 200);
  });

  it("is on record from its first use on: who came, by what, and how it ended", async () => {
    const before = server.running.kernel.state.nextSeq;
    const planted = await session("grace");
    const own = cookieOf(await signIn(await signInCode("ada"), { cookie: planted }));
    await withCookie("/v1/session", own, { method: "DELETE", headers: ownPage() });
    const events = (await server.eventsSince(before)).filter(({ type }) => type.startsWith("session."));
    const [first, second] = [events[0]?.subject, events[1]?.subject];
    assert.match(first ?? "", /^session:[\w-]{22}$/);
    const told = events.map(({ type, subject, facts: { identity, issuer, code, roles } }) =>
      JSON.stringify([type, subject, identity, issuer ?? code ?? null, roles ?? null]),
    );
    const roles = ["on-call", "owner"];
    assert.deepEqual(told, [
      JSON.stringify(["session.opened", first, "person:grace", null, roles]),
      JSON.stringify(["session.opened", second, "person:ada", null, roles]),
      JSON.stringify(["session.ended", first, "person:grace", "replaced", null]),
      JSON.stringify(["session.ended", second, "person:ada", "signed-out", null]),
    ]);
    const secret = own.split("=")[1] ?? "";
    assert.ok(!JSON.stringify(events).includes(secret));
  });

  it("gives up a token in the same way", async () => {
    const as = await server.bearer("ada");
    assert.equal((await server.ask("/v1/session", { as })).json?.["identity"], "person:ada");
    assert.equal((await server.ask("/v1/session", { as, method: "DELETE" })).status, 200);
    assert.equal(codeOf(await server.ask("/v1/session", { as })), "token-invalid");
  });

  it("ends within a second when its person is disabled", async () => {
    const cookie = await session("adaPhone");
    disableClient(join(server.dataDir, "clients"), "person:ada-phone");
    while ((await withCookie("/v1/session", cookie)).status === 200) await setTimeout(50);
    assert.equal(codeOf(await withCookie("/v1/session", cookie)), "session-invalid");
  });

  it("is asked for only where there is no token: a token counts before it", async () => {
    const cookie = await session("ada");
    const both = await withCookie("/v1/session", cookie, { as: await server.bearer("grace") });
    assert.equal(both.json?.["identity"], "person:grace");
    assert.equal(codeOf(await withCookie("/v1/session", cookie, { as: "Bearer a.b.c" })), "token-invalid");
  });
});

describe("attacks on sessions", () => {
  it("another site's request changes nothing, whatever it can make a browser send", async () => {
    const cookie = await session("ada");
    const { url } = server;
    const forged: readonly Record<string, string>[] = [
      {},
      { origin: url },
      { "x-holdpoint-csrf": "1" },
      { "x-holdpoint-csrf": "1", origin: "null" },
      { "x-holdpoint-csrf": "1", origin: "https://attacker.example" },
      { "x-holdpoint-csrf": "1", origin: `${url}.attacker.example` },
      { "x-holdpoint-csrf": "1", origin: url.replace("127.0.0.1", "127.0.0.2") },
      { "x-holdpoint-csrf": "1", origin: url.replace(/:\d+$/, ":1") },
      { "x-holdpoint-csrf": "true", origin: url },
    ];
    const before = server.running.kernel.state.nextSeq;
    for (const headers of forged) {
      for (const [method, path] of [
        ["POST", "/v1/actions"],
        ["PUT", "/v1/killswitch"],
        ["DELETE", "/v1/session"],
      ] as const) {
        const body = method === "DELETE" ? {} : { body: note("staging") };
        const answer = await withCookie(path, cookie, { method, headers, ...body });
        assert.deepEqual([answer.status, codeOf(answer)], [403, "csrf-refused"], JSON.stringify([path, headers]));
      }
    }
    assert.equal(server.running.kernel.state.nextSeq, before);
    assert.equal((await withCookie("/v1/session", cookie)).status, 200);
  });

  it("the names that this machine has for itself are one origin", async () => {
    const cookie = await session("ada");
    const headers = { ...ownPage(), origin: server.url.replace("127.0.0.1", "localhost") };
    assert.equal((await withCookie("/v1/actions", cookie, { body: note("staging"), headers })).status, 200);
  });

  it("nobody is signed in as somebody else by another site", async () => {
    const code = await signInCode("ada");
    const answer = await signIn(code, { origin: "https://attacker.example" });
    assert.deepEqual([answer.status, codeOf(answer)], [403, "csrf-refused"]);
    assert.equal((await signIn(code)).status, 200);
  });

  it("a session that an attacker planted is not the one that signing in gives, and ends with it", async () => {
    const planted = await session("visitor");
    const own = cookieOf(await signIn(await signInCode("ada"), { cookie: planted }));
    assert.notEqual(own, planted);
    assert.equal(codeOf(await withCookie("/v1/session", planted)), "session-invalid");
    const chosen = `holdpoint_session=${"A".repeat(43)}`;
    assert.notEqual(cookieOf(await signIn(await signInCode("ada"), { cookie: chosen })), chosen);
    assert.equal(codeOf(await withCookie("/v1/session", chosen)), "session-invalid");
    assert.equal(codeOf(await withCookie("/v1/session", `${own}; ${chosen}`)), "session-invalid");
  });

  it("a code works once, and only as it was issued", async () => {
    const code = await signInCode("ada");
    assert.equal((await signIn(code)).status, 200);
    for (const wrong of [code, `${code}A`, code.toUpperCase(), "hpc_", server.secret]) {
      const answer = await signIn(wrong);
      assert.deepEqual([answer.status, codeOf(answer)], [401, "code-invalid"], wrong);
    }
  });

  it("an agent gets no code, and a session makes no other one", async () => {
    const agent = await server.ask("/v1/session/codes", { method: "POST", as: await server.bearer("deployer") });
    assert.deepEqual([agent.status, codeOf(agent)], [403, "people-only"]);
    const cookie = await session("ada");
    const again = await withCookie("/v1/session/codes", cookie, { method: "POST", headers: ownPage() });
    assert.deepEqual([again.status, codeOf(again)], [403, "people-only"]);
  });

  it("a session's secret is no token, and a token is no session", async () => {
    const cookie = await session("ada");
    const secret = cookie.split("=")[1] ?? "";
    assert.equal(codeOf(await server.ask("/v1/session", { as: `Bearer ${secret}` })), "token-invalid");
    const token = (await server.bearer("ada")).slice("Bearer ".length);
    assert.equal(codeOf(await withCookie("/v1/session", `holdpoint_session=${token}`)), "session-invalid");
    assert.equal(codeOf(await withCookie("/v1/session", "holdpoint_session=")), "session-invalid");
    assert.equal(codeOf(await withCookie("/v1/session", "other=1")), "token-missing");
  });

  it("is counted, as every refusal is", async () => {
    const before = await metric(server, `holdpoint_refusals_total{code="csrf-refused"}`);
    await withCookie("/v1/actions", await session("ada"), { body: note("staging") });
    assert.equal(await metric(server, `holdpoint_refusals_total{code="csrf-refused"}`), before + 1);
  });
});

describe("behind a proxy that ends TLS", () => {
  it("the cookie goes over https alone, to this very host, and only the public origin may write", async () => {
    const url = "https://holdpoint.example";
    const own = await startServer({ publicUrl: url });
    const headers = { origin: url, "x-holdpoint-csrf": "1" };
    const asked = await own.ask("/v1/session/codes", { method: "POST", as: await own.bearer("ada") });
    assert.match(asked.json?.["url"] as string, /^https:\/\/holdpoint\.example\/console\/#code=hpc_/);
    const body = { code: asked.json?.["code"] as string };
    const inside = await own.ask("/v1/session", { body, headers: { ...headers, origin: own.url } });
    const answer = await own.ask("/v1/session", { body, headers });
    const cookie = cookieOf(answer);
    const read = await own.ask("/v1/session", { headers: { cookie } });
    const plain = await own.ask("/v1/session", { headers: { cookie: cookie.replace("__Host-", "") } });
    await own.stop();
    assert.equal(codeOf(inside), "csrf-refused");
    assert.match(answer.headers.get("set-cookie") ?? "", /^__Host-holdpoint_session=.*; Secure$/);
    assert.equal(read.status, 200);
    assert.equal(codeOf(plain), "token-missing");
  });
});

describe("asking for sessions", () => {
  it("is limited by address: codes cannot be tried without end", async () => {
    const limits = "limits: { tokens: { burst: 3, perSecond: 0.001 } }";
    const own = await startServer({ settings: limits });
    const headers = { origin: own.url, "x-holdpoint-csrf": "1" };
    const codes: unknown[] = [];
    for (let i = 0; i < 4; i++) {
      codes.push(codeOf(await own.ask("/v1/session", { body: { code: `hpc_${"A".repeat(27)}` }, headers })));
    }
    await own.stop();
    assert.deepEqual(codes, ["code-invalid", "code-invalid", "code-invalid", "rate-limited"]);
  });

  it("is limited by person: coming and going does not grow the ledger", async () => {
    const own = await startServer({ settings: "limits: { sessions: { burst: 2, perSecond: 0.001 } }" });
    const headers = { origin: own.url, "x-holdpoint-csrf": "1" };
    const statuses: number[] = [];
    for (const who of ["ada", "ada", "ada", "grace"] as const) {
      const asked = await own.ask("/v1/session/codes", { method: "POST", as: await own.bearer(who) });
      statuses.push((await own.ask("/v1/session", { body: { code: asked.json?.["code"] ?? "" }, headers })).status);
    }
    const events = (await own.eventsSince(0)).filter(({ type }) => type.startsWith("session."));
    await own.stop();
    assert.deepEqual([statuses, events.length], [[200, 200, 429, 200], 3]);
  });
});
