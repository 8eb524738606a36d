// docs/cli.md is held to the code: its exit codes, its commands, its variables.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { RESOURCES } from "../../src/cli/resources.ts";
import { VIEW_FILTERS } from "../../src/wire/types/views.ts";
import { listQuerySchema } from "../../src/wire/schemas/api.ts";
import { openTerminal, temporaryFolder } from "./terminal.ts";

const manual = readFileSync(join(import.meta.dirname, "../../docs/cli.md"), "utf8");
const main = readFileSync(join(import.meta.dirname, "../../src/main/cli.ts"), "utf8");

test("the manual lists every exit code and no other", () => {
  const listed = [...manual.matchAll(/^\| (\d) \|/gm)].map(([, code]) => Number(code));
  assert.deepEqual(listed, Object.values(EXIT));
});

test("the manual lists every command", async (t) => {
  const dir = temporaryFolder(t);
  const terminal = openTerminal({ configDir: dir, dataDir: dir });
  const table = manual.slice(manual.indexOf("| command | does |"), manual.indexOf("### get"));
  const names = async (...words: string[]): Promise<readonly string[]> =>
    (await terminal(["__complete", "--", ...words])).out.split("\n").filter((word) => /^[a-z]/.test(word));
  const commands = await names();
  assert.ok(commands.length >= 20);
  for (const command of commands) assert.match(table, new RegExp(`\`${command}\\b`), command);
  for (const group of ["policy", "client", "source", "keys", "kill"]) {
    for (const command of await names(group)) assert.match(table, new RegExp(`\`[^\`]*\\b${command}`), command);
  }
});

test("the manual lists every resource, and what can be described", async (t) => {
  const dir = temporaryFolder(t);
  const terminal = openTerminal({ configDir: dir, dataDir: dir });
  const [row = ""] = /^\| `get RESOURCE.*$/m.exec(manual) ?? [];
  for (const { plural } of RESOURCES) assert.ok(row.includes(`\`${plural}\``), plural);
  const [, described = "?"] = /^\| `describe .*\| everything about an? (.*), in words \|$/m.exec(manual) ?? [];
  const help = (await terminal(["describe", "--help"])).out;
  assert.ok(help.includes(`Everything about one ${described}, in words`), described);
  const [, taken = ""] = /resource +(\S.*)$/m.exec(help) ?? [];
  for (const name of taken.trim().split(", ")) assert.match(described, new RegExp(`\\b${name}\\b`));
});

test("the manual names every variable that the command reads", () => {
  const read = [...main.matchAll(/HOLDPOINT_[A-Z_]+/g)].map(([name]) => name);
  assert.ok(read.length >= 5);
  for (const name of [...read, "HOLDPOINT_CONFIG"]) assert.ok(manual.includes(`\`${name}\``), name);
});

test("what the console says to type is a command with these arguments", async (t) => {
  const dir = temporaryFolder(t);
  const terminal = openTerminal({ configDir: dir, dataDir: dir, server: "http://127.0.0.1:1" });
  const root = join(import.meta.dirname, "../../src/console");
  const pages = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".tsx"));
  const texts = pages.map((name) => readFileSync(join(root, name), "utf8"));
  const said = texts.flatMap((text) =>
    [...text.matchAll(/<Command>\{?[`]?holdpoint ([^<`]+)/g)].map(([, line = ""]) => line),
  );
  assert.ok(said.length >= 8, said.join());
  for (const line of said) {
    const words = line
      .replace("${action.id}", "act_000000001")
      .replace(/[A-Z]{4,}/, "none")
      .trim()
      .split(" ");
    const { err } = await terminal(words);
    assert.doesNotMatch(err, /too many arguments|unknown (option|command)|missing required argument/, line);
  }
});

test("every filter of a list is one that its view and the API have", () => {
  for (const { plural, filters } of RESOURCES) {
    if (!(plural in VIEW_FILTERS) || plural === "policies") continue;
    const known: readonly string[] = VIEW_FILTERS[plural as keyof typeof VIEW_FILTERS];
    for (const filter of filters) {
      const isKnown = known.includes(filter) || filter === "correlationId"; // no view's own: the list translates it
      assert.ok(isKnown && filter in listQuerySchema.shape, `${plural} ${filter}`);
    }
  }
});
