// Test files that share a process, one after another: each is a suite under its own name, with its own hooks.

import { relative, join } from "node:path";
import { describe } from "node:test";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "..");

/**
 * Runs the files in order. A file that throws when it is loaded fails alone, by its name.
 * @param {readonly string[]} files
 * @param {{ endsWithinMs: number }} limits how long the process may go on after the last test
 */
export async function runGroup(files, { endsWithinMs }) {
  /** What each file left open, as far as can be told from the kinds of what is open. @type {Map<string, string[]>} */
  const left = new Map();
  for (const file of files) {
    const name = relative(root, file);
    const before = process.getActiveResourcesInfo();
    await describe(name, () => import(pathToFileURL(file).href));
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
