// Denials that are sealed and handles that nobody guesses: what one installation makes, no other makes or reads.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { AccessBindings } from "../../src/adapters/identity/access-bindings.ts";
import { systemRandom } from "../../src/main/system.ts";

const DENIAL = { evaluation: "eval_1", caller: "person:ada", call: "ab".repeat(32), context: ["tool"], expiresAt: 1 };

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "holdpoint-access-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test("what was sealed is read over restarts, and by no other installation", (t) => {
  const [here, there] = [join(folder(t), "keys", "access.key"), join(folder(t), "keys", "access.key")];
  const first = new AccessBindings(here, systemRandom);
  const token = first.seal(DENIAL);
  assert.equal(statSync(here).mode & 0o777, 0o600);
  const again = new AccessBindings(here, systemRandom);
  assert.deepEqual(again.open(token), DENIAL);
  assert.equal(again.actionOf("arq", first.handle("arq", "act_00000000c")), "act_00000000c");
  const other = new AccessBindings(there, systemRandom);
  assert.equal(other.open(token), null);
  assert.equal(other.actionOf("arq", first.handle("arq", "act_00000000c")), null);
});

test("a token with any byte changed is none, nor is one of another algorithm or with more behind it", (t) => {
  const bindings = new AccessBindings(join(folder(t), "access.key"), systemRandom);
  const token = bindings.seal(DENIAL);
  for (let i = 0; i < token.length; i++) {
    const changed = token.slice(0, i) + (token[i] === "A" ? "B" : "A") + token.slice(i + 1);
    assert.equal(bindings.open(changed), null, `at ${i}`);
  }
  const [, payload, signature] = token.split(".");
  const none = Buffer.from('{"alg":"none","typ":"holdpoint-denial+jwt"}').toString("base64url");
  for (const bad of [
    `${none}.${payload}.`,
    `${none}.${payload}.${signature}`,
    `${token}.x`,
    "",
    "..",
    "a".repeat(9_000),
  ]) {
    assert.equal(bindings.open(bad), null, bad.slice(0, 40));
  }
});

test("a handle of one kind is none of the other, and every character counts", (t) => {
  const bindings = new AccessBindings(join(folder(t), "access.key"), systemRandom);
  const handle = bindings.handle("arq", "act_00000000c.1");
  assert.match(handle, /^arq_00000000c\.1[\w-]{22}$/);
  assert.equal(bindings.actionOf("arq", handle), "act_00000000c.1");
  assert.equal(bindings.actionOf("apr", handle), null);
  assert.equal(bindings.actionOf("apr", handle.replace("arq", "apr")), null);
  for (let i = 4; i < handle.length; i++) {
    const changed = handle.slice(0, i) + (handle[i] === "A" ? "B" : "A") + handle.slice(i + 1);
    assert.equal(bindings.actionOf("arq", changed), null, `at ${i}`);
  }
});

test("a key file that holds no key stops the start", (t) => {
  const path = join(folder(t), "access.key");
  writeFileSync(path, "short\n");
  assert.throws(() => new AccessBindings(path, systemRandom), { code: "config-invalid" });
});
