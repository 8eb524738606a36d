#!/usr/bin/env node
// The `holdpoint` command: runs what was built, else the sources, under a Node.js that is new enough, the project's pinned
// one if need be. Plain JavaScript that old versions can read, so that they say what is missing instead of failing on it.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath, pathToFileURL } from "node:url";
import { NODE_OLDEST, isNodeNewEnough } from "../scripts/node-version.mjs";
import { entryOf } from "../scripts/server-build.mjs";

// A terminal sends its signals to the whole group: the child has had those already.
/** @type {readonly NodeJS.Signals[]} */
const FORWARDED = process.stdin.isTTY ? ["SIGTERM"] : ["SIGTERM", "SIGINT", "SIGHUP"];
const pinned = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));

/** Runs the command under the pinned Node.js as if it were this process: same streams, signals and exit code. */
function runPinned() {
  const child = spawn(pinned, [entryOf("cli"), ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => refuse(`${pinned} does not start: ${error.message}`));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  });
}

/** @param {string} message */
function refuse(message) {
  process.stderr.write(`holdpoint: ${message}\n`);
  process.exitCode = 1;
}

if (isNodeNewEnough(process.version)) await import(pathToFileURL(entryOf("cli")).href);
else if (existsSync(pinned)) runPinned();
else
  refuse(
    `Node.js ${NODE_OLDEST} or later is needed, this is ${process.version}; \`npm ci\` in the project installs one`,
  );
