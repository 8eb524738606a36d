// Building the console: once for the same sources, and never in the way of a start.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createProject } from "./project.ts";

// Does what the bundler does, as far as the script looks.
const PRETEND_VITE = `
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
export async function build({ build: { outDir } }) {
  appendFileSync("vite.log", "built\\n");
  if (process.env.VITE_FAILS) throw new Error("a page does not parse");
  mkdirSync(outDir + "/assets");
  writeFileSync(outDir + "/index.html", "<!doctype html>");
}
`;
const PRETEND_PLUGIN = "export default () => ({});";

function prepare(t: Parameters<typeof createProject>[0]) {
  const project = createProject(t);
  const modules = { vite: PRETEND_VITE, "@vitejs/plugin-react": PRETEND_PLUGIN, "@tailwindcss/vite": PRETEND_PLUGIN };
  for (const [name, text] of Object.entries(modules)) {
    project.write(`node_modules/${name}/index.js`, text);
    project.write(`node_modules/${name}/package.json`, `{ "type": "module", "main": "index.js" }`);
  }
  project.write("package-lock.json", "{}");
  project.write("src/wire/types/view.ts", "export type View = string;");
  project.write("src/console/Main.tsx", "export const page = 1;");
  const builds = (): number => readFileSync(join(project.folder, "vite.log"), "utf8").split("\n").length - 1;
  const build = (env = {}, args: string[] = []) => project.run("scripts/build-console.mjs", { env, args });
  const output = (): readonly string[] => readdirSync(join(project.folder, "dist")).toSorted();
  return { project, build, builds, output };
}

test("the console is built when it is missing or older than its sources, and not again", async (t) => {
  const { project, build, builds, output } = prepare(t);
  assert.equal((await build()).code, 0);
  assert.ok(existsSync(join(project.folder, "dist/console/index.html")));
  await build();
  assert.equal(builds(), 1);
  for (const [path, text] of [
    ["src/console/Main.tsx", "export const page = 2;"],
    ["src/wire/types/view.ts", "export type View = number;"],
    ["package-lock.json", `{ "packages": {} }`],
    ["src/console/holds/HoldCard.tsx", "export const card = 1;"],
  ] as const) {
    const before = builds();
    project.write(path, text);
    await build();
    assert.equal(builds(), before + 1, path);
  }
  assert.deepEqual(output(), ["console"]);
});

test("a console that does not build says why, leaves the older one and stops nothing", async (t) => {
  const { project, build, output } = prepare(t);
  const missing = await build({ VITE_FAILS: "1" });
  assert.equal(missing.code, 0);
  assert.match(
    missing.stderr,
    /was not built, so there is no console; the API serves as ever\n {2}a page does not parse/,
  );
  await build();
  project.write("src/console/Main.tsx", "export const page = 3;");
  const failed = await build({ VITE_FAILS: "1" });
  assert.equal(failed.code, 0);
  assert.match(failed.stderr, /an older console is served/);
  assert.ok(existsSync(join(project.folder, "dist/console/index.html")));
  assert.deepEqual(output(), ["console"]);
  assert.equal((await build({ VITE_FAILS: "1" }, ["--strict"])).code, 1, "whoever needs it is told");
});

test("an installation without the bundler serves the console that it came with", async (t) => {
  const { project, build } = prepare(t);
  await build();
  project.write("node_modules/vite/package.json", `{ "type": "module", "exports": "./gone.js" }`);
  assert.equal((await build({}, ["--strict"])).code, 0);
});
