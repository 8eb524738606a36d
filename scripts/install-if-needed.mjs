// Runs before every npm script: installs the dependencies when they are missing or not those of package-lock.json.
// Plain JavaScript without dependencies: the machine's own Node.js (18 or later) runs it.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { env, exit, execPath, kill, pid, platform, stderr } from "node:process";
import { fileURLToPath } from "node:url";
import { NODE_OLDEST, isNodeNewEnough } from "./node-version.mjs";

const WAIT_MS = 250;
const WAIT_MAX_MS = 600_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const pinnedNode = join(modules, "node", "bin", platform === "win32" ? "node.exe" : "node");
const lock = join(root, ".install-lock");

/** @typedef {{version?: string, integrity?: string, optional?: boolean}} LockedPackage */

/**
 * The `packages` of a lockfile, path to entry, or undefined when there is none to read.
 * @param {string} file
 */
function readPackages(file) {
  try {
    return /** @type {{packages?: Record<string, LockedPackage>}} */ (JSON.parse(readFileSync(file, "utf8"))).packages;
  } catch {
    return undefined;
  }
}

/** npm writes node_modules/.package-lock.json last, so it tells what is really there. */
function isInstalled() {
  const wanted = readPackages(join(root, "package-lock.json"));
  const present = readPackages(join(modules, ".package-lock.json"));
  if (wanted === undefined || present === undefined || !existsSync(pinnedNode)) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "") return true;
    const found = present[path];
    if (found === undefined) return entry.optional === true; // built for another platform
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** A lock of a process that is gone is nobody's. */
function isLockStale() {
  try {
    kill(Number(readFileSync(join(lock, "pid"), "utf8")), 0);
    return false;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "ESRCH";
  }
}

/** Takes the lock, or waits until whoever holds it is done. Returns true when this process holds it. */
function takeLock() {
  try {
    mkdirSync(lock);
    writeFileSync(join(lock, "pid"), String(pid));
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
    if (isLockStale()) rmSync(lock, { recursive: true, force: true });
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
    return false;
  }
}

/** A Node.js outside node_modules, which `npm ci` is about to delete. */
function machineNode() {
  if (!execPath.startsWith(modules + sep)) return execPath;
  const name = platform === "win32" ? "node.exe" : "node";
  const folders = (env["PATH"] ?? "").split(platform === "win32" ? ";" : ":");
  const found = folders
    .map((folder) => join(folder, name))
    .find((file) => !file.startsWith(root + sep) && existsSync(file));
  return found ?? execPath;
}

function install() {
  stderr.write("Installing what package-lock.json names (npm ci) …\n");
  const flags = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const npm = env["npm_execpath"];
  const result = spawnSync(npm === undefined ? "npm" : machineNode(), npm === undefined ? flags : [npm, ...flags], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    shell: npm === undefined && platform === "win32",
  });
  if (result.status !== 0) fail(`npm ci failed${result.error ? `: ${result.error.message}` : ""}`);
}

function checkPinnedNode() {
  const version = spawnSync(pinnedNode, ["--version"], { encoding: "utf8" }).stdout?.trim();
  if (!version)
    fail('the pinned Node.js did not install: npm must be allowed to run the install script of the package "node"');
  if (!isNodeNewEnough(version)) fail(`the pinned Node.js is ${version}, older than ${NODE_OLDEST}`);
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  rmSync(lock, { recursive: true, force: true });
  stderr.write(`holdpoint: ${message}\n`);
  exit(1);
}

const deadline = Date.now() + WAIT_MAX_MS;
while (!isInstalled()) {
  if (Date.now() > deadline) fail("another installation did not end in ten minutes");
  if (!takeLock()) continue;
  if (!isInstalled()) install();
  checkPinnedNode();
  if (!isInstalled()) fail("npm ci ended, yet node_modules is not what package-lock.json names");
  rmSync(lock, { recursive: true, force: true });
}
