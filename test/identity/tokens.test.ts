// The cache of verified tokens: what ends an entry, and that nothing outlives its client, key or revocation.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { disableClient } from "../../src/adapters/identity/clients.ts";
import { generatePrivateJwk, publicJwkOf } from "../../src/adapters/identity/key-pairs.ts";
import { isAppError } from "../../src/core/errors.ts";
import type { ClientFile } from "../../src/wire/schemas/identity.ts";
import { ADA, DEPLOYER, open, register, seededRandom, temporaryFolder, tokenFor } from "./fixture.ts";

const isInvalid = (error: unknown): boolean => isAppError(error, "token-invalid");

async function start(t: TestContext, cachedMax = 100) {
  const at = open(temporaryFolder(t), undefined, cachedMax);
  const jwk = register(at, ADA);
  const { access_token: token } = await tokenFor(at, jwk, ADA.id);
  return { at, jwk, token, header: `Bearer ${token}` };
}

test("a verified token is found again without waiting, as the very same identity", async (t) => {
  const { at, jwk, header } = await start(t);
  assert.equal(at.verifier.cached(header), undefined);
  const identity = await at.verifier.verify(header);
  assert.equal(at.verifier.cached(header), identity);
  assert.equal(await at.verifier.verify(header), identity);
  assert.deepEqual(
    { ...identity, tokenId: "" },
    {
      id: "person:ada",
      kind: "person",
      person: "ada",
      roles: ["on-call"],
      scopes: ["actions:read", "actions:approve", "killswitch:pause"],
      tokenId: "",
      keyThumbprint: jwk.kid,
      expiresAt: at.clock.nowMs() + 300_000,
    },
  );
});

test("an identity cannot be changed by who holds it", async (t) => {
  const { at, header } = await start(t);
  const identity = await at.verifier.verify(header);
  assert.throws(() => (identity.scopes as string[]).push("admin"), TypeError);
  assert.throws(() => (identity.roles as string[]).push("owner"), TypeError);
  assert.throws(() => Object.assign(identity, { person: "grace" }), TypeError);
});

test("a token ends at its expiry, cached or not", async (t) => {
  const { at, header } = await start(t);
  await at.verifier.verify(header);
  at.clock.advance(299_999);
  assert.ok(at.verifier.cached(header));
  at.clock.advance(1);
  assert.equal(at.verifier.cached(header), undefined);
  await assert.rejects(at.verifier.verify(header), isInvalid);
});

test("a revoked token is refused at once, in every spelling of its header, and after a restart", async (t) => {
  const { at, header } = await start(t);
  const identity = await at.verifier.verify(header);
  const lower = header.replace("Bearer", "bearer");
  await at.verifier.verify(lower);
  at.verifier.revokeToken(identity.tokenId);
  for (const spelling of [header, lower, header.replace("Bearer", "BEARER")]) {
    assert.equal(at.verifier.cached(spelling), undefined);
    await assert.rejects(at.verifier.verify(spelling), isInvalid);
  }
  await assert.rejects(open(at.dir, at.clock).verifier.verify(header), isInvalid);
});

test("revoking one token leaves the others", async (t) => {
  const { at, jwk, header } = await start(t);
  const other = `Bearer ${(await tokenFor(at, jwk, ADA.id)).access_token}`;
  at.verifier.revokeToken((await at.verifier.verify(header)).tokenId);
  assert.equal((await at.verifier.verify(other)).id, ADA.id);
});

test("a revocation that comes while a token is being verified still counts", async (t) => {
  const { at, header, token } = await start(t);
  const { jti } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { jti: string };
  const pending = at.verifier.verify(header);
  at.verifier.revokeToken(jti);
  await assert.rejects(pending, isInvalid);
  assert.equal(at.verifier.cached(header), undefined);
});

test("disabling a client ends its tokens within a second, cached or not, and nobody else's", async (t) => {
  const { at, header } = await start(t);
  const deployer = `Bearer ${(await tokenFor(at, register(at, DEPLOYER), DEPLOYER.id)).access_token}`;
  await at.verifier.verify(header);
  await at.verifier.verify(deployer);
  disableClient(at.clientsDir, ADA.id);
  at.clock.advance(1000);
  assert.equal(at.verifier.cached(header), undefined);
  await assert.rejects(at.verifier.verify(header), isInvalid);
  assert.equal((await at.verifier.verify(deployer)).id, DEPLOYER.id);
  assert.ok(at.verifier.cached(deployer));
});

const CHANGES: Readonly<Record<string, (file: ClientFile) => object>> = {
  "a scope taken away": (file) => ({ ...file, scopes: ["actions:read"] }),
  "a role taken away": (file) => ({ ...file, roles: [] }),
  "another person": (file) => ({ ...file, person: "grace" }),
  "another key": (file) => ({ ...file, keys: [publicJwkOf(generatePrivateJwk(seededRandom("other")))] }),
  "a malformed file": (file) => ({ ...file, scopes: null }),
};

test("a token never keeps what its client has lost", async (t) => {
  for (const [name, change] of Object.entries(CHANGES)) {
    const { at, header } = await start(t);
    await at.verifier.verify(header);
    const path = join(at.clientsDir, "person:ada.json");
    writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, "utf8")) as ClientFile)));
    at.clock.advance(1000);
    assert.equal(at.verifier.cached(header), undefined, name);
    await assert.rejects(at.verifier.verify(header), isInvalid, name);
  }
});

test("a token does not gain what its client is given later", async (t) => {
  const { at, header } = await start(t);
  const path = join(at.clientsDir, "person:ada.json");
  const file = JSON.parse(readFileSync(path, "utf8")) as ClientFile;
  writeFileSync(path, JSON.stringify({ ...file, scopes: [...file.scopes, "admin"] }));
  at.clients.reload();
  assert.ok(!(await at.verifier.verify(header)).scopes.includes("admin"));
});

test("the cache is bounded and forgets what was used longest ago", async (t) => {
  const { at, jwk, header } = await start(t, 2);
  const second = `Bearer ${(await tokenFor(at, jwk, ADA.id)).access_token}`;
  const third = `Bearer ${(await tokenFor(at, jwk, ADA.id)).access_token}`;
  await at.verifier.verify(header);
  await at.verifier.verify(second);
  assert.ok(at.verifier.cached(header));
  await at.verifier.verify(third);
  assert.equal(at.verifier.cached(second), undefined);
  assert.ok(at.verifier.cached(header));
  assert.ok(at.verifier.cached(third));
});

test("a clock set back by a step bears a token just issued", async (t) => {
  const { at, header } = await start(t);
  at.clock.wallMs -= 5000;
  assert.equal((await at.verifier.verify(header)).id, ADA.id);
});

test("a token of an installation with another key is refused", async (t) => {
  const { header } = await start(t);
  const other = open(temporaryFolder(t));
  register(other, ADA);
  await assert.rejects(other.verifier.verify(header), isInvalid);
});
