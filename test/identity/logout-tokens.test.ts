// Logout tokens: which sessions they end, and what each bad one is refused for.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test, type TestContext } from "node:test";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { IssuerKeys } from "../../src/adapters/identity/issuer-keys.ts";
import { LogoutTokens } from "../../src/adapters/identity/logout-tokens.ts";
import { governIssuer } from "../../src/adapters/identity/rights-in-force.ts";
import { isOver, type SessionGrant } from "../../src/adapters/identity/sessions.ts";
import { isAppError, type ErrorCode } from "../../src/core/errors.ts";
import { issuersConfigSchema } from "../../src/wire/schemas/issuers-config.ts";
import { TestClock } from "./fixture.ts";
import { ecKey, rsaKey, sign, startIssuer, type IssuerKeyPair } from "./issuer-stand-in.ts";
import { encode } from "./token-attacks.ts";

const KEYS = [rsaKey("rsa-1"), ecKey("ec-1")] as const;
const THIEF = rsaKey("rsa-1");
const EVENT = "http://schemas.openid.net/event/backchannel-logout";

type How = { readonly key?: IssuerKeyPair; readonly header?: Record<string, unknown> };

async function setUp(t: TestContext) {
  const clock = new TestClock();
  const issuer = await startIssuer(t, KEYS);
  const configs = issuersConfigSchema.parse([
    { name: "corp", url: issuer.url, signIn: { clientId: "console" } },
    { name: "agents-only", url: "https://agents.example" },
  ]);
  const keys = new IssuerKeys({ url: issuer.url, egress: createEgress({ allow: [issuer.url] }), clock });
  const trusted = new Map(configs.map((config) => [config.url, { config: governIssuer(config, null), keys }]));
  const tokens = new LogoutTokens({ trusted, clock });
  let count = 0;
  const claims = (more: Record<string, unknown>): Record<string, unknown> => {
    const nowS = Math.floor(clock.nowMs() / 1000);
    const usual = { iss: issuer.url, aud: "console", iat: nowS, exp: nowS + 120, jti: `j${count++}`, sub: "u1" };
    return { ...usual, events: { [EVENT]: {} }, ...more };
  };
  const token = (more: Record<string, unknown> = {}, { key = KEYS[0], header = {} }: How = {}): Promise<string> =>
    sign({ key, claims: claims(more), header: { typ: "logout+jwt", ...header } });
  return { clock, issuer, tokens, token, claims };
}

const refused =
  (detail: RegExp, code: ErrorCode = "logout-token-invalid") =>
  (error: unknown) =>
    isAppError(error, code) && detail.test(error.message);

test("a logout token says who signed out, once, whichever good key and name of a type it has", async (t) => {
  const { issuer, tokens, token } = await setUp(t);
  const good = await token({ sid: "s1" });
  assert.deepEqual(await tokens.verify(good), { issuer: issuer.url, sub: "u1", sid: "s1" });
  await assert.rejects(tokens.verify(good), refused(/used already/));
  for (const typ of [undefined, "JWT", "application/logout+jwt"]) {
    await tokens.verify(await token({}, { header: { typ }, key: KEYS[1] }));
  }
  await tokens.verify(await token({ aud: ["other", "console"], exp: undefined }));
  const bySid = await tokens.verify(await token({ sub: undefined, sid: "s1" }));
  assert.deepEqual(bySid, { issuer: issuer.url, sub: undefined, sid: "s1" });
});

test("no other token ends a session", async (t) => {
  const { clock, tokens, token, claims } = await setUp(t);
  const nowS = Math.floor(clock.nowMs() / 1000);
  const bad: readonly [Record<string, unknown>, RegExp, How?][] = [
    [{ iss: "https://attacker.example" }, /of no issuer/],
    [{ iss: "https://agents.example" }, /of no issuer/],
    [{ iss: undefined }, /of no issuer/],
    [{ aud: "holdpoint" }, /another client/],
    [{ aud: [] }, /another client/],
    [{ iat: nowS - 400, exp: nowS + 300 }, /expired/],
    [{ iat: nowS - 100, exp: nowS - 60 }, /expired/],
    [{ iat: nowS + 120 }, /not valid yet/],
    [{ iat: undefined }, /claim iat/],
    [{ jti: undefined }, /claim jti/],
    [{ events: undefined }, /claim events/],
    [{ events: {} }, /claim events/],
    [{ events: { [EVENT]: "yes" } }, /claim events/],
    [{ nonce: "n" }, /nonce/],
    [{ sub: undefined }, /neither sub nor sid/],
    [{}, /not a logout token/, { header: { typ: "at+jwt" } }],
    [{}, /not a logout token/, { header: { typ: "secevent+jwt" } }],
    [{}, /does not verify/, { key: THIEF }],
    [{}, /not its issuer's/, { header: { kid: "gone" } }],
    [{}, /header has a member/, { header: { jku: "https://attacker.example/keys" } }],
  ];
  for (const [more, reason, how] of bad) {
    await assert.rejects(
      token(more, how).then((text) => tokens.verify(text)),
      refused(reason),
      JSON.stringify(more),
    );
  }
  const [, payload = ""] = (await token()).split(".");
  const unsigned = `${encode({ alg: "none", typ: "logout+jwt" })}.${payload}.AA`;
  await assert.rejects(tokens.verify(unsigned), refused(/algorithm/));
  const confused = `${encode({ alg: "HS256", kid: "rsa-1", typ: "logout+jwt" })}.${encode(claims({}))}`;
  const mac = createHmac("sha256", JSON.stringify(KEYS[0].publicJwk)).update(confused).digest("base64url");
  await assert.rejects(tokens.verify(`${confused}.${mac}`), refused(/algorithm/));
  for (const text of ["", "a.b.c", "A".repeat(9_000)]) await assert.rejects(tokens.verify(text), refused(/./));
});

test("what a refused token names is not used up, and an issuer that cannot be asked ends nothing", async (t) => {
  const { issuer, clock, tokens, token } = await setUp(t);
  await assert.rejects(tokens.verify(await token({ jti: "one" }, { key: THIEF })), refused(/does not verify/));
  await tokens.verify(await token({ jti: "one" }));
  issuer.status = 500;
  clock.advance(2 * 3_600_000);
  await assert.rejects(tokens.verify(await token()), refused(/./, "issuer-unreachable"));
});

test("a logout ends the session that it names, or all of that person's, and nobody else's", () => {
  const at = (sub?: string, sid?: string, issuer = "https://a.example"): SessionGrant["external"] => ({
    issuer,
    subject: "u1",
    ...(sub === undefined ? {} : { sub }),
    ...(sid === undefined ? {} : { sid }),
  });
  const all = { issuer: "https://a.example", sub: "u1", sid: undefined };
  const one = { ...all, sid: "s1" };
  const bySid = { ...one, sub: undefined };
  const ends = (external: SessionGrant["external"]): readonly boolean[] =>
    [all, one, bySid].map((signedOut) => isOver(external, signedOut));
  assert.deepEqual(ends(at("u1", "s1")), [true, true, true]);
  assert.deepEqual(ends(at("u1", "s2")), [true, false, false]);
  assert.deepEqual(ends(at("u1")), [true, true, false], "one that has no name there ends with its person");
  assert.deepEqual(ends(at("u2", "s1")), [false, false, true]);
  assert.deepEqual(ends(at("u1", "s1", "https://b.example")), [false, false, false]);
  assert.deepEqual(ends(at()), [false, false, false]);
  assert.deepEqual(ends(null), [false, false, false]);
});
