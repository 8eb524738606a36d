// The command line against a whole running server: what people and scripts see from a proposal to its proof.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { startServer, type RunningServer } from "./running-server.ts";
import type { Outcome, RunOptions } from "./terminal.ts";
import { approve, giveLevel } from "./levels.ts";
import { registerPerson } from "./people.ts";

const BY_MODEL = `--model maker/model@2026-11 --prompt-hash ${"a".repeat(64)}`;

describe("the command line with a running server", () => {
  let server: RunningServer;
  let request = "";
  const cleanups: (() => unknown)[] = [];
  const run = (argv: string, options?: RunOptions): Promise<Outcome> => server.terminal(argv.split(" "), options);

  before(async () => {
    server = await startServer({ after: (cleanup) => void cleanups.unshift(cleanup as () => unknown) });
    await registerPerson(server, "eve", "--role nobody");
    await registerPerson(server, "bound", "--scope actions:propose:* --dpop");
    await registerPerson(server, "ada", "--role on-call owner");
    request = join(server.dir, "bot.agent.json");
    const bounds = "--models maker/model --kinds * --environments * --services * --volume 100000";
    const init = `agent init bot --owner person:keeper --purpose tests ${bounds} --out ${request}`;
    assert.equal((await run(init)).code, 0);
    await approve(await run(`agent register ${request}`), ada);
    await known("agent:bot");
    await giveLevel("agent:bot", { asks: bot, answers: ada });
  });
  after(async () => {
    for (const cleanup of cleanups) await cleanup();
  });

  /** A server looks at its clients' files once a second. */
  async function known(id: string): Promise<void> {
    while ((await run(`--client ${id} token`)).code !== 0) await setTimeout(50);
  }

  /** An agent that signs what it proposes. */
  const bot = (rest: string, options?: RunOptions): Promise<Outcome> => {
    const signs = rest.startsWith("propose ") ? ` ${BY_MODEL}` : "";
    return run(`--client agent:bot ${rest}${signs}`, options);
  };
  const ada = (rest: string, options?: RunOptions): Promise<Outcome> => run(`--client person:ada ${rest}`, options);
  const note = (environment: string): string => `propose record.note -e ${environment} -s cart -a text=hello`;

  async function held(): Promise<string> {
    const { code, out, err } = await bot(note("production"));
    assert.equal(code, 3, err);
    return out.split(" ")[0] ?? "";
  }

  test("what policy allows exits 0, and its status is the one line of standard output", async () => {
    const { code, out, err } = await bot(`${note("staging")} --reason fine`);
    assert.equal(code, 0, err);
    assert.match(out, /^act_[0-9a-z]{9} succeeded\n$/);
    assert.match(err, /^next: holdpoint describe action act_/);
  });

  test("login says who one is, and with --web prints a link that opens one session of that person", async () => {
    const who = await ada("login");
    assert.equal(who.out, "person:ada\n", who.err);
    assert.match(who.err, /roles: on-call, owner/);
    const { code, out, err } = await ada("login --web");
    assert.equal(code, 0, err);
    const link = new URL(out.trim());
    assert.equal(link.origin + link.pathname, `${server.url}/console/`);
    const headers = { "content-type": "application/json", "x-holdpoint-csrf": "1", origin: server.url };
    const body = JSON.stringify({ code: link.hash.slice("#code=".length) });
    const answer = await fetch(`${server.url}/v1/session`, { method: "POST", headers, body });
    assert.equal(((await answer.json()) as { identity?: string }).identity, "person:ada");
    assert.match((await bot("login --web")).err, /people-only/);
  });

  test("a client for whom another issuer vouches has no key, and needs both halves of its name there", async () => {
    const issuer = "--issuer https://login.example";
    const { code, err } = await run(`client add agent:theirs --kind agent ${issuer} --subject 0oa1`);
    assert.equal(code, 0, err);
    const file = JSON.parse(readFileSync(join(server.dataDir, "clients", "agent:theirs.json"), "utf8")) as object;
    const subjects = [{ issuer: "https://login.example", subject: "0oa1" }];
    assert.deepEqual(
      { ...file, scopes: [] },
      { id: "agent:theirs", kind: "agent", roles: [], scopes: [], subjects, keys: [] },
    );
    assert.ok(!existsSync(join(server.configDir, "clients", "agent_theirs.jwk")));
    assert.equal((await run(`client add agent:theirs --kind agent ${issuer} --subject 0oa1`)).code, 1);
    assert.equal((await run(`client add agent:half --kind agent ${issuer}`)).code, 2);
  });

  test("a client whose tokens must be bound to its key is served like any other", async () => {
    const { code, out, err } = await run(`--client person:bound ${note("staging")}`);
    assert.equal(code, 0, err);
    const read = await run(`--client person:bound get action ${out.split(" ")[0] ?? ""} -o json`);
    assert.equal(read.code, 0, read.err);
    const token = (await run("--client person:bound token")).out.trim();
    const stolen = await fetch(`${server.url}/v1/session`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(((await stolen.json()) as { code?: string }).code, "dpop-proof-missing");
  });

  test("a repeated proposal under one key is the same action, with the exit code of what became of it", async () => {
    const first = await bot(`${note("staging")} --idempotency-key once -q`);
    const again = await bot(`${note("staging")} --idempotency-key once -q -o json`);
    assert.equal(again.code, 0);
    assert.equal((JSON.parse(again.out) as { id: string }).id, first.out.split(" ")[0]);
    const other = await bot(`${note("staging")} -a tags:=["x"] --idempotency-key once`);
    assert.equal(other.code, 1);
    assert.match(other.err, /signature-replayed/);
  });

  test("an agent's proposal says by which key and model, and none goes out without a model it declared", async () => {
    const proposal = note("staging");
    const { out } = await bot(proposal);
    const described = await ada(`describe action ${out.split(" ")[0] ?? ""}`);
    assert.match(described.out, /Signed +by agent key [\w-]{43}, model maker\/model@2026-11, prompt aaaaaaaaaaaa…/);
    assert.match((await ada(`explain ${out.split(" ")[0] ?? ""}`)).out, /model maker\/model@2026-11/);
    const silent = await run(`--client agent:bot ${proposal}`);
    assert.deepEqual([silent.code, /--model provider\/name@version/.test(silent.err)], [2, true]);
    const other = await run(`--client agent:bot ${proposal} --model maker/other@1 --prompt-file ${request}`);
    assert.equal(other.code, 1);
    assert.match(other.err, /model-undeclared/);
    assert.match((await ada("describe agent agent:bot")).out, /Refused +\d+ proposals, last model-undeclared/);
  });

  test("an agent's key stays where it was made, is not made twice, and its request registers nothing that is refused", async () => {
    const init = "agent init bot --owner person:keeper --purpose tests --models maker/model --kinds * --environments *";
    const again = await run(`${init} --services * --volume 5 --out ${request}`);
    assert.deepEqual([again.code, /exists already/.test(again.err)], [1, true]);
    const kept = await run(`${init} --services cart --volume 5 --reuse-key --out ${request}`);
    assert.equal(kept.code, 0, kept.err);
    assert.doesNotMatch(readFileSync(request, "utf8"), /"d"/);
    for (const wrong of ["--volume 0", "--volume 1.5", "--volume 5 --scopes admin", "--volume 5 --reads logs"]) {
      assert.notEqual((await run(`${init} --services * ${wrong} --reuse-key --out ${request}.no`)).code, 0, wrong);
    }
    assert.ok(!existsSync(`${request}.no`));
  });

  test("agents are listed, and a revoked one is out at once", async () => {
    const made = join(server.dir, "brief.agent.json");
    const bounds = "--models maker/model --kinds record.note --environments staging --services * --volume 5";
    assert.equal((await run(`agent init brief --owner person:keeper --purpose tests ${bounds} --out ${made}`)).code, 0);
    const asked = (await run(`agent register ${made}`)).out.split(" ")[0] ?? "";
    assert.equal((await ada(`approve ${asked} --yes`)).code, 0);
    await known("agent:brief");
    assert.match((await run("get agents")).out, /agent:brief +active +person:keeper +record\.note +staging/);
    assert.equal((await run("agent revoke agent:brief --reason tests")).code, 0);
    assert.equal((await run("--client agent:brief token")).code, 1);
    assert.match((await run("get agents --status revoked -o name")).out, /agent\/agent:brief/);
  });

  test("arguments that do not fit say where, and one given twice is a usage error", async () => {
    const wrong = await bot("propose record.note -e staging -s cart -a txet=hello");
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /^holdpoint: arguments-invalid: .*places=.*text[^]*\nnext: holdpoint get kind KIND/);
    assert.equal((await bot("propose record.note -e staging -s cart -a text=a -a text=b")).code, 2);
    assert.equal((await bot("propose record.note -e staging -s cart -a text")).code, 2);
  });

  test("arguments come from a file or a pipe as one JSON object", async () => {
    const file = join(server.dir, "args.json");
    writeFileSync(file, `{"text":"from a file"}`);
    assert.equal((await bot(`propose record.note -e staging -s cart --args-file ${file}`)).code, 0);
    const piped = { piped: `{"text":"from a pipe"}` };
    assert.equal((await bot("propose record.note -e staging -s cart --args-file -", piped)).code, 0);
    const twice = { piped: `{"text":"a","text":"b"}` };
    assert.equal((await bot("propose record.note -e staging -s cart --args-file -", twice)).code, 2);
  });

  test("a person at a terminal sees plan and diff, and approves by typing the word", async () => {
    const id = await held();
    const { code, out, err } = await ada(`approve ${id}`, { typed: ["approve"] });
    assert.equal(code, 0, err);
    assert.equal(out, `${id} succeeded\n`);
    for (const part of [
      "Diff\n  note: hello",
      "Must sign     0 of 1: on-call",
      "nor any identity of the person ",
      "Time left",
    ]) {
      assert.ok(err.includes(part), `${part} in ${err}`);
    }
  });

  test("anything else typed answers nothing", async () => {
    const id = await held();
    for (const typed of [["yes"], ["y"], [""], []]) {
      const { code, err } = await ada(`approve ${id}`, { typed });
      assert.equal(code, 1);
      assert.match(err, /not confirmed/);
    }
    assert.match((await ada(`get action ${id}`)).out, /held/);
  });

  test("without a terminal nothing is asked: --yes or --plan-hash is needed", async () => {
    const id = await held();
    assert.equal((await ada(`approve ${id}`)).code, 2);
    const wrong = await ada(`approve ${id} --plan-hash ${"0".repeat(64)}`);
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /plan-mismatch/);
    const action = JSON.parse((await ada(`get action ${id} -o json`)).out) as { planHash: string };
    const right = await ada(`approve ${id} --plan-hash ${action.planHash} --reason seen`);
    assert.equal(right.code, 0, right.err);
  });

  test("who may not answer is told so: the proposer, an agent, a person without the role", async () => {
    const own = await run(note("production"));
    const ownId = own.out.split(" ")[0] ?? "";
    assert.match((await run(`approve ${ownId} --yes`)).err, /self-approval: /);
    const id = await held();
    assert.match((await bot(`approve ${id} --yes`)).err, /scope-insufficient: .*actions:approve/);
    const eve = await run(`--client person:eve approve ${id} --yes`);
    assert.equal(eve.code, 1);
    assert.match(eve.err, /not-eligible: /);
  });

  test("deny needs a reason and ends the action; scripts see 4 in what was denied", async () => {
    const id = await held();
    assert.equal((await ada(`deny ${id} --yes`)).code, 2);
    const denied = await ada(`deny ${id} --yes --reason wrong`);
    assert.equal(denied.code, 0, denied.err);
    assert.equal(denied.out, `${id} denied\n`);
    const late = await ada(`approve ${id} --yes`);
    assert.equal(late.code, 4);
    assert.match(late.err, /action-not-held/);
  });

  test("waiting ends with the answer of a person; interrupting it leaves the action as it is", async () => {
    const waiting = bot(`${note("production")} --wait 30 --idempotency-key waited`);
    // The same key: whichever of the two came first, it is one action.
    const id = (await bot(`${note("production")} --idempotency-key waited`)).out.split(" ")[0] ?? "";
    assert.equal((await ada(`deny ${id} --yes --reason no`)).code, 0);
    const ended = await waiting;
    assert.equal(ended.code, 4);
    assert.match(ended.out, new RegExp(`^${id} denied`));
    const stopped = await bot(`${note("production")} --wait 30`, { interrupted: AbortSignal.timeout(700) });
    assert.ok([1, 3].includes(stopped.code), String(stopped.code));
  });

  test("cancel takes an action back once", async () => {
    const id = await held();
    assert.deepEqual((await bot(`cancel ${id}`)).code, 0);
    const again = await bot(`cancel ${id}`);
    assert.equal(again.code, 1);
    assert.match(again.err, new RegExp(`action-not-cancellable.*\\nnext: holdpoint describe action ${id}`));
  });

  test("the same list as table, wide, names, JSON and YAML; short names and filters work", async () => {
    const id = await held();
    const table = await ada("get act --status held --limit 1");
    assert.match(table.out, /^ID +STATUS +KIND +ENVIRONMENT +SERVICE +AGENT +AGE\n/);
    assert.match(table.out, new RegExp(`${id} +held +record\\.note +production +cart +agent:bot +\\d+s`));
    assert.match((await ada("get actions -o wide --limit 1")).out, /PLAN\n.*[0-9a-f]{64}\n$/);
    assert.equal((await ada("get action -o name --status held --limit 1")).out, `action/${id}\n`);
    assert.match((await ada("get actions -o yaml --limit 1")).out, new RegExp(`id: ${id}`));
    const paged = await ada("get actions --limit 1");
    const cursor = /more: add --cursor (\S+)/.exec(paged.err)?.[1];
    assert.ok(cursor);
    assert.notEqual((await ada(`get actions --limit 1 -o name --cursor ${cursor}`)).out, `action/${id}\n`);
    assert.equal((await ada("get incidents")).err, "no incidents\n");
    assert.equal((await ada("get incidents --agent x")).code, 2);
    assert.equal((await ada("get things")).code, 2);
    assert.match((await ada("get actions act_nothing")).err, /action-not-found: .*\nnext: holdpoint get actions/);
  });

  test("watch prints what is there and what changes, then ends when interrupted", async () => {
    const stop = new AbortController();
    const { code, out } = await ada("get actions --watch -o json", {
      interrupted: stop.signal,
      onOut: () => stop.abort(),
    });
    assert.equal(code, 0);
    assert.ok(out.split("\n").every((line) => line === "" || line.startsWith('{"')));
  });

  test("explain gives the three answers; describe names the next command", async () => {
    const id = await held();
    const explained = await ada(`explain action/${id}`);
    assert.match((await ada(`explain run/${id}`)).err, /names no action/);
    for (const question of ["Who approved the agent's authority", "What constraints limited", "How the decision is"]) {
      assert.ok(explained.out.includes(question), explained.out);
    }
    for (const named of [`act ${id}`, `action/${id}`]) {
      assert.match((await ada(`describe ${named}`)).out, new RegExp(`holdpoint approve ${id}`));
    }
    assert.match((await ada("describe action")).err, /which one\?/);
  });

  test("a bounded grant is asked for with its bounds, given by those of its route, and listed", async () => {
    const bounds = "--kinds record.note -e production -s cart --route on-call --count 2 --until 1h";
    const asked = await run(`grant create agent:bot ${bounds} --reason many -o json`);
    assert.equal(asked.code, 3, asked.err);
    const { id } = JSON.parse(asked.out) as { id: string };
    assert.equal((await ada(`approve ${id} --yes`)).code, 0);
    const { items } = JSON.parse((await ada("get grants -o json")).out) as { items: Record<string, unknown>[] };
    const set = items.find(({ covers }) => covers === "set");
    assert.deepEqual((set?.["terms"] as Record<string, unknown> | undefined)?.["count"], 2);
    assert.equal((await bot(note("production"))).code, 0, "nobody is asked about it");
    assert.equal((await ada(`revoke ${String(set?.["id"])}`)).code, 0);
    assert.equal((await bot(note("production"))).code, 3);
    for (const flags of ["--until never", "--count 0", "--size x"]) {
      assert.equal((await run(`grant create agent:bot ${bounds} ${flags}`)).code, 2, flags);
    }
  });

  test("a proposed policy waits for an owner, who approves the hash of the bundle", async () => {
    const dir = join(server.dir, "new-policies");
    mkdirSync(dir);
    const text = readFileSync(join(import.meta.dirname, "../../policies/routes.yaml"), "utf8");
    writeFileSync(join(dir, "routes.yaml"), text);
    const proposed = await run(`policy propose ${dir}`);
    assert.equal(proposed.code, 3, proposed.err);
    const id = proposed.out.split(" ")[0] ?? "";
    assert.match((await ada(`describe action ${id}`)).out, /Acts on +[0-9a-f]{64}/);
    assert.equal((await ada(`deny ${id} --yes --reason no`)).code, 0);
    writeFileSync(join(dir, "routes.yaml"), "apiVersion: holdpoint.dev/v1\nkind: Nothing\n");
    assert.equal((await run(`policy propose ${dir}`)).code, 1);
  });

  test("receipts and exports of the running server verify offline with the owner's pinned root alone", async () => {
    const id = (await bot(note("staging"))).out.split(" ")[0] ?? "";
    const [receipt, exported, kept] = ["receipt.json", "export", "kept"].map((name) => join(server.dir, name));
    assert.equal((await run(`receipt ${id} --out ${receipt}`)).code, 0);
    assert.match((await run(`verify ${receipt}`)).out, new RegExp(`action\\.granted of ${id}[^]*Result +verifies`));
    assert.equal((await run("receipt 0")).code, 0);
    assert.equal((await run(`export --out ${exported} --payloads`)).code, 0);
    assert.equal(statSync(exported ?? "").mode & 0o777, 0o600);
    const verified = await run(`verify ${exported} --keep ${kept}`);
    assert.match(verified.out, /Result +consistent; not proven unforked/);
    assert.match((await run(`verify ${server.dataDir} --since ${kept}`)).out, /consistent with the given checkpoint/);
    const elsewhere = { env: { configDir: join(server.dir, "empty") } };
    const unknown = await run(`verify ${exported}`, elsewhere);
    assert.equal(unknown.code, 2);
    const root = join(server.dataDir, "root.pub");
    assert.equal((await run(`verify ${exported} --root ${root}`, elsewhere)).code, 0);
    const key = readFileSync(root, "utf8").trim();
    assert.equal((await run(`verify ${receipt} --root ${key}`, elsewhere)).code, 0);
  });

  test("erasing destroys a subject's payloads, and the log still verifies", async () => {
    const id = (await bot(`${note("staging")} --reason private`)).out.split(" ")[0] ?? "";
    const erased = await run(`erase ${id} --retention content`);
    assert.equal(erased.code, 0, erased.err);
    assert.match((await run(`describe action ${id}`)).out, /not readable: payload-erased/);
    assert.match((await run(`verify ${server.dataDir}`)).out, /1 erased/);
    assert.equal((await bot(`erase ${id} --retention content`)).code, 1);
  });

  test("a token is printed alone, serves from the environment, and ends with its client", async () => {
    const { out } = await ada("token");
    assert.match(out, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const file = join(server.dir, "token");
    writeFileSync(file, out);
    assert.equal((await run("get actions -q", { env: { client: "person:nobody", tokenFile: file } })).code, 0);
    assert.equal((await run("get actions -q", { env: { token: out.trim() } })).code, 0);
    assert.equal((await run("get actions", { env: { token: "wrong" } })).code, 1);
    assert.equal((await run("client add agent:filed --kind agent")).code, 0);
    await known("agent:filed");
    assert.equal((await run("client disable agent:filed")).code, 0);
    while ((await run("--client agent:filed token")).code === 0) await setTimeout(50);
    assert.match((await run("--client agent:filed token")).err, /client-invalid/);
  });

  test("a source's secret opens its webhook, and is shown or filed once", async () => {
    const file = join(server.dir, "secret");
    assert.equal((await run(`source add alerts --kind alertmanager --secret-file ${file}`)).code, 0);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal((await run("source add alerts --kind alertmanager")).code, 1);
    const shown = await run("source add more --kind alertmanager");
    assert.match(shown.out, /^hps_[\w-]{43}\n$/);
    assert.ok(existsSync(join(server.dataDir, "sources", "more.json")));
  });

  test("doctor finds everything in place", async () => {
    const { code, out } = await run("doctor");
    assert.equal(code, 0, out);
    assert.ok(!out.includes("FAIL"), out);
    assert.match(out, /warn +executors .*pages, tickets and major incidents are refused \(executor-missing\)/);
    const checks = JSON.parse((await run("doctor -o json")).out) as { name: string; result: string }[];
    assert.ok(checks.some(({ name, result }) => name === "sign-in" && result === "ok"));
  });

  test("what agents wrote cannot act on the terminal of who reads it", async () => {
    const evil = "\u001b]0;owned\u0007\u202edesrever\u009b2J\rline\u2028";
    const argv = ["--client", "agent:bot", "propose", "record.note", "-e", "production", "-s", "cart", "-a", "text=x"];
    const { out } = await server.terminal([...argv, ...BY_MODEL.split(" "), "--reason", evil]);
    const id = out.split(" ")[0] ?? "";
    for (const command of [`describe action ${id}`, `get action ${id} -o json`, `get action ${id} -o yaml`]) {
      const shown = await ada(command);
      assert.equal(shown.code, 0, shown.err);
      assert.doesNotMatch(shown.out.replaceAll("\n", ""), /[\p{C}\p{Zl}\p{Zp}]/u);
      assert.ok(shown.out.includes("desrever"));
    }
    const asked = await ada(`approve ${id}`, { typed: [] });
    assert.doesNotMatch(asked.err.replaceAll("\n", ""), /[\p{C}\p{Zl}\p{Zp}]/u);
  });
});
