// The registry of clients: what it accepts, and what happens when a file changes under it.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { calculateJwkThumbprint } from "jose";
import { createClient, disableClient, subjectPerson } from "../../src/adapters/identity/clients.ts";
import { readPrivateJwk } from "../../src/adapters/identity/key-pairs.ts";
import { keyThumbprint } from "../../src/wire/schemas/agents.ts";
import { isAppError } from "../../src/core/errors.ts";
import type { ClientFile } from "../../src/wire/schemas/identity.ts";
import { ADA, DEPLOYER, open, register, temporaryFolder } from "./fixture.ts";
import type { Installation } from "./fixture.ts";

const pathOf = (at: Installation, id: string): string => join(at.clientsDir, `${id}.json`);
const fileOf = (at: Installation, id: string): ClientFile =>
  JSON.parse(readFileSync(pathOf(at, id), "utf8")) as ClientFile;

/** Writes a client file as an operator would, and lets a second pass. */
function edit(at: Installation, id: string, text: string): void {
  writeFileSync(pathOf(at, id), text);
  at.clock.advance(1000);
}

test("a new client has its private key in one file that only the owner reads, and its public key in the registry", (t) => {
  const at = open(temporaryFolder(t));
  const jwk = register(at, ADA);
  const keyPath = join(at.dir, "person:ada.jwk");
  assert.deepEqual(readPrivateJwk(keyPath), jwk);
  assert.equal(statSync(keyPath).mode & 0o777, 0o600);
  const text = readFileSync(pathOf(at, ADA.id), "utf8");
  assert.ok(!text.includes(jwk.d));
  assert.equal(at.clients.find("person:ada")?.keys[0]?.thumbprint, jwk.kid);
  assert.deepEqual(at.problems, []);
});

test("a client cannot be registered twice, and the attempt leaves no key behind", (t) => {
  const at = open(temporaryFolder(t));
  register(at, ADA);
  const before = readFileSync(pathOf(at, ADA.id));
  const keyPath = join(at.dir, "second.jwk");
  assert.throws(
    () => createClient(at.clientsDir, ADA, { keyPath, random: at.random }),
    (error) => isAppError(error, "config-invalid"),
  );
  assert.ok(!existsSync(keyPath));
  assert.deepEqual(readFileSync(pathOf(at, ADA.id)), before);
});

test("an existing key file is never overwritten", (t) => {
  const at = open(temporaryFolder(t));
  const keyPath = join(at.dir, "mine.jwk");
  writeFileSync(keyPath, "precious");
  assert.throws(
    () => createClient(at.clientsDir, ADA, { keyPath, random: at.random }),
    (error) => isAppError(error, "config-invalid"),
  );
  assert.equal(readFileSync(keyPath, "utf8"), "precious");
  assert.ok(!existsSync(pathOf(at, ADA.id)));
});

test("a key file that others may read is not used", (t) => {
  const at = open(temporaryFolder(t));
  const jwk = register(at, ADA);
  const path = join(at.dir, "loose.jwk");
  writeFileSync(path, JSON.stringify(jwk), { mode: 0o644 });
  assert.throws(
    () => readPrivateJwk(path),
    (error) => isAppError(error, "config-invalid"),
  );
});

test("a key file whose halves do not belong together is not used, and no error quotes it", (t) => {
  const at = open(temporaryFolder(t));
  const jwk = register(at, ADA);
  const other = register(at, DEPLOYER);
  const path = join(at.dir, "mixed.jwk");
  for (const text of [JSON.stringify({ ...jwk, x: other.x }), JSON.stringify({ ...jwk, kid: "k" }), `{"d":"${jwk.d}`]) {
    writeFileSync(path, text, { mode: 0o600 });
    assert.throws(
      () => readPrivateJwk(path),
      (error) => isAppError(error, "config-invalid") && !`${error.message} ${String(error.cause)}`.includes(jwk.d),
    );
  }
});

const EC = {
  kty: "EC",
  crv: "P-256",
  x: "04N0xi21hshyvBp7I167sbE_bXqyqkAPfefdklMO7wY",
  y: "UI8exy-C06a7DUnjIdENkxeFtHM4-l_41LqEw9nVgmw",
} as const;

test("thumbprints are those of RFC 7638", async (t) => {
  const { d: _d, ...okp } = register(open(temporaryFolder(t)), ADA);
  assert.equal(keyThumbprint(okp), await calculateJwkThumbprint(okp));
  assert.equal(keyThumbprint(EC), await calculateJwkThumbprint(EC));
});

const MALFORMED: Readonly<Record<string, (file: ClientFile) => string>> = {
  "not JSON": () => "{",
  empty: () => "",
  "a list": (file) => JSON.stringify([file]),
  "an unknown member": (file) => JSON.stringify({ ...file, admin: true }),
  "a member named twice": (file) => JSON.stringify(file).replace("{", '{"scopes":["admin"],'),
  "another id": (file) => JSON.stringify({ ...file, id: "person:bob" }),
  "an id in capitals": (file) => JSON.stringify({ ...file, id: "person:Ada" }),
  "an id that climbs": (file) => JSON.stringify({ ...file, id: "person:../ada" }),
  "another kind": (file) => JSON.stringify({ ...file, kind: "agent" }),
  "kind source": (file) => JSON.stringify({ ...file, kind: "source" }),
  "an unknown scope": (file) => JSON.stringify({ ...file, scopes: ["actions:*"] }),
  "the scope of a source": (file) => JSON.stringify({ ...file, scopes: ["signals:write:alertmanager"] }),
  "scopes as text": (file) => JSON.stringify({ ...file, scopes: "admin" }),
  "no keys": (file) => JSON.stringify({ ...file, keys: [] }),
  "nine keys": (file) => JSON.stringify({ ...file, keys: Array.from({ length: 9 }, () => EC) }),
  "one key twice": (file) => JSON.stringify({ ...file, keys: [EC, { ...EC, kid: "b" }] }),
  "a private key": (file) => JSON.stringify({ ...file, keys: [{ ...EC, d: EC.x }] }),
  "a key for encryption": (file) => JSON.stringify({ ...file, keys: [{ ...EC, use: "enc" }] }),
  "a key off its curve": (file) => JSON.stringify({ ...file, keys: [{ ...EC, y: EC.x }] }),
  "a symmetric key": (file) => JSON.stringify({ ...file, keys: [{ kty: "oct", k: EC.x }] }),
  "an RSA key": (file) => JSON.stringify({ ...file, keys: [{ kty: "RSA", n: EC.x, e: "AQAB" }] }),
  "a key in lenient base64": (file) => JSON.stringify({ ...file, keys: [{ ...EC, x: `${EC.x}=` }] }),
  "a key with unused bits": (file) => JSON.stringify({ ...file, keys: [{ ...EC, x: EC.x.replace(/Y$/, "Z") }] }),
  "disabled as text": (file) => JSON.stringify({ ...file, disabled: "false" }),
  "100 kB": (file) => JSON.stringify(file) + " ".repeat(100_000),
};

test("a malformed file disables its client alone, with a reason, until it is repaired", (t) => {
  const at = open(temporaryFolder(t));
  register(at, ADA);
  register(at, DEPLOYER);
  const good = fileOf(at, ADA.id);
  for (const [name, make] of Object.entries(MALFORMED)) {
    at.problems.length = 0;
    edit(at, ADA.id, make(good));
    assert.equal(at.clients.find(ADA.id), undefined, name);
    assert.ok(at.clients.find(DEPLOYER.id), name);
    at.clock.advance(1000);
    at.clients.find(ADA.id);
    assert.equal(at.problems.length, 1, name);
    edit(at, ADA.id, JSON.stringify(good));
    assert.ok(at.clients.find(ADA.id), name);
  }
});

test("a change is seen within a second, and the file is looked at no more often than that", (t) => {
  const at = open(temporaryFolder(t));
  register(at, ADA);
  disableClient(at.clientsDir, ADA.id);
  at.clock.advance(999);
  assert.ok(at.clients.find(ADA.id));
  at.clock.advance(1);
  assert.equal(at.clients.find(ADA.id), undefined);
});

test("reload sees a change at once", (t) => {
  const at = open(temporaryFolder(t));
  register(at, ADA);
  const generation = at.clients.currentGeneration();
  disableClient(at.clientsDir, ADA.id);
  at.clients.reload();
  assert.equal(at.clients.find(ADA.id), undefined);
  assert.notEqual(at.clients.currentGeneration(), generation);
});

test("a clock that is set back does not stop the registry from looking", (t) => {
  const at = open(temporaryFolder(t));
  register(at, ADA);
  disableClient(at.clientsDir, ADA.id);
  at.clock.wallMs -= 3_600_000;
  at.clock.runMs += 1000;
  assert.equal(at.clients.find(ADA.id), undefined);
});

test("a file that is removed, or a folder, ends the clients in it", (t) => {
  const at = open(temporaryFolder(t));
  register(at, ADA);
  register(at, DEPLOYER);
  rmSync(pathOf(at, ADA.id));
  at.clients.reload();
  assert.equal(at.clients.find(ADA.id), undefined);
  assert.ok(at.clients.find(DEPLOYER.id));
  rmSync(at.clientsDir, { recursive: true });
  at.clients.reload();
  assert.equal(at.clients.find(DEPLOYER.id), undefined);
  assert.equal(at.problems.length, 1);
});

test("things beside the client files are left alone", (t) => {
  const at = open(temporaryFolder(t));
  register(at, ADA);
  writeFileSync(join(at.clientsDir, "README"), "notes");
  mkdirSync(join(at.clientsDir, "person:folder.json"));
  at.clients.reload();
  assert.ok(at.clients.find(ADA.id));
  assert.equal(at.clients.find("person:folder"), undefined);
});

test("one key under two people disables both, since its holder could answer as two", (t) => {
  const at = open(temporaryFolder(t));
  register(at, ADA);
  edit(at, "person:bob", JSON.stringify({ ...fileOf(at, ADA.id), id: "person:bob" }));
  assert.equal(at.clients.find(ADA.id), undefined);
  assert.equal(at.clients.find("person:bob"), undefined);
  edit(at, "person:bob", JSON.stringify({ ...fileOf(at, ADA.id), id: "person:bob", person: "ada" }));
  assert.equal(at.clients.find("person:bob")?.person, "ada");
  assert.equal(at.clients.find(ADA.id)?.person, "ada");
});

test("a person is the name in the id unless linked; an agent speaks for nobody unless linked", () => {
  assert.equal(subjectPerson({ id: "person:ada", kind: "person" }), "ada");
  assert.equal(subjectPerson({ id: "person:ada-phone", kind: "person", person: "ada" }), "ada");
  assert.equal(subjectPerson({ id: "agent:deployer", kind: "agent" }), null);
  assert.equal(subjectPerson({ id: "agent:ada-bot", kind: "agent", person: "ada" }), "ada");
});

test("an id that is no client id never becomes a path", (t) => {
  const at = open(temporaryFolder(t));
  for (const id of ["../person:ada", "person:../../etc/passwd", "person:ada/../x", "", "person:"]) {
    assert.throws(
      () => disableClient(at.clientsDir, id),
      (error) => isAppError(error, "request-invalid"),
    );
    assert.equal(at.clients.find(id), undefined);
  }
});
