// Runs the tests: all of them (and then fewer than test/floor.json records is a failure), `--soak`, or the files named.
// node's own runner passes an empty file and a pattern that matches nothing, hence the floor.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { planGroups, writeGroups } from "./plan-groups.mjs";
import { NODE_OLDEST, isNodeNewEnough } from "./node-version.mjs";
import { makeTemporaryFolder } from "./temporary-folder.mjs";

// A test that never ends would hold the run for ever: when none has ended for so long the run is stopped, and what it was at
// named as failed. A slow machine only takes longer.
const QUIET_SECONDS_MAX = Number(process.env["TEST_QUIET_SECONDS_MAX"] ?? 400);
/** How long a process may take to end once its tests have. */
const ENDS_WITHIN_MS = Number(process.env["TEST_ENDS_WITHIN_MS"] ?? 20_000);
const NAMED_MAX = 20;
/** One more than can run at once: much of a test is waiting. */
const CONCURRENCY = availableParallelism() + 1;

const root = join(import.meta.dirname, "..");
const soak = process.argv.includes("--soak");
const named = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));

/** @param {string} ending */
function findTests(ending) {
  const names = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(root, "test", name));
}

/** The environment of whoever runs the tests must not change what they show. */
function forgetSettings() {
  for (const name of Object.keys(process.env)) if (name.startsWith("HOLDPOINT_")) delete process.env[name];
}

/**
 * What is wrong with a whole run that passed, or undefined.
 * @param {{files: number, tests: number}} seen
 */
function belowFloor(seen) {
  const text = readFileSync(join(root, "test", "floor.json"), "utf8");
  const floor = /** @type {{files: number, tests: number}} */ (JSON.parse(text));
  if (seen.files >= floor.files && seen.tests >= floor.tests) return undefined;
  return `${seen.tests} tests passed in ${seen.files} files; test/floor.json asks for ${floor.tests} in ${floor.files}`;
}

if (!isNodeNewEnough(process.version)) throw new Error(`Node.js ${NODE_OLDEST} or later is needed: use npm test`);
forgetSettings();
const files = named.length > 0 ? named : findTests(soak ? ".soak.ts" : ".test.ts");
if (files.length === 0) throw new Error("no test files found");

const temporary = makeTemporaryFolder({ mayBeMemory: !soak });
process.env["TMPDIR"] = temporary;

// Hundreds of processes load the same modules: they are built together, and compiled once.
if (existsSync(join(root, "src"))) {
  spawnSync(process.execPath, [join(import.meta.dirname, "build-server.mjs")], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}
process.env["NODE_COMPILE_CACHE"] = join(temporary, "compiled");
spawn(process.execPath, [join(import.meta.dirname, "compile-server.mjs"), temporary], { stdio: "ignore" }).unref();

const whole = !soak && named.length === 0;
const groups = soak ? [] : planGroups(files, join(root, "test"));
/** Files of which the end has not been seen. */
const awaited = new Set(groups.flatMap((group) => group.files.map((file) => relative(root, file))));
const stuck = new AbortController();
const watch = setTimeout(() => stuck.abort(), QUIET_SECONDS_MAX * 1_000).unref();
const stream = run({
  files: soak ? files : writeGroups(groups, { folder: join(temporary, "groups"), endsWithinMs: ENDS_WITHIN_MS }),
  concurrency: soak ? 1 : CONCURRENCY,
  ...(soak ? {} : { signal: stuck.signal }),
});
stream.on("test:complete", () => watch.refresh());
stream.on("test:pass", noteEnd);
stream.on("test:fail", noteEnd);
stream.on("test:summary", ({ file, success, counts }) => {
  if (file !== undefined) return; // of one file; the last one is of all
  const seen = { files: files.length, tests: counts.passed };
  const problem = unfinished() ?? (whole && success ? belowFloor(seen) : undefined);
  if (problem !== undefined) process.stderr.write(`holdpoint: ${problem}\n`);
  if (!success || problem !== undefined) process.exitCode = 1;
});
stream.compose(spec).pipe(process.stdout);

/** A file that was stopped half-way, by itself or by what shares its process, has shown nothing. */
function unfinished() {
  if (awaited.size === 0) return undefined;
  const some = [...awaited].slice(0, NAMED_MAX).join(", ");
  return `${awaited.size} files did not run to their end: ${some}${awaited.size > NAMED_MAX ? ", …" : ""}`;
}

/** @param {{name: string, nesting: number}} test */
function noteEnd({ name, nesting }) {
  if (nesting === 0) awaited.delete(name);
}
