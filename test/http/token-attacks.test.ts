// Bad tokens, assertions and proofs of possession over HTTP: each is refused with its problem, counted, and changes nothing.

import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { SignJWT } from "jose";
import { signProof } from "../../src/adapters/identity/dpop-proofs.ts";
import { generatePrivateJwk, keyPairOf, readPrivateJwk } from "../../src/adapters/identity/key-pairs.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import { systemClock as clock, systemRandom as random } from "../../src/main/system.ts";
import type { PrivateJwk } from "../../src/wire/schemas/identity.ts";
import { metric, note, startServer, type Answer, type Ask } from "./fixture.ts";
import { assertProblem, RefusalRecord } from "./problems.ts";

let server: Awaited<ReturnType<typeof startServer>>;
let issuerKey: PrivateJwk;
let record: RefusalRecord;
before(async () => {
  server = await startServer();
  record = new RefusalRecord(server);
  issuerKey = readPrivateJwk(join(server.dataDir, "keys", "issuer.jwk"));
});
after(() => server.stop());

const KEY = generatePrivateJwk(random);
const THIEF = generatePrivateJwk(random);

/** Refused as `code`, as a problem document, counted, and nothing of it in the ledger. */
async function refused(name: string, code: ErrorCode, ask: () => Promise<Answer>): Promise<Answer> {
  const series = `holdpoint_refusals_total{code="${code}"}`;
  const [size, count] = [server.running.kernel.state.nextSeq, await metric(server, series)];
  const answer = await ask();
  assertProblem(answer, code, name);
  assert.equal(await metric(server, series), count + 1, name);
  assert.equal(server.running.kernel.state.nextSeq, size, name);
  return answer;
}

const propose = (as: string, headers: Record<string, string> = {}): Promise<Answer> =>
  server.ask("/v1/actions", { as, body: note("staging"), headers });

const part = (token: string, index: number): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split(".")[index] ?? "", "base64url").toString()) as Record<string, unknown>;
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("bad access tokens", () => {
  it("are refused, whoever signed them", async () => {
    const good = (await server.bearer("deployer")).slice("Bearer ".length);
    const [header, claims] = [part(good, 0), part(good, 1)];
    const signed = (change: Record<string, unknown>, key = issuerKey, head: Record<string, unknown> = {}) =>
      new SignJWT({ ...claims, ...change })
        .setProtectedHeader({ alg: "EdDSA", ...header, ...head })
        .sign(keyPairOf(key).privateKey);
    assert.equal((await propose(`Bearer ${await signed({})}`)).status, 200, "the corpus fails for what it changes");
    const nowS = Math.floor(clock.nowMs() / 1000);
    const input = `${encode({ ...header, alg: "HS256" })}.${encode(claims)}`;
    const mac = createHmac("sha256", Buffer.from(issuerKey.x, "base64url")).update(input).digest("base64url");
    const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    const corpus: Record<string, string> = {
      "alg none": `${encode({ ...header, alg: "none" })}.${encode(claims)}.AA`,
      "alg none, no signature": `${encode({ ...header, alg: "none" })}.${encode(claims)}.`,
      "HS256 under the public key": `${input}.${mac}`,
      "ES256 under our kid": await new SignJWT(claims).setProtectedHeader({ ...header, alg: "ES256" }).sign(ec),
      "wrong audience": await signed({ aud: "billing" }),
      expired: await signed({ iat: nowS - 400, nbf: nowS - 400, exp: nowS - 1 }),
      "not yet valid": await signed({ nbf: nowS + 60 }),
      "issued in the future": await signed({ iat: nowS + 60, exp: nowS + 120 }),
      "another issuer's key under our kid": await signed({}, THIEF),
      "another issuer": await signed({ iss: "https://login.example" }, THIEF, { kid: THIEF.kid }),
      "a key that the token brings": await signed({}, THIEF, { jwk: { kty: "OKP", crv: "Ed25519", x: THIEF.x } }),
      "a scope that is not registered": await signed({ sub: "agent:stranger", client_id: "agent:stranger" }),
      "another client's id": await signed({ sub: "person:ada", client_id: "person:ada" }),
      "a role that is not registered": await signed({ roles: ["owner"] }),
      "a changed payload": good.replace(/\..*\./, `.${encode({ ...claims, scope: "admin" })}.`),
      "an id token": await signed({}, issuerKey, { typ: "JWT" }),
    };
    for (const [name, token] of Object.entries(corpus)) {
      const answer = await refused(name, "token-invalid", () => propose(`Bearer ${token}`));
      assert.deepEqual([answer.status, answer.headers.get("www-authenticate")], [401, "Bearer"], name);
      assert.ok(!answer.text.includes(token.slice(-20)), name);
    }
  });

  it("an assertion works once, and a token request gets no scope that is not registered", async () => {
    const client_assertion = await server.assertion("stranger");
    const ask = (more: Record<string, string> = {}): Promise<Answer> => tokenRequest({ client_assertion, ...more });
    assert.equal((await ask()).status, 200);
    await refused("a replayed jti", "client-invalid", () => ask());
    const wide = { client_assertion: await server.assertion("stranger"), scope: "actions:approve" };
    await refused("scope escalation", "scope-invalid", () => tokenRequest(wide));
  });
});

function tokenRequest(more: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    ...more,
  });
  const type = { "content-type": "application/x-www-form-urlencoded" };
  return server.ask("/oauth/token", { method: "POST", headers: { ...type, ...headers }, body: form.toString() });
}

type For = {
  readonly method?: string;
  readonly path?: string;
  readonly token?: string | null;
  readonly key?: PrivateJwk;
};

const proof = ({ method = "POST", path = "/v1/actions", token = null, key = KEY }: For): Promise<string> =>
  signProof(key, { method, url: server.url + path, token, clock, random });

async function boundToken(): Promise<string> {
  const client_assertion = await server.assertion("visitor");
  const answer = await tokenRequest({ client_assertion }, { dpop: await proof({ path: "/oauth/token" }) });
  assert.deepEqual([answer.status, answer.json?.["token_type"]], [200, "DPoP"], answer.text);
  return answer.json?.["access_token"] as string;
}

describe("proof of possession", () => {
  it("carries a token through every kind of request, each with a proof of its own", async () => {
    const token = await boundToken();
    const as = `DPoP ${token}`;
    const { status, json, text } = await propose(as, { dpop: await proof({ token }) });
    assert.equal(status, 200, text);
    const path = `/v1/actions/${json?.["id"] as string}`;
    assert.equal(
      (await server.ask(path, { as, headers: { dpop: await proof({ method: "GET", path, token }) } })).status,
      200,
    );
    const long: Ask = { as, body: { ...note("staging"), reason: "x".repeat(3_000), pad: "y".repeat(20_000) } };
    const refusal = await server.ask("/v1/actions", { ...long, headers: { dpop: await proof({ token }) } });
    assert.equal(refusal.json?.["code"], "request-invalid", "asked at the door and by the handler, proven once");
    const query = await server.ask("/v1/actions?limit=1", {
      as,
      headers: { dpop: await proof({ method: "GET", token }) },
    });
    assert.equal(query.status, 200, query.text);
  });

  it("is asked for with every bound token, and must be this request's", async () => {
    const token = await boundToken();
    const [as, fresh] = [`DPoP ${token}`, await proof({ token })];
    assert.equal((await propose(as, { dpop: fresh })).status, 200);
    const other = await boundToken();
    const cases: readonly (readonly [string, ErrorCode, string, Record<string, string>])[] = [
      ["a stolen token as bearer", "dpop-proof-missing", `Bearer ${token}`, {}],
      ["a bearer with a good proof", "dpop-proof-missing", `Bearer ${token}`, { dpop: await proof({ token }) }],
      ["no proof", "dpop-proof-missing", as, {}],
      ["a replayed proof", "dpop-proof-replayed", as, { dpop: fresh }],
      ["the thief's own key", "dpop-proof-mismatch", as, { dpop: await proof({ token, key: THIEF }) }],
      ["another token's proof", "dpop-proof-mismatch", as, { dpop: await proof({ token: other }) }],
      ["a proof of the token request", "dpop-proof-mismatch", as, { dpop: await proof({}) }],
      ["another method", "dpop-proof-mismatch", as, { dpop: await proof({ method: "GET", token }) }],
      ["another address", "dpop-proof-mismatch", as, { dpop: await proof({ path: "/v1/killswitch", token }) }],
      ["garbage", "dpop-proof-invalid", as, { dpop: "garbage" }],
      ["a bad token with a good proof", "token-invalid", "DPoP a.b.c", { dpop: await proof({ token }) }],
      ["a bearer token under DPoP", "token-invalid", "DPoP x", { dpop: await proof({ token }) }],
    ];
    for (const [name, code, authorization, headers] of cases) {
      const answer = await refused(name, code, () => propose(authorization, headers));
      assert.equal(answer.status, 401, name);
      const challenge = answer.headers.get("www-authenticate") ?? "";
      assert.match(challenge, code.startsWith("dpop") ? /^DPoP error="invalid_dpop_proof", algs="/ : /^Bearer$/, name);
    }
  });

  it("two proofs at once are none, and a bearer token needs none", async () => {
    const token = await boundToken();
    const two = `${await proof({ token })}, ${await proof({ token })}`;
    await refused("two proofs", "dpop-proof-invalid", () => propose(`DPoP ${token}`, { dpop: two }));
    const bearer = await server.bearer("deployer");
    await refused("a bearer token as bound", "token-invalid", () => propose(bearer.replace("Bearer", "DPoP")));
    assert.equal((await propose(bearer, { dpop: "ignored" })).status, 200);
  });

  it("a bound token is given up like any other", async () => {
    const token = await boundToken();
    const as = `DPoP ${token}`;
    const path = "/oauth/revoke-self";
    const headers = { dpop: await proof({ path, token }) };
    assert.equal((await server.ask(path, { method: "POST", as, headers })).status, 200);
    const again = { dpop: await proof({ token }) };
    await refused("a revoked token", "token-invalid", () => propose(as, again));
  });
});

it("what was refused is in the ledger when the server stops: under whom the token was issued to, else under nobody", async () => {
  const ends = [server.running.stop(), server.running.stop()];
  assert.equal(ends[0], ends[1], "whoever asks again waits for the same end");
  await Promise.all(ends);
  const visitors: readonly ErrorCode[] = ["dpop-proof-missing", "dpop-proof-mismatch", "dpop-proof-replayed"];
  for (const code of visitors) assert.ok(record.of("person:visitor", code) > 0, code);
  assert.ok(record.of("anonymous", "token-invalid") >= 16, "the corpus of tokens that stand for nobody");
  assert.equal(record.of("person:visitor", "token-invalid") + record.of("agent:deployer", "token-invalid"), 0);
});
