// Sessions and the codes that open them: what they reach, what ends them, and what a restart keeps.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ClientRegistry, disableClient, registerSubject } from "../../src/adapters/identity/clients.ts";
import { Memberships } from "../../src/adapters/identity/memberships.ts";
import { governIssuer } from "../../src/adapters/identity/rights-in-force.ts";
import { SignInCodes } from "../../src/adapters/identity/sign-in-codes.ts";
import { Sessions, type SessionGrant } from "../../src/adapters/identity/sessions.ts";
import { isAppError } from "../../src/core/errors.ts";
import { issuersConfigSchema } from "../../src/wire/schemas/issuers-config.ts";
import { PERSON_SCOPES } from "../../src/wire/types/scopes.ts";
import {
  ADA,
  DEPLOYER,
  open,
  register,
  seededRandom,
  temporaryFolder,
  TestClock,
  type Installation,
} from "./fixture.ts";

const HOUR_MS = 3_600_000;
const LIFETIMES = { lifetimeMs: 12 * HOUR_MS, idleMs: HOUR_MS };

const pathOf = (at: Installation): string => join(at.dir, "keys", "sessions.json");

function openSessions(at: Installation): Sessions {
  return new Sessions({
    path: pathOf(at),
    trusted: new Map(),
    clients: at.clients,
    clock: at.clock,
    random: at.random,
    ...LIFETIMES,
  });
}

function setUp(dir: string): { at: Installation; sessions: Sessions; grant: SessionGrant } {
  const at = open(dir);
  const { kid } = register(at, ADA);
  return {
    at,
    sessions: openSessions(at),
    grant: { client: ADA.id, keyThumbprint: kid, external: null, roles: ADA.roles, scopes: ADA.scopes },
  };
}

const refusedAs = (code: "code-invalid" | "overloaded" | "config-invalid") => (error: unknown) =>
  isAppError(error, code);

test("a code opens once, within ten minutes, and its digest alone is kept", (t) => {
  const { at, grant } = setUp(temporaryFolder(t));
  const codes = new SignInCodes({ clock: at.clock, random: at.random });
  const { code } = codes.issue(grant);
  assert.deepEqual(codes.use(code), grant);
  assert.throws(() => codes.use(code), refusedAs("code-invalid"));
  const late = codes.issue(grant);
  at.clock.advance(10 * 60_000);
  assert.throws(() => codes.use(late.code), refusedAs("code-invalid"));
  for (const wrong of ["", "hpc_", `${code}A`, code.slice(0, -1), code.toLowerCase(), `hpc_${"A".repeat(27)}`]) {
    assert.throws(() => codes.use(wrong), refusedAs("code-invalid"), wrong);
  }
});

test("a fifth code of one person ends their first, and nobody's codes push out another's", (t) => {
  const { at, grant } = setUp(temporaryFolder(t));
  const codes = new SignInCodes({ clock: at.clock, random: at.random });
  const others = codes.issue({ ...grant, client: "person:grace" });
  const own = Array.from({ length: 5 }, () => codes.issue(grant).code);
  assert.throws(() => codes.use(own[0] ?? ""), refusedAs("code-invalid"));
  for (const code of own.slice(1)) codes.use(code);
  codes.use(others.code);
  for (let i = 0; i < 1_000; i++) codes.issue({ ...grant, client: `person:p${i}` });
  assert.throws(() => codes.issue({ ...grant, client: "person:late" }), refusedAs("overloaded"));
});

test("a session is found by its secret alone, and the secret is in no file", (t) => {
  const { at, sessions, grant } = setUp(temporaryFolder(t));
  const { secret, identity } = sessions.open(grant);
  assert.deepEqual(sessions.find(secret), identity);
  assert.equal(identity.person, "ada");
  assert.ok(!readFileSync(pathOf(at), "utf8").includes(secret));
  for (const wrong of ["", secret.slice(1), `${secret}A`, identity.tokenId, "A".repeat(43)]) {
    assert.equal(sessions.find(wrong), undefined, wrong);
  }
  assert.notEqual(sessions.open(grant).secret, secret);
});

test("a session lasts over a restart, and one that was ended stays ended", (t) => {
  const { at, sessions, grant } = setUp(temporaryFolder(t));
  const kept = sessions.open(grant);
  const ended = sessions.open(grant);
  sessions.end(ended.identity.tokenId, "signed-out");
  assert.equal(sessions.find(ended.secret), undefined);
  const restarted = openSessions(at);
  assert.deepEqual(restarted.find(kept.secret), kept.identity);
  assert.equal(restarted.find(ended.secret), undefined);
});

test("a session ends after twelve hours of use, and after an hour without", (t) => {
  const { at, sessions, grant } = setUp(temporaryFolder(t));
  const { secret } = sessions.open(grant);
  for (let used = 0; used < 12; used++) {
    assert.ok(sessions.find(secret), `hour ${used}`);
    at.clock.advance(HOUR_MS - 1);
  }
  assert.ok(sessions.find(secret));
  at.clock.advance(12);
  assert.equal(sessions.find(secret), undefined);
  const idle = sessions.open(grant);
  at.clock.advance(HOUR_MS - 1);
  assert.ok(sessions.find(idle.secret, { isUse: false }), "looked at, not used");
  at.clock.advance(1);
  assert.equal(sessions.find(idle.secret), undefined);
});

test("a disabled client's session ends for good", (t) => {
  const { at, sessions, grant } = setUp(temporaryFolder(t));
  const { secret } = sessions.open(grant);
  const file = readFileSync(join(at.clientsDir, `${ADA.id}.json`));
  disableClient(at.clientsDir, ADA.id);
  at.clock.advance(1000);
  assert.equal(sessions.find(secret), undefined);
  assert.throws(() => sessions.open(grant), refusedAs("code-invalid"));
  writeFileSync(join(at.clientsDir, `${ADA.id}.json`), file);
  at.clients.reload();
  assert.equal(sessions.find(secret), undefined);
  assert.equal(openSessions(at).find(secret), undefined);
});

test("a session ends when the key behind it is removed", (t) => {
  const { at, sessions, grant } = setUp(temporaryFolder(t));
  const { secret } = sessions.open(grant);
  const path = join(at.clientsDir, `${ADA.id}.json`);
  const file = JSON.parse(readFileSync(path, "utf8")) as object;
  const { keys } = JSON.parse(readFileSync(fileOfAnother(at), "utf8")) as { keys: unknown };
  writeFileSync(path, JSON.stringify({ ...file, keys }));
  at.clock.advance(1000);
  assert.equal(sessions.find(secret), undefined);
});

/** A client file with another key, outside the registry. */
function fileOfAnother(at: Installation): string {
  const other = open(join(at.dir, "other"));
  register(other, ADA);
  return join(other.clientsDir, `${ADA.id}.json`);
}

test("roles and scopes that the registration loses are lost at once, and new ones do not come by themselves", (t) => {
  const { at, sessions, grant } = setUp(temporaryFolder(t));
  const { secret } = sessions.open({ ...grant, scopes: ADA.scopes.slice(0, 2) });
  assert.deepEqual(sessions.find(secret)?.scopes, ADA.scopes.slice(0, 2));
  const path = join(at.clientsDir, `${ADA.id}.json`);
  const file = JSON.parse(readFileSync(path, "utf8")) as object;
  writeFileSync(path, JSON.stringify({ ...file, roles: ["owner"], scopes: [ADA.scopes[0], "admin"] }));
  at.clock.advance(1000);
  assert.deepEqual(sessions.find(secret)?.scopes, [ADA.scopes[0]]);
  assert.deepEqual(sessions.find(secret)?.roles, []);
});

test("an agent has no session, whatever was granted", (t) => {
  const { at, sessions, grant } = setUp(temporaryFolder(t));
  const { kid } = register(at, DEPLOYER);
  assert.throws(() => sessions.open({ ...grant, client: DEPLOYER.id, keyThumbprint: kid }), refusedAs("code-invalid"));
});

test("a ninth session of one person ends their first, and a thousand fill the table", (t) => {
  const dir = temporaryFolder(t);
  const { at, sessions, grant } = setUp(dir);
  const secrets = Array.from({ length: 9 }, () => sessions.open(grant).secret);
  assert.equal(sessions.find(secrets[0] ?? ""), undefined);
  for (const secret of secrets.slice(1)) assert.ok(sessions.find(secret));
  const now = at.clock.nowMs();
  const others = { id: "person:others", ...register(at, { ...ADA, id: "person:others" }) };
  const random = seededRandom("many");
  const record = (): object => ({
    ...grant,
    client: others.id,
    keyThumbprint: others.kid,
    digest: Buffer.from(random.bytes(32)).toString("base64url"),
    openedAt: now,
    expiresAt: now + HOUR_MS,
  });
  writeFileSync(pathOf(at), JSON.stringify(Array.from({ length: 1_000 }, record)));
  const full = openSessions(at);
  assert.throws(() => full.open(grant), refusedAs("overloaded"));
  at.clock.advance(HOUR_MS);
  assert.ok(full.find(full.open(grant).secret));
});

test("every end of a session is told once with its reason, by itself too, and again when it could not be recorded", (t) => {
  const { at, sessions, grant } = setUp(temporaryFolder(t));
  const told = (of = sessions): unknown => of.takeEnded().map(({ session, code }) => [session, code]);
  const [first, ...others] = Array.from({ length: 9 }, () => sessions.open(grant).identity.tokenId);
  assert.deepEqual(told(), [[first, "crowded-out"]]);
  assert.deepEqual(told(), []);
  sessions.end(others[0] ?? "", "signed-out");
  sessions.end("session:nobody", "signed-out");
  const [ended] = sessions.takeEnded();
  assert.deepEqual(ended, { session: others[0], identity: ADA.id, code: "signed-out" });
  sessions.giveBack(ended ?? assert.fail());
  assert.deepEqual(told(), [[others[0], "signed-out"]]);
  at.clock.advance(HOUR_MS);
  assert.deepEqual(
    told(),
    others.slice(1).map((id) => [id, "idle"]),
  );
  const kept = sessions.open(grant).identity.tokenId;
  at.clock.advance(12 * HOUR_MS);
  const restarted = openSessions(at);
  assert.deepEqual(told(restarted), [[kept, "expired"]], "whatever happened while nobody looked");
  const late = restarted.open(grant).identity.tokenId;
  disableClient(at.clientsDir, ADA.id);
  at.clock.advance(1000);
  assert.deepEqual(told(restarted), [[late, "withdrawn"]]);
});

test("a damaged record of sessions stops the start", (t) => {
  const { at, sessions, grant } = setUp(temporaryFolder(t));
  sessions.open(grant);
  const text = readFileSync(pathOf(at), "utf8");
  for (const damaged of [text.slice(0, -4), text.replace("person:ada", "person:Ada"), "{}"]) {
    writeFileSync(pathOf(at), damaged);
    assert.throws(() => openSessions(at), refusedAs("config-invalid"));
  }
});

const CORP = "https://login.example";

/** Ada as another issuer knows her, in the group `sre`. */
function openExternal(dir: string, trusted = [{ name: "corp", url: CORP, groups: { sre: { roles: ["on-call"] } } }]) {
  const clock = new TestClock();
  const issuers = new Map(
    issuersConfigSchema.parse(trusted).map((config) => [config.url, { config: governIssuer(config, null) }]),
  );
  const onProblem = (file: string, reason: string): never => assert.fail(`${file}: ${reason}`);
  const memberships = new Memberships({ dir: join(dir, "memberships"), clock, onProblem, trusted: issuers });
  const clients = new ClientRegistry({ dir: join(dir, "clients"), clock, onProblem, rights: null, memberships });
  const path = join(dir, "sessions.json");
  const random = seededRandom("external");
  const sessions = new Sessions({ path, clients, trusted: issuers, clock, random, ...LIFETIMES });
  return { clock, memberships, clients, sessions };
}

test("groups are believed for a day after the sign-in that brought them, and a session ends with its issuer", (t) => {
  const dir = temporaryFolder(t);
  const { clock, memberships, clients, sessions } = openExternal(dir);
  const [issuer, subject] = [CORP, "u1"];
  registerSubject(clients.dir, {
    id: "person:ada",
    kind: "person",
    roles: [],
    scopes: [],
    subjects: [{ issuer, subject }],
  });
  clients.reload();
  assert.deepEqual(clients.find("person:ada")?.roles, []);
  memberships.remember("person:ada", { issuer, subject, groups: ["sre", "unknown"] });
  const { roles = [], scopes = [] } = clients.find("person:ada") ?? {};
  assert.deepEqual([roles, scopes], [["on-call"], PERSON_SCOPES]);
  const grant = { client: "person:ada", keyThumbprint: null, external: { issuer, subject }, roles, scopes };
  const { secret } = sessions.open(grant);
  clock.advance(24 * HOUR_MS - 1);
  assert.deepEqual(clients.find("person:ada")?.roles, ["on-call"]);
  const { secret: late } = sessions.open(grant);
  assert.deepEqual(sessions.find(late)?.roles, ["on-call"]);
  assert.equal(sessions.find(secret), undefined, "idle");
  clock.advance(1);
  assert.deepEqual([clients.find("person:ada")?.roles, sessions.find(late)?.roles], [[], []]);
  assert.equal(openExternal(dir, []).sessions.find(late), undefined, "an issuer that is no longer trusted");
});

test("groups remembered for another subject than the one that is linked give nothing", (t) => {
  const { memberships, clients } = openExternal(temporaryFolder(t));
  const subjects = [{ issuer: CORP, subject: "u1" }];
  registerSubject(clients.dir, { id: "person:ada", kind: "person", roles: ["dba"], scopes: [], subjects });
  clients.reload();
  memberships.remember("person:ada", { issuer: CORP, subject: "u2", groups: ["sre"] });
  assert.deepEqual(clients.find("person:ada")?.roles, ["dba"]);
});
