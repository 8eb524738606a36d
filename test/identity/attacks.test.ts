// A corpus of bad tokens and bad client assertions, each of which must be refused for the reason it is bad.

import assert from "node:assert/strict";
import { createPublicKey, createSecretKey, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { SignJWT } from "jose";
import { JwsError, parseCompactJws, verifyCompactJws } from "../../src/adapters/identity/compact-jws.ts";
import { generatePrivateJwk, keyPairOf, readPrivateJwk } from "../../src/adapters/identity/key-pairs.ts";
import { isAppError } from "../../src/core/errors.ts";
import { ADA, assertionFor, claimsOf, DEPLOYER, forge, ISSUER, open, register, request } from "./fixture.ts";
import { seededRandom, temporaryFolder, tokenFor } from "./fixture.ts";
import type { Installation } from "./fixture.ts";
import {
  CLAIM,
  encode,
  header,
  NOT_OURS,
  part,
  replacePart,
  signRaw,
  TOKENS,
  withClaims,
  withHeader,
} from "./token-attacks.ts";

test("each bad token is refused as token-invalid, with its reason, also after a good one was cached", async (t) => {
  const at = open(temporaryFolder(t));
  const jwk = register(at, ADA);
  const { access_token: good } = await tokenFor(at, jwk, "person:ada");
  const own = readPrivateJwk(`${at.dir}/keys/issuer.jwk`);
  const other = generatePrivateJwk(seededRandom("attacker"));
  assert.equal((await at.verifier.verify(`Bearer ${good}`)).id, "person:ada");
  for (const bad of TOKENS) {
    const value = await bad.make(good, own, other);
    await assert.rejects(
      at.verifier.verify(value),
      (error) => isAppError(error, "token-invalid") && bad.detail.test(error.message) && !error.message.includes(good),
      bad.name,
    );
    assert.equal(at.verifier.cached(value), undefined, bad.name);
  }
  assert.ok(TOKENS.length >= 65);
});

test("a re-signed token with nothing changed is accepted, so the corpus fails for what it changes", async (t) => {
  const at = open(temporaryFolder(t));
  const { access_token: good } = await tokenFor(at, register(at, ADA), "person:ada");
  const own = readPrivateJwk(`${at.dir}/keys/issuer.jwk`);
  assert.equal((await at.verifier.verify(await withClaims({})(good, own))).id, "person:ada");
  assert.equal((await at.verifier.verify(await withHeader({})(good, own))).id, "person:ada");
  const raw = await signRaw(own, JSON.stringify(header(good)), Buffer.from(part(good, 1), "base64url"));
  assert.equal((await at.verifier.verify(raw)).id, "person:ada");
});

test("without a bearer token the answer is token-missing", async (t) => {
  const { verifier } = open(temporaryFolder(t));
  for (const value of [undefined, "", "Bearer", "Basic YWRhOmFkYQ==", "DPoP abc", "bearertoken"]) {
    await assert.rejects(verifier.verify(value), (error) => isAppError(error, "token-missing"), String(value));
  }
});

interface AssertionCase {
  readonly name: string;
  readonly header?: Record<string, unknown>;
  readonly claims?: (nowS: number) => Record<string, unknown>;
  readonly detail: RegExp;
}

const ASSERTIONS: readonly AssertionCase[] = [
  { name: "iss and sub that differ", claims: () => ({ iss: "agent:deployer" }), detail: /iss and sub/ },
  { name: "an unknown client", claims: () => ({ iss: "person:eve", sub: "person:eve" }), detail: /no enabled client/ },
  {
    name: "another client's id",
    claims: () => ({ iss: "agent:deployer", sub: "agent:deployer" }),
    detail: /no enabled client/,
  },
  { name: "aud of another server", claims: () => ({ aud: "https://login.example/token" }), detail: /not this server/ },
  { name: "aud that names us and another", claims: () => ({ aud: [ISSUER, "https://login.example"] }), detail: CLAIM },
  { name: "aud of the API", claims: () => ({ aud: "holdpoint" }), detail: /not this server/ },
  { name: "no aud", claims: () => ({ aud: undefined }), detail: CLAIM },
  { name: "expired", claims: (now) => ({ iat: now - 100, exp: now - 31 }), detail: /expired/ },
  { name: "an hour of life", claims: (now) => ({ exp: now + 3600 }), detail: /300 s ahead/ },
  { name: "no exp", claims: () => ({ exp: undefined }), detail: CLAIM },
  { name: "exp as text", claims: (now) => ({ exp: String(now + 60) }), detail: CLAIM },
  { name: "iat in the future", claims: (now) => ({ iat: now + 31 }), detail: /iat is in the future/ },
  { name: "iat from an hour ago", claims: (now) => ({ iat: now - 3600 }), detail: /iat is too old/ },
  { name: "no iat", claims: () => ({ iat: undefined }), detail: CLAIM },
  { name: "nbf in the future", claims: (now) => ({ nbf: now + 31 }), detail: /not valid yet/ },
  { name: "no jti", claims: () => ({ jti: undefined }), detail: CLAIM },
  { name: "an empty jti", claims: () => ({ jti: "" }), detail: CLAIM },
  { name: "a jti of 10,000 characters", claims: () => ({ jti: "x".repeat(10_000) }), detail: /./ },
  { name: "a jti that is a number", claims: () => ({ jti: 7 }), detail: CLAIM },
  { name: "an access token's typ", header: { typ: "at+jwt" }, detail: /typ/ },
  { name: "an unknown kid", header: { kid: "other" }, detail: /no enabled client/ },
  { name: "jku", header: { jku: "https://attacker.example" }, detail: NOT_OURS },
];

test("each bad client assertion is refused as client-invalid and recorded, and no token comes of it", async (t) => {
  const at = open(temporaryFolder(t));
  const jwk = register(at, ADA);
  register(at, DEPLOYER);
  const nowS = at.clock.nowMs() / 1000;
  let count = 0;
  for (const bad of ASSERTIONS) {
    const good = { iss: ADA.id, sub: ADA.id, aud: ISSUER, iat: nowS, exp: nowS + 60, jti: `j${count++}` };
    const claims: Record<string, unknown> = { ...good, ...bad.claims?.(nowS) };
    for (const name of Object.keys(claims)) if (claims[name] === undefined) delete claims[name];
    const assertion = await forge(jwk, { typ: "JWT", kid: jwk.kid, ...bad.header }, claims);
    await assert.rejects(
      at.issuer.issueToken(request(assertion)),
      (error) =>
        (isAppError(error, "client-invalid") && bad.detail.test(error.message)) || isAppError(error, "request-invalid"),
      bad.name,
    );
    assert.equal(at.events.at(-1)?.type, "token-refused", bad.name);
  }
  assert.ok(at.events.every((event) => event.type === "token-refused"));
});

test("a client assertion is verified with the registered key only, by the algorithm of its type", async (t) => {
  const at = open(temporaryFolder(t));
  const jwk = register(at, ADA);
  const other = generatePrivateJwk(seededRandom("attacker"));
  const good = await assertionFor(at, jwk, ADA.id);
  const claims = claimsOf(good);
  const secret = createSecretKey(Buffer.from(jwk.x, "base64url"));
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const attacks: Record<string, string> = {
    "another key": await forge(other, { kid: jwk.kid }, claims),
    "an embedded key": await forge(other, { jwk: { kty: "OKP", crv: "Ed25519", x: other.x } }, claims),
    "HS256 under the public key": await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(secret),
    "ES256 for an Ed25519 key": await new SignJWT(claims).setProtectedHeader({ alg: "ES256" }).sign(ec.privateKey),
    "alg none": `${encode({ alg: "none" })}.${part(good, 1)}.AA`,
    "no signature": replacePart(good, 2, ""),
    "white space in the signature": good.replace(/.{5}$/, " $&"),
    "one's own access token": (await tokenFor(at, jwk, ADA.id)).access_token,
  };
  for (const [name, assertion] of Object.entries(attacks)) {
    await assert.rejects(
      at.issuer.issueToken(request(assertion)),
      (error) => isAppError(error, "client-invalid"),
      name,
    );
  }
  assert.equal((await at.issuer.issueToken(request(good))).token_type, "Bearer");
});

/** Points of order 1, 2, 4 and 8 on edwards25519, without sign bit; y of p and p + 1 in their second spellings. */
const SMALL_ORDER: readonly string[] = [
  "00".repeat(32),
  `01${"00".repeat(31)}`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  `ec${"ff".repeat(30)}7f`,
  `ed${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`,
];

test("a registered key of small order verifies no signature, though one could be made without a private key", async () => {
  // R = the neutral element, S = 0: without a check of the key it verifies for one message in at most eight.
  const signature = Buffer.concat([Buffer.of(1), Buffer.alloc(63)]).toString("base64url");
  for (const hex of SMALL_ORDER) {
    const x = Buffer.from(hex, "hex").toString("base64url");
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    for (let i = 0; i < 64; i++) {
      const jws = parseCompactJws(`${encode({ alg: "EdDSA" })}.${encode({ jti: String(i) })}.${signature}`);
      await assert.rejects(verifyCompactJws(jws, key, ["EdDSA"]), JwsError, `${hex} ${i}`);
    }
  }
});

test("a token that the client signed itself is no access token", async (t) => {
  const at: Installation = open(temporaryFolder(t));
  const jwk = register(at, ADA);
  const { access_token: good } = await tokenFor(at, jwk, ADA.id);
  for (const kid of [jwk.kid, at.key.kid]) {
    const own = await new SignJWT(claimsOf(good))
      .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid })
      .sign(keyPairOf(jwk).privateKey);
    await assert.rejects(at.verifier.verify(`Bearer ${own}`), (error) => isAppError(error, "token-invalid"));
  }
});
