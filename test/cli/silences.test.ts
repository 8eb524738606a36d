// `holdpoint silence`: asked for, agreed to by somebody who sees what it covers, shown, ended.

import assert from "node:assert/strict";
import { test } from "node:test";
import { registerPerson } from "./people.ts";
import { startServer } from "./running-server.ts";

test("a silence is created with another's word, listed, and ended alone", async (t) => {
  const server = await startServer(t);
  const { terminal } = server;
  const where = ["--environment", "prod", "--service", "cart", "--reason", "new disks"];
  const asked = await terminal(["silence", "create", ...where, "--for", "2h"]);
  assert.equal(asked.code, 3, asked.err);
  const action = asked.out.split(" ")[0] ?? "";
  assert.match(asked.err, new RegExp(`somebody else runs .holdpoint approve ${action}`));
  assert.equal((await terminal(["get", "silences"])).err, "no silences\n");

  await registerPerson(server, "ada", "--role on-call");
  const approved = await terminal(["--client", "person:ada", "approve", action], { typed: ["approve"] });
  assert.equal(approved.code, 0, approved.err);
  assert.match(approved.err, /Acts on +production \/ cart, quiet from \S+Z until \S+Z\n/);
  assert.match((await terminal(["get", "approvers"])).out, /^PERSON +STATUS .*\nada +clear +1 +100% +\d+(\.\d)?s /);

  const listed = await terminal(["get", "silences"]);
  assert.match(
    listed.out,
    /^ID +STATUS +ENVIRONMENT +SERVICE +FROM +UNTIL +SIGNALS\nsil_\S+ +in force +production +cart /,
  );
  const id = /sil_\S+/.exec(listed.out)?.[0] ?? "";
  const ended = await terminal(["silence", "end", id, "--reason", "done"]);
  assert.deepEqual([ended.code, ended.out], [0, `${id} ended\n`], ended.err);
  assert.match((await terminal(["get", "sil", id])).out, / ended +production /);
  assert.equal((await terminal(["silence", "end", id])).code, 1);
  assert.equal((await terminal(["get", "storms", "--status", "ended"])).err, "no storms\n");
});

test("a silence without an end, or with two, or for no duration, is a mistake", async (t) => {
  const { terminal } = await startServer(t);
  const create = ["silence", "create", "-e", "prod", "--reason", "r"];
  for (const more of [[], ["--for", "2h", "--until", "2026-11-20T10:00:00Z"], ["--for", "soon"], ["--for", "0m"]]) {
    assert.equal((await terminal([...create, ...more])).code, 2, more.join(" "));
  }
});
