// The embedded issuer: what it grants, that an assertion works once, and its documents.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createLocalJWKSet, jwtVerify, SignJWT } from "jose";
import type { JSONWebKeySet } from "jose";
import { TokenIssuer } from "../../src/adapters/identity/issuer.ts";
import { isAppError } from "../../src/core/errors.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import { ADA, ASSERTION_TYPE, assertionFor, AUDIENCE, claimsOf, DEPLOYER, forge, ISSUER } from "./fixture.ts";
import { open, register, request, temporaryFolder, tokenFor } from "./fixture.ts";

const isCode = (code: ErrorCode) => (error: unknown) => isAppError(error, code);

test("a token is a JWT access token that any verifier accepts with the published key", async (t) => {
  const at = open(temporaryFolder(t));
  const jwk = register(at, ADA);
  const answer = await tokenFor(at, jwk, ADA.id);
  assert.equal(answer.token_type, "Bearer");
  assert.equal(answer.expires_in, 300);
  assert.equal(answer.scope, "actions:read actions:approve killswitch:pause");
  const keys = createLocalJWKSet(at.issuer.jwks() as unknown as JSONWebKeySet);
  const { payload, protectedHeader } = await jwtVerify(answer.access_token, keys, {
    issuer: ISSUER,
    audience: AUDIENCE,
    typ: "at+jwt",
    algorithms: ["EdDSA"],
    currentDate: new Date(at.clock.nowMs()),
  });
  assert.equal(protectedHeader.kid, at.key.kid);
  const nowS = at.clock.nowMs() / 1000;
  const { jti, ...rest } = payload;
  assert.deepEqual(rest, {
    iss: ISSUER,
    sub: "person:ada",
    client_id: "person:ada",
    aud: AUDIENCE,
    exp: nowS + 300,
    iat: nowS,
    nbf: nowS,
    scope: "actions:read actions:approve killswitch:pause",
    roles: ["on-call"],
    kind: "person",
    person: "ada",
    client_jkt: jwk.kid,
  });
  assert.equal(Buffer.from(String(jti), "base64url").length, 16);
  assert.deepEqual(at.events, [
    {
      type: "token-issued",
      client: "person:ada",
      tokenId: jti,
      keyThumbprint: jwk.kid,
      scopes: ADA.scopes,
      expiresAt: (nowS + 300) * 1000,
    },
  ]);
});

test("a token gets the scopes asked for when the registration covers them, and never another", async (t) => {
  const at = open(temporaryFolder(t));
  const jwk = register(at, DEPLOYER);
  const narrow = await tokenFor(at, jwk, DEPLOYER.id, { scope: "actions:propose:pagerduty.trigger" });
  assert.equal(narrow.scope, "actions:propose:pagerduty.trigger");
  const twice = await tokenFor(at, jwk, DEPLOYER.id, { scope: "actions:read actions:read" });
  assert.equal(twice.scope, "actions:read");
  for (const scope of [
    "admin",
    "actions:approve",
    "actions:*",
    "*",
    "",
    " ",
    "actions:read  actions:read",
    "actions:read\tadmin",
  ]) {
    await assert.rejects(tokenFor(at, jwk, DEPLOYER.id, { scope }), isCode("scope-invalid"), JSON.stringify(scope));
  }
  await assert.rejects(tokenFor(at, jwk, DEPLOYER.id, { scope: "x".repeat(3000) }), isCode("request-invalid"));
});

const REQUESTS: readonly [string, Record<string, unknown>, ErrorCode][] = [
  ["another grant", { grant_type: "password" }, "grant-type-unsupported"],
  ["a refresh token", { grant_type: "refresh_token" }, "grant-type-unsupported"],
  ["no grant", { grant_type: undefined }, "request-invalid"],
  ["a grant given twice", { grant_type: ["client_credentials", "client_credentials"] }, "request-invalid"],
  ["another assertion type", { client_assertion_type: `${ASSERTION_TYPE}2` }, "request-invalid"],
  ["no assertion", { client_assertion: undefined }, "request-invalid"],
  ["an assertion of 9 kB", { client_assertion: "a".repeat(9000) }, "request-invalid"],
  ["a client secret as well", { client_secret: "hunter2" }, "request-invalid"],
  ["another client's id", { client_id: "agent:deployer" }, "client-invalid"],
  ["another audience", { audience: "billing" }, "request-invalid"],
];

test("a token request that is not exactly one we answer gets no token", async (t) => {
  const at = open(temporaryFolder(t));
  const jwk = register(at, ADA);
  for (const [name, change, code] of REQUESTS) {
    const parameters = request(await assertionFor(at, jwk, ADA.id), change);
    await assert.rejects(at.issuer.issueToken(parameters), isCode(code), name);
    assert.equal(at.events.at(-1)?.type, "token-refused", name);
  }
  const extra = request(await assertionFor(at, jwk, ADA.id), { audience: AUDIENCE, client_id: ADA.id, resource: "x" });
  assert.equal((await at.issuer.issueToken(extra)).token_type, "Bearer");
});

test("an assertion works once, also when sent twice at the same time", async (t) => {
  const at = open(temporaryFolder(t));
  const assertion = await assertionFor(at, register(at, ADA), ADA.id);
  const both = await Promise.allSettled([
    at.issuer.issueToken(request(assertion)),
    at.issuer.issueToken(request(assertion)),
  ]);
  assert.deepEqual(both.map((result) => result.status).sort(), ["fulfilled", "rejected"]);
  await assert.rejects(at.issuer.issueToken(request(assertion)), isCode("client-invalid"));
});

test("an assertion used before a restart is not accepted after it; one that was not used is", async (t) => {
  const dir = temporaryFolder(t);
  const before = open(dir);
  const jwk = register(before, ADA);
  const used = await assertionFor(before, jwk, ADA.id);
  const unused = await assertionFor(before, jwk, ADA.id);
  await before.issuer.issueToken(request(used));
  const after = open(dir, before.clock);
  await assert.rejects(after.issuer.issueToken(request(used)), isCode("client-invalid"));
  assert.equal((await after.issuer.issueToken(request(unused))).token_type, "Bearer");
});

test("the same jti from two clients is two assertions, and re-signing one does not renew it", async (t) => {
  const at = open(temporaryFolder(t));
  const ada = register(at, ADA);
  const deployer = register(at, DEPLOYER);
  const nowS = at.clock.nowMs() / 1000;
  const claims = (id: string) => ({ iss: id, sub: id, aud: ISSUER, iat: nowS, exp: nowS + 60, jti: "1" });
  await at.issuer.issueToken(request(await forge(ada, {}, claims(ADA.id))));
  await at.issuer.issueToken(request(await forge(deployer, {}, claims(DEPLOYER.id))));
  const again = await forge(ada, { alg: "EdDSA", kid: ada.kid }, { ...claims(ADA.id), exp: nowS + 61 });
  await assert.rejects(at.issuer.issueToken(request(again)), isCode("client-invalid"));
});

test("an assertion at the edges of skew is accepted", async (t) => {
  const at = open(temporaryFolder(t));
  const jwk = register(at, ADA);
  const nowS = at.clock.nowMs() / 1000;
  const good = { iss: ADA.id, sub: ADA.id, aud: [ISSUER], iat: nowS, exp: nowS + 60 };
  const edges = [
    { iat: nowS + 30, nbf: nowS + 30 },
    { iat: nowS - 90, exp: nowS - 29 },
    { exp: nowS + 330 },
    { exp: nowS + 60.5, iat: nowS - 0.5 },
  ];
  for (const [index, edge] of edges.entries()) {
    const assertion = await forge(jwk, { typ: "client-authentication+jwt" }, { ...good, ...edge, jti: `edge${index}` });
    assert.equal((await at.issuer.issueToken(request(assertion))).token_type, "Bearer");
  }
});

test("a P-256 key that an operator registered works with ES256 and with nothing else", async (t) => {
  const at = open(temporaryFolder(t));
  register(at, ADA);
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const path = join(at.clientsDir, "person:ada.json");
  const file = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify({ ...file, keys: [{ ...publicKey.export({ format: "jwk" }), kid: "hsm-1" }] }));
  at.clients.reload();
  const nowS = at.clock.nowMs() / 1000;
  const claims = { iss: ADA.id, sub: ADA.id, aud: ISSUER, iat: nowS, exp: nowS + 60 };
  const signed = (jti: string, kid: string): Promise<string> =>
    new SignJWT({ ...claims, jti }).setProtectedHeader({ alg: "ES256", kid }).sign(privateKey);
  const { access_token: token } = await at.issuer.issueToken(request(await signed("1", "hsm-1")));
  assert.equal((await at.verifier.verify(`Bearer ${token}`)).id, ADA.id);
  await assert.rejects(
    signed("2", "hsm-2").then((text) => at.issuer.issueToken(request(text))),
    isCode("client-invalid"),
  );
});

test("a disabled client gets no token", async (t) => {
  const at = open(temporaryFolder(t));
  const jwk = register(at, ADA);
  const path = join(at.clientsDir, "person:ada.json");
  const file = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify({ ...file, disabled: true }));
  at.clients.reload();
  await assert.rejects(tokenFor(at, jwk, ADA.id), isCode("client-invalid"));
});

test("when a client has used all the assertions that are remembered, it waits and others do not", async (t) => {
  const at = open(temporaryFolder(t));
  const jwk = register(at, ADA);
  const other = register(at, DEPLOYER);
  const uselessAtMs = at.clock.nowMs() + 60_000;
  let text = "";
  for (let i = 0; i < 2000; i++) text += `${JSON.stringify([ADA.id, `j${i}`, uselessAtMs])}\n`;
  writeFileSync(join(at.dir, "keys", "assertions.seen"), text);
  const full = open(at.dir, at.clock);
  await assert.rejects(tokenFor(full, jwk, ADA.id), isCode("rate-limited"));
  assert.equal((await tokenFor(full, other, DEPLOYER.id)).token_type, "Bearer");
  at.clock.advance(200_000);
  assert.equal((await tokenFor(full, jwk, ADA.id)).token_type, "Bearer");
});

test("the signing key is made once, kept to its owner, and survives a restart", async (t) => {
  const dir = temporaryFolder(t);
  const first = open(dir);
  const path = join(dir, "keys", "issuer.jwk");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(join(dir, "keys")).mode & 0o777, 0o700);
  const { access_token: token } = await tokenFor(first, register(first, ADA), ADA.id);
  const second = open(dir, first.clock);
  assert.equal(second.key.kid, first.key.kid);
  assert.equal((await second.verifier.verify(`Bearer ${token}`)).id, ADA.id);
});

test("the documents name what is supported and hold no private key", (t) => {
  const at = open(temporaryFolder(t));
  const metadata = at.issuer.metadata();
  assert.equal(metadata["issuer"], ISSUER);
  assert.equal(metadata["token_endpoint"], `${ISSUER}/oauth/token`);
  assert.deepEqual(metadata["token_endpoint_auth_methods_supported"], ["private_key_jwt"]);
  const { keys } = at.issuer.jwks() as { keys: Record<string, unknown>[] };
  assert.deepEqual(Object.keys(keys[0] ?? {}).sort(), ["alg", "crv", "kid", "kty", "use", "x"]);
});

test("the token lifetime is bounded", (t) => {
  const at = open(temporaryFolder(t));
  const { key, clients, clock, proofs } = at;
  const shared = { issuer: ISSUER, audience: AUDIENCE, key, clients, clock, proofs };
  const seenPath = join(at.dir, "seen");
  for (const tokenTtlS of [0, -1, 29, 901, 60.5, NaN, Infinity]) {
    assert.throws(
      () => new TokenIssuer({ ...shared, seenPath, random: at.random, onEvent() {}, tokenTtlS }),
      isCode("config-invalid"),
    );
  }
});

test("tokens have ids of their own", async (t) => {
  const at = open(temporaryFolder(t));
  const jwk = register(at, ADA);
  const ids = new Set<unknown>();
  for (let i = 0; i < 20; i++) ids.add(claimsOf((await tokenFor(at, jwk, ADA.id)).access_token)["jti"]);
  assert.equal(ids.size, 20);
});
