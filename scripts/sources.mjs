// Which sources something was built of: a hash over their paths and bytes.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Of these files and of all files in these folders, as paths from the project's folder. @param {readonly string[]} paths */
export function hashOfSources(paths) {
  const hash = createHash("sha256");
  const files = paths.flatMap((path) => (/\.[a-z]+$/.test(path) ? [path] : filesOf(path)));
  for (const path of files.sort()) {
    const bytes = readFileSync(join(root, path));
    hash.update(`${path}\n${bytes.length}\n`).update(bytes);
  }
  return hash.digest("hex");
}

/** @param {string} path @returns {string[]} */
function filesOf(path) {
  const entries = readdirSync(join(root, path), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const below = `${path}/${entry.name}`;
    return entry.isDirectory() ? filesOf(below) : [below];
  });
}
