// Building the server: once for the same sources, never in the way of a start, and its stacks name the sources.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { entryOf } from "../../scripts/server-build.mjs";
import { createProject, type Project } from "./project.ts";

// Does what the bundler does, as far as the script looks.
const PRETEND_VITE = `
import { appendFileSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
export async function build({ build: { outDir, rolldownOptions } }) {
  appendFileSync("vite.log", Object.keys(rolldownOptions.input).join() + "\\n");
  if (process.env.VITE_FAILS) throw new Error("a module does not parse");
  await setTimeout(100);
  for (const name of ["serve", "cli"]) writeFileSync(outDir + "/" + name + ".mjs", "console.log('built " + name + "')");
}
`;

function prepare(t: Parameters<typeof createProject>[0]) {
  const project = createProject(t);
  project.write("node_modules/vite/index.js", PRETEND_VITE);
  project.write("node_modules/vite/package.json", `{ "type": "module", "main": "index.js" }`);
  project.write("package-lock.json", "{}");
  for (const name of ["serve", "cli", "writer-worker", "start"]) project.write(`src/main/${name}.ts`, `console.log(1)`);
  project.write("src/console/Main.tsx", "export const page = 1;");
  const builds = (): readonly string[] => readFileSync(join(project.folder, "vite.log"), "utf8").trim().split("\n");
  const build = async (env = {}) => {
    const { code, stdout, stderr } = await project.run("scripts/build-server.mjs", { env });
    assert.equal(code, 0, stderr);
    return { entry: stdout.trim(), stderr };
  };
  return { project, build, builds };
}

const inDist = (project: Project): readonly string[] => readdirSync(join(project.folder, "dist")).toSorted();

test("the server is built of the present sources once, and what runs is what was built", async (t) => {
  const { project, build, builds } = prepare(t);
  const [first, beside] = await Promise.all([build(), build()]);
  assert.deepEqual([first.entry, first.stderr, inDist(project).length], [beside.entry, "", 1]);
  assert.match(first.entry, /\/dist\/server-[0-9a-f]{16}\/serve\.mjs$/);
  assert.equal(builds()[0], "cli,serve,writer-worker");
  assert.equal((await project.run("bin/holdpoint.mjs")).stdout, "built cli\n");
  const before = builds().length;
  project.write("src/console/Main.tsx", "export const page = 2;");
  assert.equal((await build()).entry, first.entry, "the console is built apart");
  assert.equal(builds().length, before);
});

test("sources that were changed are never passed over for what was built of others", async (t) => {
  const { project, build } = prepare(t);
  const first = (await build()).entry;
  project.write("src/main/start.ts", `console.log(2)`);
  project.write("src/main/cli.ts", `console.log("as it is written")`);
  assert.equal((await project.run("bin/holdpoint.mjs")).stdout, "as it is written\n");
  const second = (await build()).entry;
  assert.notEqual(second, first);
  assert.ok(existsSync(first), "one that runs may load more of itself");
  for (const text of ["3", "4", "5"]) {
    project.write("package-lock.json", `{ "version": ${text} }`);
    await build();
  }
  assert.equal(inDist(project).length, 3);
  assert.ok(!existsSync(first));
});

test("a server that cannot be built starts from its sources, and says so", async (t) => {
  const { project, build } = prepare(t);
  const { entry, stderr } = await build({ VITE_FAILS: "1" });
  assert.equal(entry, join(project.folder, "src/main/serve.ts"));
  assert.match(stderr, /was not built, so it starts from its sources, which takes longer\n {2}a module does not parse/);
  assert.deepEqual(inDist(project), []);
  rmSync(join(project.folder, "node_modules"), { recursive: true });
  assert.equal((await build()).entry, entry, "an installation without the bundler");
});

test("a stack of the built server names sources and their lines", () => {
  const built = join(dirname(entryOf("serve")), "writer-worker.mjs");
  const written = new URL("../../src/main/writer-worker.ts", import.meta.url);
  const lines = readFileSync(written, "utf8").split("\n");
  const line = lines.findIndex((one) => one.startsWith("assert(parentPort")) + 1;
  const { stderr } = spawnSync(process.execPath, [existsSync(built) ? built : written.pathname], { encoding: "utf8" });
  assert.ok(line > 0 && stderr.includes(`at ${written.href}:${line}:1\n`), stderr);
});
