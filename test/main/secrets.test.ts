// Where secrets come from, and what is said when they do not come: never anything that was read.

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { credentialsConfigSchema } from "../../src/wire/schemas/credentials-config.ts";
import { isAppError } from "../../src/core/errors.ts";
import { checkSecret, openSecrets } from "../../src/main/secrets.ts";

const ENV = {
  HOME: "/nonexistent",
  PATH: "/usr/bin:/bin",
  FROM_ENV: "env-value\n",
  VAULT_TOKEN: "t0ken",
  OTHER: "other",
};

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(os.tmpdir(), "holdpoint-secrets-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "secrets"), { mode: 0o700 });
  return dir;
}

function place(dataDir: string, sources: object) {
  return { dataDir, credentials: credentialsConfigSchema.parse(sources) };
}

function script(dir: string, text: string, mode = 0o700): string {
  const path = join(dir, `vault-${Math.abs(text.length)}-${mode}`);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, mode);
  return path;
}

function refused(words: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isAppError(error, "config-invalid"));
    assert.match(error.message, words);
    return true;
  };
}

test("a secret is a file of the data folder, unless configuration names a variable, another file or a command", async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, "secrets", "plain"), "file-value\r\n", { mode: 0o600 });
  writeFileSync(join(dir, "elsewhere"), "elsewhere-value", { mode: 0o600 });
  const command = [script(dir, `printf '%s %s %s\\n' "$1" "$VAULT_TOKEN" "\${OTHER-unset}"`), "a b;$(id)"];
  const sources = {
    "from/env": { env: "FROM_ENV" },
    "from/file": { file: join(dir, "elsewhere") },
    "from/command": { command, environment: ["VAULT_TOKEN"] },
  };
  const secrets = openSecrets(place(dir, sources), { env: ENV });
  assert.equal(await secrets.get("plain"), "file-value");
  assert.equal(await secrets.get("from/env"), "env-value");
  assert.equal(await secrets.get("from/file"), "elsewhere-value");
  assert.equal(
    await secrets.get("from/command"),
    "a b;$(id) t0ken unset",
    "no shell, and no more environment than named",
  );
});

test("what is missing, open to others, too large or outside its folder is not read, and the reference is told", async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, "outside"), "x", { mode: 0o600 });
  writeFileSync(join(dir, "secrets", "open"), "x", { mode: 0o644 });
  writeFileSync(join(dir, "secrets", "large"), "x".repeat(20_000), { mode: 0o600 });
  const told: string[] = [];
  const onFailure = (ref: string, why: string): void => void told.push(`${ref}: ${why}`);
  const secrets = openSecrets(place(dir, { gone: { env: "NOT_SET" } }), { env: ENV, onFailure });
  for (const ref of ["none", "open", "large", "../outside", "gone", "__proto__", "constructor"]) {
    await assert.rejects(secrets.get(ref), refused(/secret/), ref);
  }
  assert.equal(told.length, 7);
});

test("a command that fails, hangs, floods or cannot run says how it ended and nothing that it printed", async (t) => {
  const dir = folder(t);
  const pidFile = join(dir, "pid");
  const hang = script(dir, `echo hunter2; sleep 60 & echo $! > ${pidFile}; wait`);
  const sources = {
    fails: { command: [script(dir, "echo hunter2; echo hunter2 >&2; exit 3")] },
    hangs: { command: [hang], timeoutMs: 500 },
    floods: { command: [script(dir, "yes hunter2")] },
    missing: { command: [join(dir, "nowhere")] },
    loose: { command: [script(dir, "echo hunter2", 0o777)] },
    unset: { command: [script(dir, "echo hunter2 ", 0o600)] },
  };
  const secrets = openSecrets(place(dir, sources), { env: ENV });
  const words = {
    fails: /ended with 3/,
    hangs: /took over 500 ms/,
    floods: /printed too much/,
    missing: /not there/,
    loose: /anybody may write/,
    unset: /cannot be run/,
  };
  for (const [ref, expected] of Object.entries(words)) {
    await assert.rejects(secrets.get(ref), (error: unknown) => {
      assert.ok(!JSON.stringify([String(error), error]).includes("hunter2"), ref);
      return refused(expected)(error);
    });
  }
  const sleeper = Number(readFileSync(pidFile, "utf8"));
  for (let tries = 0; tries < 6_000 && isRunning(sleeper); tries++) await sleep(10);
  assert.equal(isRunning(sleeper), false, "what the command had started ended with it");
  await assert.rejects(checkSecret(place(dir, sources), "loose"), refused(/anybody may write/));
  await checkSecret(place(dir, sources), "fails"); // looking does not run it
});

/** A process that ended and that nobody waits for is none any more. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

test("eight commands run at a time; who gives up waiting leaves its place to others", async (t) => {
  const dir = folder(t);
  const [runs, gate] = [join(dir, "runs"), join(dir, "gate")];
  const command = [script(dir, `echo x >> ${runs}; while [ ! -e ${gate} ]; do sleep 0.02; done; echo done`)];
  const secrets = openSecrets(place(dir, { slow: { command, timeoutMs: 30_000 } }), { env: ENV });
  const before = Array.from({ length: 8 }, () => secrets.get("slow"));
  const waiting = secrets.get("slow");
  const leaving = new AbortController();
  const left = secrets.get("slow", leaving.signal);
  leaving.abort();
  await assert.rejects(left, refused(/nobody waits/));
  writeFileSync(gate, "");
  assert.deepEqual(
    await Promise.all([...before, waiting]),
    Array.from({ length: 9 }, () => "done"),
  );
  assert.equal(readFileSync(runs, "utf8"), "x\n".repeat(9), "the one that left never ran");
});

test("a source is exactly one of the three, and its program a path", () => {
  for (const source of [
    { env: "A", file: "/a" },
    { env: "A B" },
    { file: "relative" },
    { command: [] },
    { command: ["vault"] },
    { command: ["/bin/echo"], shell: true },
    { command: ["/bin/echo"], timeoutMs: 0 },
    {},
  ]) {
    assert.equal(credentialsConfigSchema.safeParse({ "a/b": source }).success, false, JSON.stringify(source));
  }
});
