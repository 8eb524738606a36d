// People at the command line of a running server: the one owner of a first start registers them alone, the owners last.

import assert from "node:assert/strict";
import { join } from "node:path";
import type { RunningServer } from "./running-server.ts";

/** A person with a key of their own; `flags` as `person init` takes them. */
export async function registerPerson({ terminal, dir }: RunningServer, name: string, flags = ""): Promise<void> {
  const out = join(dir, `${name}.person.json`);
  const made = await terminal([
    "person",
    "init",
    name,
    "--out",
    out,
    ...flags.split(" ").filter((word) => word !== ""),
  ]);
  assert.equal(made.code, 0, made.err);
  const registered = await terminal(["person", "register", out]);
  assert.equal(registered.code, 0, registered.err);
}
