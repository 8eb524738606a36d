// The `holdpoint` command: which Node.js runs it, and what passes through.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createProject, linkPinnedNode, type Project } from "./project.ts";

const CLI = `
process.on("SIGTERM", () => process.exit(42));
if (process.argv.includes("--wait")) setInterval(() => {}, 1_000);
process.stdout.write(JSON.stringify(process.argv.slice(2)) + "\\n");
process.exitCode = 7;
`;

/** Makes the scripts believe that the node which runs the launcher is too old. */
function ageNode(project: Project): void {
  project.write(
    "scripts/node-version.mjs",
    `export const NODE_OLDEST = "24.15.0";\nexport const isNodeNewEnough = () => false;\n`,
  );
}

test("a Node.js that is new enough runs the command itself", async (t) => {
  const project = createProject(t);
  project.write("src/main/cli.ts", CLI);
  const ended = await project.run("bin/holdpoint.mjs", { args: ["get", "runs"] });
  assert.deepEqual([ended.code, ended.stdout], [7, `["get","runs"]\n`]);
});

test("an old Node.js hands arguments, streams and exit code through to the pinned one", async (t) => {
  const project = createProject(t);
  project.write("src/main/cli.ts", CLI);
  ageNode(project);
  linkPinnedNode(project.folder);
  const ended = await project.run("bin/holdpoint.mjs", { args: ["get", "a b"] });
  assert.deepEqual([ended.code, ended.stdout], [7, `["get","a b"]\n`]);
});

test("a signal to the launcher reaches the command, whose exit code is the answer", async (t) => {
  const project = createProject(t);
  project.write("src/main/cli.ts", CLI);
  ageNode(project);
  linkPinnedNode(project.folder);
  const ended = await project.run("bin/holdpoint.mjs", { args: ["--wait"], onOutput: (kill) => kill("SIGTERM") });
  assert.equal(ended.code, 42);
});

test("an old Node.js without the pinned one says what is needed", async (t) => {
  const project = createProject(t);
  ageNode(project);
  const ended = await project.run("bin/holdpoint.mjs");
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /Node\.js 24\.15\.0 or later is needed, this is v/);
});
