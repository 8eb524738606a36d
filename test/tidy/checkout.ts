// The files of the checkout, as the tidy checks see them.

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const SKIPPED = new Set(["node_modules", ".git", ".holdpoint", ".install-lock", "coverage", "dist"]);
const CODE = /\.(ts|tsx|mjs)$/;
const TEXT = /\.(ts|tsx|mjs|json|jsonc|md|ya?ml|sql|sh|txt|toml)$|(^|\/)(Dockerfile|run)$/;
const GENERATED = new Set(["package-lock.json", "LICENSE"]);

/** Paths relative to the project, forward slashes, sorted. */
function listFiles(folder = ""): readonly string[] {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  return entries
    .flatMap((entry) => {
      if (SKIPPED.has(entry.name)) return [];
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? listFiles(path) : [path];
    })
    .sort();
}

const FILES = listFiles();

export const TEXT_FILES = FILES.filter((path) => TEXT.test(path) && !GENERATED.has(path));
export const CODE_FILES = FILES.filter((path) => CODE.test(path));
export const SRC_FILES = CODE_FILES.filter((path) => path.startsWith("src/"));

export function isFile(path: string): boolean {
  return FILES.includes(path);
}

export function readText(path: string): string {
  return readFileSync(join(ROOT, path.split("/").join(sep)), "utf8");
}
