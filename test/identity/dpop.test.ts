// Proofs of possession: the examples of RFC 9449, every way to be a bad proof, and tokens that are bound to a key.

import assert from "node:assert/strict";
import { generateKeyPairSync, hash } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { SignJWT } from "jose";
import { DpopProofs, signProof, type ProvenRequest } from "../../src/adapters/identity/dpop-proofs.ts";
import { generatePrivateJwk, keyPairOf } from "../../src/adapters/identity/key-pairs.ts";
import { isAppError, type ErrorCode } from "../../src/core/errors.ts";
import type { PrivateJwk } from "../../src/wire/schemas/identity.ts";
import { ADA, assertionFor, claimsOf, DEPLOYER, ISSUER, open, register, request } from "./fixture.ts";
import { seededRandom, temporaryFolder, TestClock, type Installation } from "./fixture.ts";

const RFC_KEY =
  "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19";
/** RFC 9449 sections 4.1 and 7.1. */
const RFC_TOKEN_PROOF = `${RFC_KEY}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg`;
const RFC_RESOURCE_PROOF = `${RFC_KEY}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA`;
const RFC_THUMBPRINT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

test("the proofs that RFC 9449 shows are accepted at their time, for what they are for", async (t) => {
  const clock = new TestClock();
  clock.wallMs = 1_562_262_618_000;
  const at = (origin: string): DpopProofs =>
    new DpopProofs({ origin, seenPath: join(temporaryFolder(t), "proofs.seen"), clock });
  const asked = { proof: RFC_TOKEN_PROOF, method: "POST", path: "/token", token: null };
  assert.equal(await at("https://server.example.com").check(asked), RFC_THUMBPRINT);
  const text = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
  const token = { text, boundTo: RFC_THUMBPRINT };
  const sent = { proof: RFC_RESOURCE_PROOF, method: "GET", path: "/protectedresource", token };
  assert.equal(await at("https://resource.example.org").check(sent), RFC_THUMBPRINT);
});

const TOKEN = "a.good.token";
const PATH = "/v1/actions";

type Change = {
  readonly header?: Record<string, unknown>;
  readonly claims?: (nowS: number) => Record<string, unknown>;
  readonly key?: PrivateJwk;
};

async function proofWith(at: Installation, jwk: PrivateJwk, { header, claims, key = jwk }: Change): Promise<string> {
  const nowS = Math.floor(at.clock.nowMs() / 1000);
  const good = { jti: "one", htm: "POST", htu: `${ISSUER}${PATH}`, iat: nowS, ath: hash("sha256", TOKEN, "base64url") };
  const all: Record<string, unknown> = { ...good, ...claims?.(nowS) };
  for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name];
  const own = { typ: "dpop+jwt", alg: "EdDSA", jwk: { kty: jwk.kty, crv: jwk.crv, x: jwk.x } };
  return new SignJWT(all).setProtectedHeader({ ...own, ...header }).sign(keyPairOf(key).privateKey);
}

const asked = (proof: string | undefined, boundTo: string): ProvenRequest => ({
  proof,
  method: "POST",
  path: PATH,
  token: { text: TOKEN, boundTo },
});

const other = generatePrivateJwk(seededRandom("another key"));

const BAD: readonly (readonly [name: string, change: Change, code: ErrorCode])[] = [
  ["another typ", { header: { typ: "JWT" } }, "dpop-proof-invalid"],
  ["an access token's typ", { header: { typ: "at+jwt" } }, "dpop-proof-invalid"],
  ["no key in it", { header: { jwk: undefined } }, "dpop-proof-invalid"],
  ["a private key in it", { header: { jwk: other } }, "dpop-proof-invalid"],
  ["a symmetric key in it", { header: { jwk: { kty: "oct", k: other.x } } }, "dpop-proof-invalid"],
  [
    "a key of small order",
    { header: { jwk: { kty: "OKP", crv: "Ed25519", x: "A".repeat(43) } } },
    "dpop-proof-invalid",
  ],
  ["a signature by another key", { key: other }, "dpop-proof-invalid"],
  ["a key by reference", { header: { jku: "https://attacker.example/jwks" } }, "dpop-proof-invalid"],
  ["no jti", { claims: () => ({ jti: undefined }) }, "dpop-proof-invalid"],
  ["an empty jti", { claims: () => ({ jti: "" }) }, "dpop-proof-invalid"],
  ["no htm", { claims: () => ({ htm: undefined }) }, "dpop-proof-invalid"],
  ["no htu", { claims: () => ({ htu: undefined }) }, "dpop-proof-invalid"],
  ["no iat", { claims: () => ({ iat: undefined }) }, "dpop-proof-invalid"],
  ["iat as text", { claims: (now) => ({ iat: String(now) }) }, "dpop-proof-invalid"],
  ["61 seconds of age", { claims: (now) => ({ iat: now - 61 }) }, "dpop-proof-invalid"],
  ["6 seconds ahead", { claims: (now) => ({ iat: now + 6 }) }, "dpop-proof-invalid"],
  ["another method", { claims: () => ({ htm: "GET" }) }, "dpop-proof-mismatch"],
  ["the method in small letters", { claims: () => ({ htm: "post" }) }, "dpop-proof-mismatch"],
  ["another path", { claims: () => ({ htu: `${ISSUER}/v1/killswitch` }) }, "dpop-proof-mismatch"],
  ["another host", { claims: () => ({ htu: `https://attacker.example${PATH}` }) }, "dpop-proof-mismatch"],
  ["another scheme", { claims: () => ({ htu: ISSUER.replace("http:", "https:") + PATH }) }, "dpop-proof-mismatch"],
  ["a path that only begins so", { claims: () => ({ htu: `${ISSUER}${PATH}/` }) }, "dpop-proof-mismatch"],
  ["no address", { claims: () => ({ htu: "actions" }) }, "dpop-proof-mismatch"],
  ["another token", { claims: () => ({ ath: hash("sha256", "x", "base64url") }) }, "dpop-proof-mismatch"],
  ["no token", { claims: () => ({ ath: undefined }) }, "dpop-proof-mismatch"],
];

test("each bad proof is refused for its own reason, and a good one after all of them is not", async (t) => {
  const at = open(temporaryFolder(t));
  const jwk = generatePrivateJwk(seededRandom("good"));
  for (const [name, change, code] of BAD) {
    const proof = await proofWith(at, jwk, change);
    await assert.rejects(at.proofs.check(asked(proof, jwk.kid)), (error) => isAppError(error, code), name);
  }
  const good = await proofWith(at, jwk, {});
  const garbled = [undefined, "", "a.b.c", `${good}, ${good}`, `${good} `, good.slice(0, -2), "A".repeat(5_000)];
  for (const proof of garbled) {
    const code = proof === undefined ? "dpop-proof-missing" : "dpop-proof-invalid";
    await assert.rejects(at.proofs.check(asked(proof, jwk.kid)), (error) => isAppError(error, code), proof ?? "none");
  }
  await assert.rejects(at.proofs.check(asked(good, other.kid)), (error) => isAppError(error, "dpop-proof-mismatch"));
  assert.equal(await at.proofs.check(asked(good, jwk.kid)), jwk.kid);
});

test("a proof may name its address in any spelling that is the same, with or without a query", async (t) => {
  const at = open(temporaryFolder(t));
  const jwk = generatePrivateJwk(seededRandom("good"));
  const spellings = [`${ISSUER}${PATH}?a=1#b`, `HTTP://127.0.0.1:4600/v1/../v1/actions`, `${ISSUER}/v1/%2e/actions`];
  for (const [i, htu] of spellings.entries()) {
    const proof = await proofWith(at, jwk, { claims: () => ({ htu, jti: `j${i}` }) });
    assert.equal(await at.proofs.check(asked(proof, jwk.kid)), jwk.kid, htu);
  }
});

test("a proof works once, also after a restart, and its jti says nothing about another key's", async (t) => {
  const dir = temporaryFolder(t);
  const at = open(dir);
  const jwk = generatePrivateJwk(seededRandom("good"));
  const proof = await proofWith(at, jwk, {});
  await at.proofs.check(asked(proof, jwk.kid));
  const replayed = (error: unknown): boolean => isAppError(error, "dpop-proof-replayed");
  await assert.rejects(at.proofs.check(asked(proof, jwk.kid)), replayed);
  at.clock.advance(59_000);
  const restarted = open(dir, at.clock);
  await assert.rejects(restarted.proofs.check(asked(proof, jwk.kid)), replayed);
  const others = await proofWith(at, other, {});
  assert.equal(await restarted.proofs.check(asked(others, other.kid)), other.kid);
});

test("a proof sent twice at the same time works once", async (t) => {
  const at = open(temporaryFolder(t));
  const jwk = generatePrivateJwk(seededRandom("good"));
  const proof = await proofWith(at, jwk, {});
  const both = await Promise.allSettled([1, 2].map(() => at.proofs.check(asked(proof, jwk.kid))));
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
});

async function boundToken(at: Installation, jwk: PrivateJwk, id: string) {
  const { clock, random } = at;
  const proof = await signProof(other, { method: "POST", url: `${ISSUER}/oauth/token`, token: null, clock, random });
  return at.issuer.issueToken(request(await assertionFor(at, jwk, id)), proof);
}

test("a token asked for with a proof is bound to its key, and is none without a proof", async (t) => {
  const at = open(temporaryFolder(t));
  const answer = await boundToken(at, register(at, ADA), ADA.id);
  assert.equal(answer.token_type, "DPoP");
  assert.deepEqual(claimsOf(answer.access_token)["cnf"], { jkt: other.kid });
  const missing = (error: unknown): boolean => isAppError(error, "dpop-proof-missing");
  for (let i = 0; i < 2; i++) {
    await assert.rejects(at.verifier.verify(`Bearer ${answer.access_token}`), missing);
    assert.equal(at.verifier.cached(`Bearer ${answer.access_token}`), undefined);
  }
  const bound = await at.verifier.verifyBound(`DPoP ${answer.access_token}`);
  assert.deepEqual([bound.identity.id, bound.boundTo, bound.text], [ADA.id, other.kid, answer.access_token]);
  assert.equal(at.verifier.cached(`DPoP ${answer.access_token}`), undefined);
  assert.equal(at.verifier.cachedBound(`DPoP ${answer.access_token}`), bound.identity);
});

test("a bearer token is no bound one, whatever scheme it is sent under", async (t) => {
  const at = open(temporaryFolder(t));
  const { access_token } = await at.issuer.issueToken(request(await assertionFor(at, register(at, ADA), ADA.id)));
  const invalid = (error: unknown): boolean => isAppError(error, "token-invalid");
  await assert.rejects(at.verifier.verifyBound(`DPoP ${access_token}`), invalid);
  assert.equal(at.verifier.cached(`DPoP ${access_token}`), undefined);
  assert.equal((await at.verifier.verify(`Bearer ${access_token}`)).id, ADA.id);
});

test("a client that says so gets bound tokens alone, and one it has from before is refused", async (t) => {
  const at = open(temporaryFolder(t));
  const jwk = register(at, { ...DEPLOYER, dpopBound: true });
  await assert.rejects(at.issuer.issueToken(request(await assertionFor(at, jwk, DEPLOYER.id))), (error) =>
    isAppError(error, "dpop-proof-missing"),
  );
  const { access_token } = await boundToken(at, jwk, DEPLOYER.id);
  assert.equal((await at.verifier.verifyBound(`DPoP ${access_token}`)).identity.id, DEPLOYER.id);
});

test("a proof for another endpoint asks for no token", async (t) => {
  const at = open(temporaryFolder(t));
  const jwk = register(at, ADA);
  const { clock, random } = at;
  const proof = await signProof(other, { method: "POST", url: `${ISSUER}/v1/actions`, token: null, clock, random });
  const asking = at.issuer.issueToken(request(await assertionFor(at, jwk, ADA.id)), proof);
  await assert.rejects(asking, (error) => isAppError(error, "dpop-proof-mismatch"));
});

test("an ES256 key proves as well as an Ed25519 one", async (t) => {
  const at = open(temporaryFolder(t));
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const nowS = Math.floor(at.clock.nowMs() / 1000);
  const proof = await new SignJWT({ jti: "j", htm: "POST", htu: `${ISSUER}/oauth/token`, iat: nowS })
    .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: publicKey.export({ format: "jwk" }) })
    .sign(privateKey);
  assert.match(await at.proofs.check({ proof, method: "POST", path: "/oauth/token", token: null }), /^[\w-]{43}$/);
});
