// `--watch` and `-o json` on every command that asks, answers or stops, windows and lists: what scripts read, and the exit code at the end.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
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

const note = (environment: string): string => `propose record.note -e ${environment} -s cart -a text=hello`;

test("a pause is an answer in JSON, and is followed until all of what it found has ended", async () => {
  const paused = await ada("kill --service follow -w -o json");
  assert.equal(paused.code, 0, paused.err);
  const lines = paused.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(typeof lines[0]?.["brake"], "string");
  assert.deepEqual([lines.at(-1)?.["id"], lines.at(-1)?.["complete"]], [lines[0]?.["brake"], true]);
  const preview = JSON.parse((await ada("kill --preview -o json")).out) as Record<string, unknown>;
  assert.equal(typeof preview["counts"], "object");
  const shown = JSON.parse((await ada("kill status -o json")).out) as Record<string, unknown>;
  assert.equal((shown["brakes"] as unknown[]).length, 1, "a subcommand's own flags are its own");
  assert.match((await ada(`kill report ${String(lines[0]?.["brake"])} --watch`)).out, /^Brake +brk_/);
  const resumed = await run("kill --resume --service follow -o json");
  const [release] = (JSON.parse(resumed.out) as { resumes: { id: string }[] }).resumes;
  assert.equal(resumed.code, 3);
  assert.equal((await ada(`approve ${release?.id ?? ""} --yes`)).code, 0);
  assert.equal((await ada("kill --preview -w")).code, 2);
});

test("a proposal may name when it begins, and is not made with a window that is none", async () => {
  const waiting = await run(`${note("staging")} --not-before 1h --not-after 2h -o json`);
  assert.equal(waiting.code, 3, waiting.err);
  const { id, status } = JSON.parse(waiting.out) as { id: string; status: string };
  assert.equal(status, "waiting");
  const { window } = JSON.parse((await run(`get action ${id} -o json`)).out) as { window: Record<string, number> };
  assert.equal((window["notAfter"] ?? 0) - (window["notBefore"] ?? 0), 3_600_000);
  assert.equal((await run(`cancel ${id}`)).code, 0);
  assert.equal((await run(`${note("staging")} --not-after 2026-01-01T00:00:00Z`)).code, 1, "it is over");
  for (const flags of ["--not-before 1h", "--not-after soon", "--not-after 2h --not-before 0h"]) {
    assert.equal((await run(`${note("staging")} ${flags}`)).code, 2, flags);
  }
});

test("what may be proposed is listed with its arguments, and what may not says where to look", async () => {
  const unknown = await run("propose record.not -e staging -s cart");
  assert.match(unknown.err, /action-kind-unknown: .*record\.not[^]*\nnext: holdpoint get kinds/);
  assert.match((await run("get kinds")).out, /^record\.note +idempotent +- +text tags\?$/m);
  assert.match((await run("get kind record.note -o yaml")).out, /^kind: record\.note$/m);
  assert.equal((await run("get kind nothing")).code, 1);
});

test("a list of proposals is decided one by one, answered in its order, and never made twice", async () => {
  const of = (environment: string, kind = "record.note"): object => ({
    kind,
    target: { environment, service: "cart" },
    arguments: { text: "of many" },
  });
  const file = join(server.dir, "proposals.json");
  writeFileSync(file, JSON.stringify([of("staging"), of("production"), { ...of("staging"), target: 1 }]));
  const mixed = await run(`propose -f ${file} --idempotency-key of-many`);
  assert.equal(mixed.code, 1, mixed.err);
  assert.match(mixed.out, /^1 act_\S+ succeeded\b.*\n2 act_\S+ held\b.*\n3 request-invalid: \/target.*\n$/);
  const again = await run(`propose -f ${file} --idempotency-key of-many -o json`);
  const actions = JSON.parse(again.out) as { action?: { id: string; repeated: boolean } }[];
  assert.deepEqual(
    actions.map(({ action }) => action?.id),
    [...mixed.out.matchAll(/act_\w+/g)].map(([id]) => id).concat([undefined as unknown as string]),
  );
  assert.ok(actions.slice(0, 2).every(({ action }) => action?.repeated === true));
  writeFileSync(file, JSON.stringify(Array.from({ length: 33 }, () => of("staging"))));
  const many = await run(`propose -f ${file} -o name`);
  assert.deepEqual([many.code, many.out.trim().split("\n").length], [0, 33], many.err);
  const dry = await run(`propose -f - --dry-run`, { piped: JSON.stringify([of("staging"), of("production")]) });
  assert.equal(dry.code, 4, "advice alone");
  const yaml = `# written by hand\n- kind: record.note\n  target: { environment: staging, service: cart }\n  arguments:\n    text: 2026-01-01\n`;
  assert.match((await run("propose -f -", { piped: yaml })).out, /^1 act_\S+ succeeded\b.*\n$/);
  const apart = `${yaml.replaceAll(/^(?:- | {2})/gm, "")}---\n${JSON.stringify(of("production"))}\n---\n`;
  assert.match((await run("propose -f -", { piped: apart })).out, /^1 act_\S+ succeeded\b.*\n2 act_\S+ held\b.*\n$/);
  assert.match((await run("propose -f -", { piped: '{"kind":"record.note"}' })).out, /^1 request-invalid: .*\n$/);
  for (const [argv, piped] of [
    ["propose -f - -e staging", "[]"],
    ["propose record.note -f -", "[]"],
    ["propose -f - --wait 1", "[]"],
    ["propose -f -", "[]"],
    ["propose -f -", '[{"kind":1}]'],
    ["propose -f -", ""],
    ["propose -f -", "kind: a\nkind: b\n"],
    ["propose -f -", "kind: [a\n"],
    ["propose -f -", "- &a { kind: a }\n- *a\n"],
    ["propose -f -", "kind: a\narguments: { n: 9007199254740993 }\n"],
    ["propose -f -", "kind: a\narguments: { n: .inf }\n"],
    ["propose -f -", "kind: !!binary aGk=\n"],
    ["propose -f -", `kind: ${"- ".repeat(8_000)}a`],
    ["propose -f -", `- ${"- ".repeat(8_000)}a`],
    ["propose -f -", '[{"kind":"a","kind":"b"}]'],
    ["propose", ""],
    ["propose record.note", ""],
  ] as const) {
    assert.equal((await run(argv, { piped })).code, 2, `${argv} ${piped}`);
  }
});

test("a pause is previewed, applied, seen, and lifted by somebody else", async () => {
  const id = await held();
  const preview = await ada("kill --preview --service cart");
  assert.ok(preview.out.includes(id), preview.out);
  const paused = await ada("kill --service cart --reason drill");
  assert.equal(paused.code, 0, paused.err);
  assert.match(paused.out, /^brk_[0-9a-z]{9} pause\n/);
  assert.match((await ada("kill status")).out, /^run\n.*\nbrk_\S+ +pause +service=cart\n/);
  assert.match((await ada(`approve ${id} --yes`)).err, /killswitch-conflict: .*\nnext: holdpoint kill status/);
  const resume = await run("kill --resume --service cart");
  assert.equal(resume.code, 3);
  const action = resume.out.split(" ")[0] ?? "";
  assert.equal((await ada(`approve ${action} --yes`)).code, 0);
  assert.equal((await ada("kill status")).out, "run\n");
  assert.equal((await run("kill --resume --service cart")).code, 1);
  assert.equal((await run("kill --pause --resume")).code, 2);
});
