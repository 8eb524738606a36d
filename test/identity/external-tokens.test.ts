// Tokens of other issuers: whom they stand for, what each bad one is refused for, and keys that come and go.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { disableClient, registerSubject } from "../../src/adapters/identity/clients.ts";
import { IssuerKeys } from "../../src/adapters/identity/issuer-keys.ts";
import { governIssuer } from "../../src/adapters/identity/rights-in-force.ts";
import { TokenVerifier } from "../../src/adapters/identity/tokens.ts";
import { isAppError, type ErrorCode } from "../../src/core/errors.ts";
import { issuersConfigSchema } from "../../src/wire/schemas/issuers-config.ts";
import { ADA, AUDIENCE, ISSUER, open, register, temporaryFolder, tokenFor, type Installation } from "./fixture.ts";
import { ecKey, rsaKey, sign, startIssuer, type IssuerKeyPair, type StandIn } from "./issuer-stand-in.ts";
import { encode } from "./token-attacks.ts";

const KEYS = [rsaKey("rsa-1"), ecKey("ec-1")] as const;
const THIEF = rsaKey("rsa-1");
const WEAK = rsaKey("weak", 1024);

type World = {
  readonly at: Installation;
  readonly issuer: StandIn;
  readonly verifier: TokenVerifier;
  readonly claims: (more?: Record<string, unknown>) => Record<string, unknown>;
  readonly token: (
    more?: Record<string, unknown>,
    how?: { key?: IssuerKeyPair; header?: Record<string, unknown> },
  ) => Promise<string>;
};

async function setUp(t: TestContext, settings: Record<string, unknown> = {}): Promise<World> {
  const at = open(temporaryFolder(t));
  const issuer = await startIssuer(t, KEYS);
  const [config] = issuersConfigSchema.parse([{ name: "corp", url: issuer.url, ...settings }]);
  assert.ok(config);
  const keys = new IssuerKeys({ url: issuer.url, egress: createEgress({ allow: [issuer.url] }), clock: at.clock });
  const { clients, clock, key } = at;
  const verifier = new TokenVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    key,
    clients,
    clock,
    revokedPath: join(at.dir, "keys", "external.revoked"),
    trusted: new Map([[issuer.url, { config: governIssuer(config, null), keys }]]),
  });
  registerSubject(at.clientsDir, {
    id: "agent:deployer",
    kind: "agent",
    roles: ["robot"],
    scopes: ["actions:propose:*", "actions:read"],
    subjects: [{ issuer: issuer.url, subject: "0oa-deployer" }],
  });
  clients.reload();
  const claims = (more: Record<string, unknown> = {}): Record<string, unknown> => {
    const nowS = Math.floor(clock.nowMs() / 1000);
    const usual = { iss: issuer.url, sub: "0oa-deployer", aud: AUDIENCE, iat: nowS, exp: nowS + 300, jti: "t1" };
    return { ...usual, scope: "actions:propose:record.note", ...more };
  };
  return {
    at,
    issuer,
    verifier,
    claims,
    token: (more, { key: by = KEYS[0], header = {} } = {}) => sign({ key: by, claims: claims(more), header }),
  };
}

const refused = (code: ErrorCode, detail: RegExp) => (error: unknown) =>
  isAppError(error, code) && detail.test(error.message);

test("a token of a trusted issuer stands for the client that is registered with its subject, as far as both reach", async (t) => {
  const { verifier, token, issuer } = await setUp(t);
  const header = `Bearer ${await token({ scope: "actions:propose:record.note admin openid", groups: ["owners"] })}`;
  const identity = await verifier.verify(header);
  const { tokenId, expiresAt, ...rest } = identity;
  assert.deepEqual(rest, {
    id: "agent:deployer",
    kind: "agent",
    person: null,
    roles: ["robot"],
    scopes: ["actions:propose:record.note"],
    keyThumbprint: null,
  });
  assert.match(tokenId, /^ext_[\w-]{22}$/);
  assert.equal(expiresAt % 1000, 0);
  assert.equal(verifier.cached(header), identity);
  for (const key of KEYS) assert.ok(await verifier.verify(`Bearer ${await token({ jti: key.kid }, { key })}`));
  assert.equal(issuer.asked, 1, "keys are fetched once");
});

test("what its scopes are called there is what the settings say, as one text or as a list", async (t) => {
  const scopes = { "Action.Propose": ["actions:propose:*"], reader: ["actions:read", "ledger:read"] };
  const { verifier, token } = await setUp(t, { scopes, claims: { scopes: "roles" } });
  const of = async (roles: unknown): Promise<readonly string[]> =>
    (await verifier.verify(`Bearer ${await token({ roles, scope: "actions:read" })}`)).scopes;
  assert.deepEqual(await of(["Action.Propose"]), ["actions:propose:*"]);
  assert.deepEqual(await of("Action.Propose reader"), ["actions:propose:*", "actions:read"]);
  assert.deepEqual(await of(["toString", "__proto__", 7, null]), []);
  assert.deepEqual(await of({ reader: true }), []);
});

test("a person has what their groups give and what is registered, within the scopes of the token", async (t) => {
  const groups = { sre: { roles: ["on-call"] }, "ops:owners": { roles: ["owner"], scopes: ["killswitch:resume"] } };
  const { at, issuer, verifier, token } = await setUp(t, { groups, claims: { groups: ["realm", "groups"] } });
  const subjects = [{ issuer: issuer.url, subject: "ada" }];
  registerSubject(at.clientsDir, { id: "person:ada", kind: "person", roles: ["dba"], scopes: ["admin"], subjects });
  at.clients.reload();
  const scope = "actions:approve killswitch:resume admin payloads:erase";
  const realm = { groups: ["sre", "ops:owners", "unknown", "hasOwnProperty"] };
  const { roles, scopes } = await verifier.verify(`Bearer ${await token({ sub: "ada", scope, realm })}`);
  assert.deepEqual(
    [roles, scopes],
    [
      ["dba", "on-call", "owner"],
      ["actions:approve", "killswitch:resume", "admin"],
    ],
  );
  const alone = await verifier.verify(`Bearer ${await token({ sub: "ada", scope, realm: { groups: "sre" } })}`);
  assert.deepEqual([alone.roles, alone.scopes], [["dba"], ["admin"]]);
});

type Attack = readonly [name: string, detail: RegExp, make: (world: World) => Promise<string> | string];

const nowOf = ({ at }: World): number => Math.floor(at.clock.nowMs() / 1000);
const changed =
  (more: (world: World) => Record<string, unknown>, how?: Parameters<World["token"]>[1]) => (world: World) =>
    world.token(more(world), how);

const ATTACKS: readonly Attack[] = [
  ["alg none", /algorithm/, ({ claims }) => `${encode({ alg: "none", typ: "at+jwt" })}.${encode(claims())}.AA`],
  [
    "HS256 under the public key",
    /algorithm/,
    ({ claims }) => {
      const input = `${encode({ alg: "HS256", kid: "rsa-1", typ: "at+jwt" })}.${encode(claims())}`;
      const pem = KEYS[0].privateKey.export({ format: "pem", type: "pkcs8" });
      return `${input}.${createHmac("sha256", pem).update(input).digest("base64url")}`;
    },
  ],
  ["an algorithm that is not configured", /algorithm/, changed(() => ({}), { header: { alg: "RS512" } })],
  ["RS256 under the name of the EC key", /not its issuer's/, changed(() => ({}), { header: { kid: "ec-1" } })],
  ["a key of somebody else under a good kid", /does not verify/, changed(() => ({}), { key: THIEF })],
  ["a kid that nobody has", /not its issuer's/, changed(() => ({}), { key: { ...THIEF, kid: "x" } })],
  ["a key that the token brings", /not allowed/, changed(() => ({}), { header: { jwk: THIEF.publicJwk } })],
  ["an address of keys", /not allowed/, changed(() => ({}), { header: { jku: "https://attacker.example" } })],
  ["an identity token's typ", /not an access token/, changed(() => ({}), { header: { typ: "id_token+jwt" } })],
  ["a logout token", /not an access token/, changed(() => ({}), { header: { typ: "logout+jwt" } })],
  ["wrong audience", /another server/, changed(() => ({ aud: "billing" }))],
  ["a list without us", /another server/, changed(() => ({ aud: ["billing", `${AUDIENCE}2`] }))],
  ["no audience", /claim/, changed(() => ({ aud: undefined }))],
  ["expired", /expired/, changed((world) => ({ iat: nowOf(world) - 400, exp: nowOf(world) - 30 }))],
  ["no expiry", /claim/, changed(() => ({ exp: undefined }))],
  ["not yet valid", /not valid yet/, changed((world) => ({ nbf: nowOf(world) + 31 }))],
  ["issued in the future", /not valid yet/, changed((world) => ({ iat: nowOf(world) + 31 }))],
  ["a day of life", /lives longer/, changed((world) => ({ exp: nowOf(world) + 86_400 }))],
  ["no subject", /no subject/, changed(() => ({ sub: undefined }))],
  ["a subject that is a list", /no subject/, changed(() => ({ sub: ["0oa-deployer"] }))],
  ["a subject of nobody here", /registered for nobody/, changed(() => ({ sub: "0oa-other" }))],
  ["our own client's id as subject", /registered for nobody/, changed(() => ({ sub: "agent:deployer" }))],
  ["delegation", /delegated/, changed(() => ({ act: { sub: "person:root" } }))],
  ["bound to a certificate", /claim cnf/, changed(() => ({ cnf: { "x5t#S256": "A".repeat(43) } }))],
  [
    "an issuer that is not trusted",
    /issued by somebody else|not this issuer's|algorithm/,
    changed(() => ({ iss: "https://attacker.example" })),
  ],
  ["our own issuer by another's key", /algorithm|not this issuer's/, changed(() => ({ iss: ISSUER }))],
];

test("each bad token of another issuer is refused for its own reason", async (t) => {
  const world = await setUp(t);
  assert.ok(await world.verifier.verify(`Bearer ${await world.token()}`));
  for (const [name, detail, make] of ATTACKS) {
    const header = `Bearer ${await make(world)}`;
    await assert.rejects(world.verifier.verify(header), refused("token-invalid", detail), name);
    assert.equal(world.verifier.cached(header), undefined, name);
  }
});

test("our own tokens stay good beside another issuer's, and are asked of nobody", async (t) => {
  const { at, issuer, verifier } = await setUp(t);
  const { access_token } = await tokenFor(at, register(at, ADA), ADA.id);
  assert.equal((await verifier.verify(`Bearer ${access_token}`)).id, ADA.id);
  assert.equal(issuer.asked, 0);
});

test("what an issuer publishes that is no good public key is not used", async (t) => {
  const { issuer, verifier, token } = await setUp(t);
  const secret = { kty: "oct", k: "c2VjcmV0", kid: "secret", alg: "HS256" };
  const { publicJwk } = KEYS[0];
  issuer.published = [
    secret,
    WEAK.publicJwk,
    { kty: "RSA", n: "x" },
    { ...publicJwk, use: "enc", kid: "enc" },
    publicJwk,
  ];
  assert.ok(await verifier.verify(`Bearer ${await token()}`));
  const encryption = await token({}, { key: { ...KEYS[0], kid: "enc" } });
  await assert.rejects(verifier.verify(`Bearer ${encryption}`), refused("token-invalid", /not its issuer's/));
});

test("without a kid a key is taken only where there is no choice", async (t) => {
  const { issuer, verifier, token } = await setUp(t);
  const bare = await token({}, { header: { kid: undefined } });
  assert.ok(await verifier.verify(`Bearer ${bare}`), "one RSA key");
  issuer.published.push(rsaKey("rsa-2").publicJwk);
  const other = await setUpAgain(t, issuer);
  await assert.rejects(other.verify(`Bearer ${bare}`), refused("token-invalid", /not its issuer's/));
});

/** A verifier that has seen nothing yet of an issuer that is there already. */
async function setUpAgain(t: TestContext, issuer: StandIn): Promise<TokenVerifier> {
  const at = open(temporaryFolder(t));
  const [config] = issuersConfigSchema.parse([{ name: "corp", url: issuer.url }]);
  assert.ok(config);
  const { clients, clock, key } = at;
  const keys = new IssuerKeys({ url: issuer.url, egress: createEgress({ allow: [issuer.url] }), clock });
  const trusted = new Map([[issuer.url, { config: governIssuer(config, null), keys }]]);
  const revokedPath = join(at.dir, "keys", "external.revoked");
  return new TokenVerifier({ issuer: ISSUER, audience: AUDIENCE, key, clients, clock, revokedPath, trusted });
}

test("a new key of the issuer is found when a token names it; unknown names make no storm of questions", async (t) => {
  const { at, issuer, verifier, token } = await setUp(t);
  await verifier.verify(`Bearer ${await token()}`);
  const next = rsaKey("rsa-2");
  issuer.published.push(next.publicJwk);
  at.clock.advance(5_000);
  assert.ok(await verifier.verify(`Bearer ${await token({}, { key: next })}`));
  assert.equal(issuer.asked, 2);
  for (let i = 0; i < 20; i++) {
    const bad = `Bearer ${await token({}, { key: { ...THIEF, kid: `x${i}` } })}`;
    await assert.rejects(verifier.verify(bad), refused("token-invalid", /not its issuer's/));
  }
  assert.equal(issuer.asked, 2);
  at.clock.advance(5_000);
  const many = Array.from({ length: 20 }, async (_, i) =>
    verifier.verify(`Bearer ${await token({}, { key: { ...THIEF, kid: `y${i}` } })}`),
  );
  assert.ok((await Promise.allSettled(many)).every(({ status }) => status === "rejected"));
  assert.equal(issuer.asked, 3);
});

test("a key that the issuer takes back is refused after five minutes", async (t) => {
  const { at, issuer, verifier, token } = await setUp(t);
  const late = `Bearer ${await token({ exp: Math.floor(at.clock.nowMs() / 1000) + 600 })}`;
  await verifier.verify(late);
  issuer.published = [KEYS[1].publicJwk];
  at.clock.advance(299_999);
  assert.ok(verifier.cached(late));
  assert.ok(await verifier.verify(`Bearer ${await token({ jti: "t2" })}`));
  at.clock.advance(1);
  assert.equal(verifier.cached(late), undefined, "what was found good before is looked at again");
  await assert.rejects(verifier.verify(late), refused("token-invalid", /not its issuer's/));
});

test("an issuer that is away is done without for an hour, and then its tokens are refused as such", async (t) => {
  const { at, issuer, verifier, token } = await setUp(t);
  issuer.status = 503;
  await assert.rejects(verifier.verify(`Bearer ${await token()}`), refused("issuer-unreachable", /keys of/));
  issuer.status = 200;
  at.clock.advance(5_000);
  assert.ok(await verifier.verify(`Bearer ${await token()}`));
  issuer.status = 503;
  at.clock.advance(3_599_000);
  assert.ok(await verifier.verify(`Bearer ${await token({ jti: "t2" })}`));
  at.clock.advance(1_000);
  await assert.rejects(
    verifier.verify(`Bearer ${await token({ jti: "t3" })}`),
    refused("issuer-unreachable", /keys of/),
  );
});

test("an issuer that calls itself otherwise, or keeps its keys where nothing may go, is not believed", async (t) => {
  for (const metadata of [{ issuer: "https://attacker.example" }, { jwks_uri: "https://attacker.example/keys" }]) {
    const { issuer, verifier, token } = await setUp(t);
    issuer.metadata = metadata;
    await assert.rejects(verifier.verify(`Bearer ${await token()}`), refused("issuer-unreachable", /keys of/));
    assert.equal(issuer.asked, 0);
  }
});

test("a token given up is refused at once, and so is that of a disabled client", async (t) => {
  const { at, verifier, token } = await setUp(t);
  const first = `Bearer ${await token()}`;
  verifier.revokeToken((await verifier.verify(first)).tokenId);
  await assert.rejects(verifier.verify(first), refused("token-invalid", /revoked/));
  const unnamed = { jti: undefined, aud: [AUDIENCE, "x"] };
  const second = `Bearer ${await token(unnamed)}`;
  verifier.revokeToken((await verifier.verify(second)).tokenId);
  await assert.rejects(verifier.verify(second), refused("token-invalid", /revoked/));
  const third = `Bearer ${await token({ jti: "t3" })}`;
  await verifier.verify(third);
  disableClient(at.clientsDir, "agent:deployer");
  at.clock.advance(1000);
  assert.equal(verifier.cached(third), undefined);
  await assert.rejects(verifier.verify(third), refused("token-invalid", /registered for nobody/));
});

test("a bound token of another issuer needs its proof like ours, and is none as a bearer", async (t) => {
  const { verifier, token } = await setUp(t);
  const jkt = "A".repeat(43);
  const text = await token({ cnf: { jkt } });
  await assert.rejects(verifier.verify(`Bearer ${text}`), refused("dpop-proof-missing", /bound/));
  assert.equal((await verifier.verifyBound(`DPoP ${text}`)).boundTo, jkt);
});

test("one subject of two clients is nobody's", async (t) => {
  const { at, issuer, verifier, token } = await setUp(t);
  const subjects = [{ issuer: issuer.url, subject: "0oa-deployer" }];
  registerSubject(at.clientsDir, { id: "agent:second", kind: "agent", roles: [], scopes: [], subjects });
  at.clients.reload();
  await assert.rejects(verifier.verify(`Bearer ${await token()}`), refused("token-invalid", /registered for nobody/));
  assert.match(at.problems.join(), /subject is also registered/);
});

test("identity tokens can never be taken for access tokens: one name for both does not load", () => {
  const signIn = { clientId: "holdpoint" };
  assert.equal(issuersConfigSchema.safeParse([{ name: "a", url: "https://a.example", signIn }]).success, false);
  const own = { name: "a", url: "https://a.example", audience: "api", signIn };
  assert.equal(issuersConfigSchema.safeParse([own]).success, true);
  assert.equal(issuersConfigSchema.safeParse([{ ...own, algorithms: ["HS256"] }]).success, false);
  assert.equal(issuersConfigSchema.safeParse([{ ...own, algorithms: ["none"] }]).success, false);
  assert.equal(issuersConfigSchema.safeParse([own, { ...own, name: "b" }]).success, false);
});
