// Settings by precedence, usage errors, and what works on one machine alone.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { resolveSettings } from "../../src/cli/settings.ts";
import { openTerminal, temporaryFolder } from "./terminal.ts";

function environment(configDir: string, more: { server?: string; client?: string } = {}) {
  const none = { token: undefined, tokenFile: undefined, postgresUrl: null, dataDir: "/nowhere" };
  return { ...none, configDir, server: more.server, client: more.client };
}

test("a flag wins over the environment, that over the file, that over the default", (t) => {
  const dir = temporaryFolder(t);
  const serverOf = (flags: { server?: string; context?: string }, env: { server?: string } = {}): string =>
    resolveSettings(flags, environment(dir, env)).server;
  assert.equal(serverOf({}), "http://127.0.0.1:4600");
  writeFileSync(join(dir, "config.yaml"), "server: http://file:1\nclient: person:owner\n");
  assert.equal(serverOf({}), "http://file:1");
  assert.equal(serverOf({}, { server: "http://env:2" }), "http://env:2");
  assert.equal(serverOf({ server: "https://flag:3/" }, { server: "http://env:2" }), "https://flag:3");
  assert.equal(resolveSettings({}, environment(dir)).client, "person:owner");
  assert.equal(resolveSettings({}, environment(dir, { client: "agent:a" })).client, "agent:a");
});

test("a context with a server of its own does not take another server's client along", (t) => {
  const dir = temporaryFolder(t);
  const contexts = "contexts: { eu: { server: http://eu:1 }, me: { client: person:me } }\n";
  writeFileSync(join(dir, "config.yaml"), `server: http://top:1\nclient: person:owner\n${contexts}`);
  const settings = (context: string) => resolveSettings({ context }, environment(dir));
  assert.deepEqual([settings("eu").server, settings("eu").client], ["http://eu:1", null]);
  assert.deepEqual([settings("me").server, settings("me").client], ["http://top:1", "person:me"]);
  assert.throws(() => settings("constructor"), /has no context/);
});

test("a server is an origin, and a configuration file holds what it may", async (t) => {
  const dir = temporaryFolder(t);
  const terminal = openTerminal({ configDir: dir, dataDir: dir });
  for (const server of ["ftp://x", "x", "http://user:secret@x", "http://x/path", "http://x?q=1"]) {
    assert.equal((await terminal(["get", "actions", "--server", server])).code, 2, server);
  }
  assert.equal((await terminal(["get", "actions", "--timeout", "0"])).code, 2);
  writeFileSync(join(dir, "config.yaml"), "token: secret\n");
  assert.match((await terminal(["get", "actions"])).err, /config\.yaml: .*Unrecognized key/);
});

test("usage errors exit 2 with a message and no data; help and version exit 0", async (t) => {
  const dir = temporaryFolder(t);
  const terminal = openTerminal({ configDir: dir, dataDir: dir });
  for (const argv of [
    "",
    "nothing",
    "get",
    "get actions -o xml",
    "propose a.b",
    "deny act_1",
    "completion tcsh",
    "kill --no",
  ]) {
    const { code, out, err } = await terminal(argv.split(" ").filter((word) => word !== ""));
    assert.equal(code, 2, argv);
    assert.equal(out, "", argv);
    assert.notEqual(err, "", argv);
  }
  assert.equal((await terminal(["version"])).out, "1.2.3\n");
  assert.equal((await terminal(["--version"])).out, "1.2.3\n");
  assert.match((await terminal(["propose", "--help"])).out, /--args-file/);
});

test("serve is handed to main", async (t) => {
  const dir = temporaryFolder(t);
  assert.match((await openTerminal({ configDir: dir, dataDir: dir })(["serve"])).err, /holdpoint: served/);
});

test("the shipped policies lint and pass their tests; a broken folder says where", async (t) => {
  const dir = temporaryFolder(t);
  const terminal = openTerminal({ configDir: dir, dataDir: dir });
  const lint = await terminal(["policy", "lint"]);
  assert.equal(lint.code, 0, lint.out);
  assert.match((await terminal(["policy", "test"])).err, /^\d+ cases, 0 failed\n$/);
  const folder = join(dir, "policies");
  mkdirSync(join(folder, "tests"), { recursive: true });
  writeFileSync(
    join(folder, "a.yaml"),
    "apiVersion: holdpoint.dev/v1\nkind: Policy\nmetadata: { name: a }\nspec: { match: 1 }\n",
  );
  const broken = await terminal(["policy", "lint", folder]);
  assert.equal(broken.code, 1);
  assert.match(broken.out, /^a\.yaml:4:\d+: /);
  const shipped = readFileSync(join(import.meta.dirname, "../../policies/routes.yaml"), "utf8");
  writeFileSync(join(folder, "a.yaml"), shipped);
  assert.equal((await terminal(["policy", "test", folder])).code, 1, "no cases have shown nothing");
  const facts = "facts: { action: { kind: a.b } }, expect: { decision: allow }";
  const head = "apiVersion: holdpoint.dev/v1\nkind: PolicyTest\nmetadata: { name: t }\n";
  writeFileSync(join(folder, "tests", "t.yaml"), `${head}cases: [{ name: one, ${facts} }]\n`);
  assert.match((await terminal(["policy", "test", folder])).out, /t\/one: expected allow, got refuse/);
});

test("a client's key is its owner's alone, and its id cannot leave the folder", async (t) => {
  const dir = temporaryFolder(t);
  const [configDir, dataDir] = [join(dir, "config"), join(dir, "data")];
  const terminal = openTerminal({ configDir, dataDir });
  const argv = ["client", "add", "agent:bot", "--kind", "agent", "--owner", "person:ada"];
  assert.match((await terminal(argv)).err, /no data folder/);
  mkdirSync(dataDir);
  assert.equal((await terminal(argv)).code, 0);
  assert.equal(statSync(join(configDir, "clients", "agent_bot.jwk")).mode & 0o777, 0o600);
  const file = JSON.parse(readFileSync(join(dataDir, "clients", "agent:bot.json"), "utf8")) as Record<string, unknown>;
  assert.deepEqual([file["scopes"], file["owner"]], [["actions:propose:*"], "person:ada"]);
  assert.equal((await terminal(argv)).code, 1, "it exists");
  for (const id of ["agent:../x", "agent:", "person:bot", "agent:A", "x"]) {
    assert.equal((await terminal(["client", "add", id, "--kind", "agent"])).code, 2, id);
  }
  assert.equal((await terminal(["client", "add", "agent:b", "--kind", "agent", "--scope", "everything"])).code, 2);
  assert.equal((await terminal(["client", "disable", "agent:bot"])).code, 0);
  assert.equal((await terminal(["client", "disable", "agent:nobody"])).code, 1);
});

test("a shell is told what may come next", async (t) => {
  const dir = temporaryFolder(t);
  const terminal = openTerminal({ configDir: dir, dataDir: dir });
  const after = async (...words: string[]): Promise<readonly string[]> =>
    (await terminal(["__complete", "--", ...words])).out.split("\n");
  assert.ok((await after()).includes("approve"));
  assert.ok(!(await after()).includes("__complete"));
  assert.ok((await after("get")).includes("actions"));
  assert.ok((await after("get", "actions", "-o")).includes("yaml"));
  assert.ok((await after("policy")).includes("lint"));
  assert.ok((await after("propose", "x")).includes("--idempotency-key"));
  for (const shell of ["bash", "zsh", "fish"]) {
    assert.match((await terminal(["completion", shell])).out, /__complete/);
  }
});
