// Where the built server is: dist/server-HASH, of exactly the sources that are there now, or nowhere yet.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { hashOfSources, root } from "./sources.mjs";

export const dist = join(root, "dist");
const ALSO = ["scripts/build-server.mjs", "scripts/named-stacks.mjs", "package-lock.json"];

/** The folder that a build of the present sources has, whether or not it is there. */
export function serverFolder() {
  const rooms = readdirSync(join(root, "src")).filter((name) => name !== "console");
  return join(dist, `server-${hashOfSources([...rooms.map((name) => `src/${name}`), ...ALSO]).slice(0, 16)}`);
}

/** What to run of `src/main`: as it was built, else as it is written. @param {"serve" | "cli"} name */
export function entryOf(name) {
  const written = join(root, "src", "main", `${name}.ts`);
  if (!existsSync(dist)) return written;
  const built = join(serverFolder(), `${name}.mjs`);
  return existsSync(built) ? built : written;
}
