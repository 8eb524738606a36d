// The test runner of this repository: what it counts as failure.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { createProject, type Project } from "./project.ts";

const PASSING = `import { test } from "node:test"; test("passes", () => {});`;

function prepare(t: TestContext, floor: { files: number; tests: number }): Project {
  const project = createProject(t);
  project.write("test/floor.json", JSON.stringify(floor));
  project.write("test/a/passing.test.ts", PASSING);
  return project;
}

test("a run that passes ends with the summary of node's own runner", async (t) => {
  const ended = await prepare(t, { files: 1, tests: 1 }).run("scripts/test.mjs");
  assert.equal(ended.code, 0, ended.stdout);
  assert.match(ended.stdout, /ℹ tests 1\n(ℹ .*\n)*ℹ duration_ms [\d.]+\n$/);
});

test("fewer tests or files than the floor are a failure", async (t) => {
  for (const floor of [
    { files: 1, tests: 2 },
    { files: 2, tests: 1 },
  ]) {
    const ended = await prepare(t, floor).run("scripts/test.mjs");
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /test\/floor\.json asks for/);
  }
});

test("a skipped test does not count towards the floor", async (t) => {
  const project = prepare(t, { files: 1, tests: 2 });
  project.write("test/a/skipped.test.ts", `import { test } from "node:test"; test("x", { skip: "why" }, () => {});`);
  assert.equal((await project.run("scripts/test.mjs")).code, 1);
});

test("a failing test, a file that throws and one that exits are failures", async (t) => {
  for (const text of [
    `import { test } from "node:test"; test("x", () => { throw new Error("no"); });`,
    `throw new Error("no");`,
    `process.exit(3);`,
    `const x: = 1;`,
  ]) {
    const project = prepare(t, { files: 1, tests: 1 });
    project.write("test/a/failing.test.ts", text);
    assert.equal((await project.run("scripts/test.mjs")).code, 1, text);
  }
});

test("files that share a process keep their hooks to themselves, and one that cannot be loaded fails alone", async (t) => {
  const project = prepare(t, { files: 4, tests: 3 });
  const counting = `import { after, before, beforeEach, test } from "node:test";
    const seen = []; before(() => seen.push("before")); beforeEach(() => seen.push("each"));
    test("NAME", () => { if (seen.join() !== "before,each") throw new Error(seen.join()); });
    after(() => { if (seen.length !== 2) throw new Error(seen.join()); });`;
  for (const name of ["one", "two"]) project.write(`test/a/${name}.test.ts`, counting.replace("NAME", name));
  assert.equal((await project.run("scripts/test.mjs", { args: ["test/a/one.test.ts", "test/a/two.test.ts"] })).code, 0);
  project.write("test/a/broken.test.ts", `throw new Error("cannot be loaded");`);
  const { code, stdout } = await project.run("scripts/test.mjs");
  assert.deepEqual([code, /ℹ pass 3\n/.test(stdout)], [1, true]);
  assert.match(stdout, /✖ test\/a\/broken\.test\.ts/);
  assert.match(stdout, /✔ test\/a\/two\.test\.ts/);
});

test("an error that nobody caught fails the run, with the file at which it was, whatever its test waits for", async (t) => {
  const project = prepare(t, { files: 1, tests: 1 });
  const throwing = `import { test } from "node:test"; import { setTimeout as sleep } from "node:timers/promises";
    test("x", async () => { await sleep(1); ERROR; await sleep(WAIT); });`;
  for (const error of [`setTimeout(() => { throw new Error("late"); })`, `void Promise.reject(new Error("late"))`]) {
    for (const wait of ["10", "60_000"]) {
      project.write("test/a/passing.test.ts", throwing.replace("ERROR", error).replace("WAIT", wait));
      const ended = await project.run("scripts/test.mjs", { env: { TEST_ENDS_WITHIN_MS: "200" } });
      assert.equal(ended.code, 1);
      assert.match(ended.stdout, /✖ test\/a\/passing\.test\.ts: nobody caught Error: late\n +at /);
    }
  }
});

test("a file that ends the process takes nothing along unnoticed", async (t) => {
  const project = prepare(t, { files: 2, tests: 1 });
  project.write("test/a/ending.test.ts", `import { test } from "node:test"; test("ends", () => process.exit(0));`);
  const { code, stderr } = await project.run("scripts/test.mjs");
  assert.equal(code, 1);
  assert.match(stderr, /2 files did not run to their end: test\/a\/ending\.test\.ts, test\/a\/passing\.test\.ts/);
});

test("settings of whoever runs the tests do not reach them", async (t) => {
  const project = prepare(t, { files: 1, tests: 1 });
  project.write("test/a/env.test.ts", `if (process.env.HOLDPOINT_PORT) throw new Error("seen");\n${PASSING}`);
  assert.equal((await project.run("scripts/test.mjs", { env: { HOLDPOINT_PORT: "1" } })).code, 0);
});

test("soak runs are apart, and named files are run without the floor", async (t) => {
  const project = prepare(t, { files: 9, tests: 9 });
  project.write("test/soak/long.soak.ts", `import { test } from "node:test"; test("soaks", () => {});`);
  const soak = await project.run("scripts/test.mjs", { args: ["--soak"] });
  assert.deepEqual([soak.code, /✔ soaks/.test(soak.stdout), /✔ passes/.test(soak.stdout)], [0, true, false]);
  assert.equal((await project.run("scripts/test.mjs", { args: ["test/a/passing.test.ts"] })).code, 0);
});

test("a file that leaves something open is stopped and named, and its process with it", async (t) => {
  const project = prepare(t, { files: 1, tests: 1 });
  const note = `import { writeFileSync } from "node:fs"; writeFileSync("pid", String(process.pid));`;
  project.write("test/a/hanging.test.ts", `${PASSING}\n${note}\nsetInterval(() => {}, 1_000);`);
  const ended = await project.run("scripts/test.mjs", { env: { TEST_ENDS_WITHIN_MS: "100" } });
  assert.equal(ended.code, 1);
  assert.match(ended.stdout, /✖ test\/a\/hanging\.test\.ts left open: Timeout/);
  assert.doesNotMatch(ended.stdout, /passing\.test\.ts left open/);
  assert.ok(!isAlive(Number(readFileSync(join(project.folder, "pid"), "utf8"))));
});

test("a test that never ends is stopped with the run, and its file named", async (t) => {
  const project = prepare(t, { files: 1, tests: 1 });
  const forever = `import { test } from "node:test"; test("x", () => new Promise(() => setInterval(() => {}, 1_000)));`;
  project.write("test/a/endless.test.ts", forever);
  const ended = await project.run("scripts/test.mjs", { env: { TEST_QUIET_SECONDS_MAX: "2" } });
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /did not run to their end: test\/a\/endless\.test\.ts/);
});

test("a run in which tests go on ending is not stopped, however long it takes", async (t) => {
  const project = prepare(t, { files: 1, tests: 5 });
  const slow = `import { test } from "node:test"; for (const n of [1, 2, 3, 4, 5]) test("x" + n, () => new Promise((r) => setTimeout(r, 2_000)));`;
  project.write("test/a/slow.test.ts", slow);
  const ended = await project.run("scripts/test.mjs", { env: { TEST_QUIET_SECONDS_MAX: "8" } });
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
