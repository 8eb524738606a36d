// Test files that share a process, one after another: each is a suite under its own name, with its own hooks.

import hooks from "node:async_hooks";
import { relative, join } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "..");

// The runner follows every promise, to know whose a test is, and whose an error is that nobody caught: a sixth of what tests
// take. Here it does so while a file is loaded, and no longer. Such an error still fails the run; where its test then waits
// for ever, the process ends.
const { createHook } = hooks;
/** @type {hooks.AsyncHook | undefined} */
let promises;
hooks.createHook = (callbacks) => {
  promises ??= createHook(callbacks);
  return createHook({ ...callbacks, trackPromises: false });
};
const { describe } = await import("node:test");

/**
 * Runs the files in order. A file that throws when it is loaded fails alone, by its name.
 * @param {readonly string[]} files
 * @param {{ endsWithinMs: number }} limits how long the process may go on after the last test
 */
export async function runGroup(files, { endsWithinMs }) {
  /** What each file left open, as far as can be told from the kinds of what is open. @type {Map<string, string[]>} */
  const left = new Map();
  let running = "";
  const noteUncaught = (/** @type {unknown} */ error) => {
    const name = running;
    process.stdout.write(`✖ ${name}: nobody caught ${error instanceof Error ? error.stack : String(error)}\n`);
    setTimeout(() => void (running === name && process.exit(1)), endsWithinMs).unref();
  };
  process.on("uncaughtException", noteUncaught).on("unhandledRejection", noteUncaught);
  for (const file of files) {
    const name = relative(root, file);
    running = name;
    const before = process.getActiveResourcesInfo();
    await describe(name, () => load(file));
    left.set(name, without(process.getActiveResourcesInfo(), before));
  }
  // Most of what is open now is about to close. A process that would never end says whose fault it may be.
  setTimeout(() => {
    for (const [name, kinds] of left) {
      const open = both(kinds, process.getActiveResourcesInfo());
      if (open.length > 0) process.stdout.write(`✖ ${name} left open: ${open.join(", ")}\n`);
    }
    process.exit(1);
  }, endsWithinMs).unref();
}

/** @param {string} file */
async function load(file) {
  promises?.enable();
  try {
    await import(pathToFileURL(file).href);
  } finally {
    promises?.disable();
  }
}

/** @param {readonly string[]} all @param {readonly string[]} some */
function without(all, some) {
  const rest = [...some];
  return all.filter((one) => {
    const at = rest.indexOf(one);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

/** @param {readonly string[]} a @param {readonly string[]} b */
function both(a, b) {
  return without(a, without(a, b));
}
