// The installer that runs before every npm script, with an npm that only pretends.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { createProject, type Ended, type Project } from "./project.ts";

const LOCK = {
  packages: { "": {}, "node_modules/a": { version: "1.0.0" }, "node_modules/b": { version: "1.0.0", optional: true } },
};

// Does what `npm ci` does, as far as the installer looks: takes a while, then leaves a lockfile and a node.
const PRETEND_NPM = `
import { appendFileSync, chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
appendFileSync("npm.log", process.argv.slice(2).join(" ") + "\\n");
rmSync("node_modules", { recursive: true, force: true });
await setTimeout(200);
if (process.env.NPM_FAILS) process.exit(1);
mkdirSync("node_modules/node/bin", { recursive: true });
writeFileSync("node_modules/node/bin/node", "#!/bin/sh\\necho " + (process.env.NODE_SAYS ?? "v24.21.0") + "\\n");
chmodSync("node_modules/node/bin/node", 0o755);
cpSync("package-lock.json", "node_modules/.package-lock.json");
`;

function prepare(t: TestContext): {
  project: Project;
  install: (env?: Record<string, string>) => Promise<Ended>;
  installs: () => number;
} {
  const project = createProject(t);
  project.write("package-lock.json", JSON.stringify(LOCK));
  project.write("npm.mjs", PRETEND_NPM);
  const log = join(project.folder, "npm.log");
  return {
    project,
    install: (env = {}) =>
      project.run("scripts/install-if-needed.mjs", { env: { npm_execpath: join(project.folder, "npm.mjs"), ...env } }),
    installs: () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n").length : 0),
  };
}

test("a checkout without dependencies is installed once, with one line said about it", async (t) => {
  const { project, install, installs } = prepare(t);
  const first = await install();
  assert.equal(first.code, 0, first.stderr);
  assert.equal(first.stderr.trim().split("\n").length, 1);
  assert.match(readFileSync(join(project.folder, "npm.log"), "utf8"), /^ci --no-audit --no-fund/);
  const second = await install();
  assert.deepEqual(
    { code: second.code, stderr: second.stderr, installs: installs() },
    { code: 0, stderr: "", installs: 1 },
  );
});

test("a lockfile that names other versions than those installed is installed again", async (t) => {
  const { project, install, installs } = prepare(t);
  await install();
  project.write("package-lock.json", JSON.stringify(LOCK).replace("1.0.0", "1.0.1"));
  assert.equal((await install()).code, 0);
  assert.equal(installs(), 2);
});

test("an optional package built for another platform is not missed, a needed one is", async (t) => {
  const { project, install, installs } = prepare(t);
  await install();
  const present = join(project.folder, "node_modules", ".package-lock.json");
  writeFileSync(present, JSON.stringify({ packages: { "node_modules/a": { version: "1.0.0" } } }));
  await install();
  assert.equal(installs(), 1);
  writeFileSync(present, JSON.stringify({ packages: { "node_modules/b": { version: "1.0.0" } } }));
  await install();
  assert.equal(installs(), 2);
});

test("of two commands started at once, one installs and the other waits for it", async (t) => {
  const { project, install, installs } = prepare(t);
  const ended = await Promise.all([install(), install(), install()]);
  assert.deepEqual(
    ended.map(({ code }) => code),
    [0, 0, 0],
  );
  assert.equal(installs(), 1);
  assert.ok(!existsSync(join(project.folder, ".install-lock")));
});

test("the lock of a process that died is taken over", async (t) => {
  const { project, install } = prepare(t);
  const dead = await project.run("scripts/node-version.mjs");
  assert.equal(dead.code, 0);
  mkdirSync(join(project.folder, ".install-lock"));
  project.write(".install-lock/pid", "4194304"); // above the largest process id that Linux gives
  assert.equal((await install()).code, 0);
});

test("a failed installation fails the command and leaves the way free for the next", async (t) => {
  const { install } = prepare(t);
  const failed = await install({ NPM_FAILS: "1" });
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /npm ci failed/);
  assert.equal((await install()).code, 0);
});

test("a pinned Node.js that is too old or does not run is named", async (t) => {
  const { install } = prepare(t);
  const old = await install({ NODE_SAYS: "v24.14.9" });
  assert.equal(old.code, 1);
  assert.match(old.stderr, /pinned Node\.js is v24\.14\.9, older than 24\.15\.0/);
});
