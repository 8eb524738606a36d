// `--watch` and `-o json` on every command that asks or answers: what scripts read, and the exit code at the end.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { registerPerson } from "./people.ts";
import { startServer, type RunningServer } from "./running-server.ts";
import type { Outcome, RunOptions } from "./terminal.ts";

let server: RunningServer;
const cleanups: (() => unknown)[] = [];
const run = (argv: string, options?: RunOptions): Promise<Outcome> => server.terminal(argv.split(" "), options);
const ada = (rest: string, options?: RunOptions): Promise<Outcome> => run(`--client person:ada ${rest}`, options);
const eve = (rest: string, options?: RunOptions): Promise<Outcome> => run(`--client person:eve ${rest}`, options);

before(async () => {
  server = await startServer({ after: (cleanup) => void cleanups.unshift(cleanup as () => unknown) });
  const scopes = "actions:propose:* actions:read actions:cancel payloads:read agents:read";
  await registerPerson(server, "eve", `--role nobody --scope ${scopes}`);
  await registerPerson(server, "ada", "--role on-call owner");
});
after(async () => {
  for (const cleanup of cleanups) await cleanup();
});

const PROPOSE = "propose record.note -e production -s cart -a text=hello";
const jsonOf = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;
const linesOf = (text: string): readonly string[] => text.split("\n").filter((line) => line !== "");

async function held(): Promise<string> {
  const { code, out, err } = await eve(PROPOSE);
  assert.equal(code, 3, err);
  return out.split(" ")[0] ?? "";
}

describe("--watch", () => {
  test("follows a proposal to its end, however it is decided, and exits as its last status says", async () => {
    let id = "";
    const watched = eve(`${PROPOSE} --watch`, { onOut: (text) => (id ||= text.split(" ")[0] ?? "") });
    while (id === "") await setTimeout(20);
    assert.equal((await ada(`deny ${id} --reason no --yes`)).code, 0);
    const { code, out } = await watched;
    assert.equal(code, 4);
    assert.deepEqual(linesOf(out), [`${id} held`, `${id} denied`]);
  });

  test("prints one JSON document a line, for scripts", async () => {
    let first = "";
    const watched = eve(`${PROPOSE} -w -o json`, { onOut: (text) => (first ||= text) });
    while (first === "") await setTimeout(20);
    const approved = await ada(`approve ${String(jsonOf(first)["id"])} --yes --watch -o json`);
    assert.equal(approved.code, 0, approved.err);
    assert.equal(jsonOf(linesOf(approved.out).at(-1) ?? "")["status"], "succeeded");
    const { code, out } = await watched;
    assert.equal(code, 0);
    const statuses = linesOf(out).map((line) => jsonOf(line)["status"]);
    assert.deepEqual([statuses[0], statuses.at(-1)], ["held", "succeeded"]);
  });

  test("describes and explains an action again with each change", async () => {
    const id = await held();
    let seen = 0;
    const count = { onOut: () => void seen++ };
    const watching = [ada(`describe action ${id} --watch`, count), ada(`explain ${id} --watch`, count)];
    while (seen < 2) await setTimeout(20);
    assert.equal((await eve(`cancel ${id} --watch`)).code, 0);
    const [described, explained] = await Promise.all(watching);
    assert.deepEqual([described?.code, explained?.code], [4, 4]);
    for (const status of ["held", "cancelled"]) assert.match(described?.out ?? "", new RegExp(status));
    assert.equal(explained?.out.match(/Who approved the agent's authority/g)?.length, 2);
  });

  test("ends when interrupted, with the exit code of what is so far", async () => {
    const id = await held();
    const stop = new AbortController();
    const { code } = await ada(`describe ${id.replace("act_", "act/act_")} -w`, {
      interrupted: stop.signal,
      onOut: () => stop.abort(),
    });
    assert.equal(code, 3);
  });

  test("asks for nothing where it cannot print what is asked for", async () => {
    const before = linesOf((await ada("get actions -o name")).out).length;
    for (const more of ["--watch -o yaml", "--watch -o name", "--watch --wait 1"]) {
      assert.equal((await eve(`${PROPOSE} ${more}`)).code, 2, more);
    }
    assert.equal(linesOf((await ada("get actions -o name")).out).length, before);
    assert.match((await ada("describe agent agent:x --watch")).err, /follows an action/);
  });
});

describe("-o json", () => {
  test("gives what came of each answer", async () => {
    const id = await held();
    const answered = await ada(`deny ${id} --reason no --yes -o json`);
    assert.deepEqual([jsonOf(answered.out)["id"], jsonOf(answered.out)["status"]], [id, "denied"]);
    const other = await held();
    assert.equal(jsonOf((await eve(`cancel ${other} -o json`)).out)["status"], "cancelled");
    const third = await held();
    assert.equal(jsonOf((await ada(`approve ${third} --yes -o json`)).out)["status"], "succeeded");
    const document = jsonOf((await ada(`describe action ${third} -o json`)).out);
    assert.deepEqual([document["id"], document["status"]], [third, "succeeded"]);
  });

  test("gives a token with what it says, and an agent's request with where it lies", async () => {
    const printed = jsonOf((await eve("token -o json")).out);
    assert.deepEqual([printed["client"], typeof printed["expiresAt"]], ["person:eve", "number"]);
    assert.match(String(printed["token"]), /^[\w-]+\.[\w-]+\.[\w-]+$/);
    const out = join(server.dir, "mate.agent.json");
    const bounds = "--models maker/model --kinds record.note --environments staging --services * --volume 10";
    const made = await run(`agent init mate --owner person:keeper --purpose tests ${bounds} --out ${out} -o json`);
    const { id, request, keyFile, thumbprint } = jsonOf(made.out);
    assert.deepEqual([id, request], ["agent:mate", out]);
    assert.match(String(keyFile), /agent_mate/);
    assert.match(String(thumbprint), /^[\w-]{43}$/);
    assert.ok(!made.out.includes('"d"'), "the private key is not printed");
    const asked = await eve(`agent register ${out} -o json`);
    assert.equal(asked.code, 3, asked.err);
    assert.equal(jsonOf(asked.out)["status"], "held");
    assert.equal((await ada(`approve ${String(jsonOf(asked.out)["id"])} --yes`)).code, 0);
    const revoked = await run("agent revoke agent:mate -o json");
    assert.equal(revoked.code, 0, revoked.err);
    assert.equal(jsonOf(revoked.out)["status"], "revoked");
  });
});
