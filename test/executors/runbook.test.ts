// Runbook commands: only listed programs, typed arguments that no shell reads, and a sandbox that holds.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createRunbookExecutor } from "../../src/adapters/executors/runbook-command.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { findSecret } from "../../src/signals/redact.ts";
import type { Executor, StepOutcome } from "../../src/wire/contracts/executor.ts";
import { runbookConfigSchema } from "../../src/wire/schemas/runbook-config.ts";
import { executeRequest, executorContract, never, TestClock } from "./contract.ts";

const TOKEN = "k3y-of-the-cache";
const PROJECT = new URL("../../", import.meta.url);

let folder: string;
let hidden: string;

/** Not below /tmp: a program has a /tmp of its own. */
before(() => {
  folder = mkdtempSync("/var/tmp/holdpoint-programs-");
  hidden = mkdtempSync("/var/tmp/holdpoint-hidden-");
  for (const path of [folder, hidden]) chmodSync(path, 0o755);
  writeFileSync(join(hidden, "key"), "of the ledger");
});
after(() => {
  for (const path of [folder, hidden]) rmSync(path, { recursive: true });
});

let programs = 0;

function program(text: string, mode = 0o755): string {
  const path = join(folder, `program-${++programs}`);
  writeFileSync(path, `#!/bin/bash\n${text}\n`);
  chmodSync(path, mode);
  return path;
}

type Command = Readonly<Record<string, unknown>>;

function build(...commands: readonly Command[]): Executor {
  const shared = { environment: "production", service: "cart" };
  const config = runbookConfigSchema.parse({ commands: commands.map((one) => ({ name: "it", ...shared, ...one })) });
  return createRunbookExecutor({
    config,
    hidden: [hidden, "/var/tmp/holdpoint-there-is-none"],
    installation: "test",
    findSecret,
    credentials: { get: (ref) => (ref === "cache" ? Promise.resolve(TOKEN) : Promise.reject(new Error("none"))) },
  });
}

function plan(executor: Executor, args: JsonObject = {}, kind = "runbook.command-once", service = "cart") {
  const target = { environment: "production", service };
  return executor.plan({ actionId: "act_1", kind, target, args: { command: "it", ...args }, context: {} }, never);
}

/** Plans and runs one command. */
async function run(command: Command, parameters: JsonObject = {}, timeoutMs = 20_000): Promise<StepOutcome> {
  const executor = build(command);
  const kind = command["repeat"] === "idempotent" ? "runbook.command" : "runbook.command-once";
  return executor.execute(executeRequest(await plan(executor, { parameters }, kind), timeoutMs), never);
}

async function outputOf(text: string, more: Command = {}, parameters: JsonObject = {}): Promise<string> {
  const outcome = await run({ program: program(text), ...more }, parameters);
  assert.equal(outcome.status, "succeeded", JSON.stringify(outcome));
  return String((outcome.detail as { output: string }).output).trim();
}

/** Processes of any user with this among their arguments. */
function running(mark: string): number {
  const commands = readdirSync("/proc").flatMap((pid) => {
    const path = `/proc/${pid}/cmdline`;
    if (!/^\d+$/.test(pid) || !existsSync(path)) return [];
    try {
      return [readFileSync(path, "utf8")];
    } catch {
      return [];
    }
  });
  return commands.filter((text) => text.split("\0").includes(mark)).length;
}

async function untilGone(mark: string): Promise<void> {
  while (running(mark) > 0) await sleep(20);
}

describe("a runbook command", () => {
  executorContract({
    name: "runbook command",
    start: () => {
      const done = join(folder, `done-${programs}`);
      writeFileSync(done, "");
      chmodSync(done, 0o666);
      const secrets = { CACHE_TOKEN: "cache" };
      const append = program(`test -n "$CACHE_TOKEN" && echo x >> ${done}`);
      const shared = { repeat: "idempotent", secrets };
      const it = { ...shared, program: append, undo: "back" };
      const back = { ...shared, name: "back", program: program(`: > ${done}`) };
      const all = (more: Command = {}): Executor => build({ ...it, ...more }, { ...back, ...more });
      return Promise.resolve({
        clock: new TestClock(),
        kind: "runbook.command",
        args: { command: "it" },
        build: () => all(),
        buildFor: all,
        buildWithoutSecrets: () => all({ secrets: { CACHE_TOKEN: "none" } }),
        effects: () => readFileSync(done, "utf8").split("\n").length - 1,
        complaints: () => [],
        standIn: undefined,
        write: { method: "", path: "" },
        secrets: [TOKEN],
        reach: "ready",
        close: () => Promise.resolve(),
      });
    },
  });

  it("gets each argument as one, whatever a shell would make of it", async () => {
    const hostile = `$(id) ; "x" 'y' \`z\` * > /tmp/f | é`;
    const text = { type: "text", pattern: ".*" };
    const more = {
      args: ["--what={what}", "{count}", "plain {what}"],
      parameters: { what: text, count: { type: "integer", min: 1, max: 9 } },
    };
    const output = await outputOf(`for one in "$@"; do echo "<$one>"; done`, more, { what: hostile, count: 3 });
    assert.equal(output, `<--what=${hostile}> <3> <plain ${hostile}>`);
  });

  it("takes no argument that was not foreseen", async () => {
    const parameters = {
      region: { type: "choice", values: ["eu", "us"] },
      count: { type: "integer", min: 1, max: 9 },
      name: { type: "text", charsMax: 8 },
    };
    const executor = build({ program: program("true"), args: ["{region}", "{count}", "{name}"], parameters });
    const good = { region: "eu", count: 3, name: "web-1" };
    assert.deepEqual((await plan(executor, { parameters: good })).diff, {
      limits: { memoryMiB: 512, outputKiB: 64, seconds: 15 },
      network: "none",
      runs: [join(folder, `program-${programs}`), "eu", "3", "web-1"],
    });
    const bad: readonly JsonObject[] = [
      { region: "asia" },
      { region: "" },
      { count: 10 },
      { count: 1.5 },
      { count: "3" },
      { name: "-rf" },
      { name: "--help" },
      { name: "a b" },
      { name: "a\nb" },
      { name: "waytoolong" },
      { name: "\ud800" },
      { name: 7 },
      { more: "x" },
      JSON.parse('{"__proto__": "x"}') as JsonObject,
    ];
    for (const change of bad) {
      const asked = plan(executor, { parameters: { ...good, ...change } });
      const isIgnored = Object.keys(change).includes("__proto__");
      if (isIgnored) assert.ok(!JSON.stringify(await asked).includes("__proto__"));
      else await assert.rejects(asked, { code: "arguments-invalid" }, JSON.stringify(change));
    }
    await assert.rejects(plan(executor, { parameters: { region: "eu" } }), { code: "arguments-invalid" });
    await assert.rejects(plan(executor, { command: "other" }), { code: "arguments-invalid" });
    await assert.rejects(plan(executor, { parameters: good, program: "/bin/sh" }), { code: "arguments-invalid" });
    await assert.rejects(plan(executor, { parameters: good }, "runbook.command"), { code: "arguments-invalid" });
    await assert.rejects(plan(executor, { parameters: good }, undefined, "payments"), { code: "arguments-invalid" });
  });

  it("is taken back only while its check says what it said afterwards, and the plan says where nothing checks", async () => {
    const flag = join(folder, "flag");
    writeFileSync(flag, "off");
    chmodSync(flag, 0o666);
    const parameters = { to: { type: "text" } };
    const set = program(`printf '%s' "$1" > ${flag}`);
    const commands = (check?: string): Executor =>
      build(
        { program: set, args: ["{to}"], parameters, undo: "back" },
        { name: "back", program: program(`printf off > ${flag}`), ...(check === undefined ? {} : { check }) },
        { name: "look", program: program(`echo "$RANDOM" >&2; cat ${flag}; test ! -e ${flag}-away`) },
        { name: "broken", program: program("exit 1") },
      );
    const of = async (executor: Executor): Promise<unknown> =>
      ((await plan(executor, { parameters: { to: "on" } })).diff as JsonObject)["takenBack"];
    assert.equal(await of(commands()), "changes-since-are-not-seen");
    const executor = commands("look");
    assert.equal(await of(executor), "unless-changed-since");
    const act = async (by: Executor): Promise<string> => {
      const outcome = await by.execute(executeRequest(await plan(by, { parameters: { to: "on" } }), 20_000), never);
      assert.ok(outcome.status === "succeeded" && outcome.left !== undefined, JSON.stringify(outcome));
      return outcome.left;
    };
    const back = (by: Executor, left: string) => {
      const target = { environment: "production", service: "cart" };
      const request = { actionId: "act_2", kind: "runbook.command-once", target, context: {}, left };
      return by.plan({ ...request, args: { command: "back" } }, never);
    };
    const left = await act(executor);
    writeFileSync(flag, "somebody's");
    await assert.rejects(back(executor, left), { code: "target-moved" });
    writeFileSync(flag, "on");
    const planned = executeRequest(await back(executor, left), 20_000);
    writeFileSync(flag, "somebody's");
    assert.deepEqual(await executor.execute(planned, never), { status: "failed", code: "target-moved", detail: null });
    assert.equal(readFileSync(flag, "utf8"), "somebody's");
    writeFileSync(flag, "on");
    writeFileSync(`${flag}-away`, ""); // who cannot be asked has not said that anything changed
    await assert.rejects(back(executor, left), { code: "target-unavailable" });
    const later = { status: "retry", afterMs: 30_000, code: "check-failed", detail: null };
    assert.deepEqual(await executor.execute(planned, never), later);
    assert.equal(readFileSync(flag, "utf8"), "on");
    rmSync(`${flag}-away`);
    assert.equal((await executor.execute(planned, never)).status, "succeeded");
    assert.equal(readFileSync(flag, "utf8"), "off");
    await assert.rejects(back(executor, await act(commands("broken"))), { code: "target-moved" }, "it did not tell");
    assert.throws(() => commands("none"));
  });

  it("is another user without privileges, in a world of its own, that ends with it", async () => {
    const seen =
      await outputOf(`id -u; ls ${hidden} | wc -l; ls /tmp | wc -l; echo x > /tmp/mine; pwd; ls -d /proc/[0-9]* | wc -l
      umount ${hidden} 2>/dev/null && echo seen; grep -E "^(CapEff|CapBnd|NoNewPrivs)" /proc/self/status | tr -d "\\t"`);
    const [uid, hiddenFiles, tmpFiles, cwd, processes, ...rest] = seen.split(" ");
    assert.equal(uid, process.getuid?.() === 0 ? "65534" : "0");
    assert.deepEqual([hiddenFiles, tmpFiles, cwd], ["0", "0", "/tmp"]);
    assert.ok(Number(processes) < 8, "it sees its own processes alone");
    assert.deepEqual(rest, ["CapEff:0000000000000000", "CapBnd:0000000000000000", "NoNewPrivs:1"]);
    assert.ok(!existsSync("/tmp/mine"));
  });

  it("reaches no network, not even this machine's own, unless it is named", async () => {
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const text = `(exec 4<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null && echo reached || echo nothing`;
    assert.equal(await outputOf(text), "nothing");
    assert.equal(await outputOf(text, { network: "host" }), "reached");
    server.close();
  });

  it("has its own environment and the secrets it needs, which it may not repeat", async () => {
    const names = await outputOf(
      `env | cut -d= -f1 | sort; echo "$HOLDPOINT_ACTION $CACHE"; echo -n "$CACHE" | base64`,
      {
        secrets: { CACHE: "cache" },
      },
    );
    assert.equal(
      names,
      "CACHE HOLDPOINT_ACTION HOME LANG OLDPWD PATH PWD SHLVL _ test:act_00000000c [secret] [secret]",
    );
    const spilled = await outputOf(`echo "password: Tr0ub4dor-and-3-more"`);
    assert.match(spilled, /^\(not shown/);
    const without = await run({ program: program("true"), secrets: { CACHE: "none" } });
    assert.deepEqual(without, { status: "failed", code: "credential-missing", detail: { secretRef: "none" } });
  });

  it("is held to its memory and its output", async () => {
    const big = await run({
      program: program(`x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo \${#x}`),
      limits: { memoryMiB: 64 },
    });
    assert.ok(big.status === "unknown" && big.code === "program-failed", JSON.stringify(big));
    const loud = await run({ program: program(`head -c 5000000 /dev/zero | tr '\\0' x`), limits: { outputKiB: 2 } });
    const { output, isCut } = loud.detail as { output: string; isCut: boolean };
    assert.deepEqual([loud.status, output.length, isCut], ["succeeded", 2_000, true]);
  });

  it("ends when its time is up or the brake is pulled, with everything that it started", async () => {
    const text = (mark: string): string => `setsid sleep ${mark} & disown; sleep ${mark}`;
    const slow = await run({ program: program(text("3601.31")), limits: { seconds: 1 } });
    assert.ok(slow.status === "unknown" && slow.code === "timeout");
    await untilGone("3601.31");
    const executor = build({ program: program(text("3601.32")) });
    const brake = new AbortController();
    const outcome = executor.execute(executeRequest(await plan(executor), 20_000), brake.signal);
    while (running("3601.32") < 2) await sleep(20);
    brake.abort(new Error("stopped"));
    const stopped = await outcome;
    assert.ok(stopped.status === "unknown" && stopped.code === "aborted");
    await untilGone("3601.32");
    const before = await executor.execute(executeRequest(await plan(executor)), AbortSignal.abort());
    assert.equal(before.status, "retry", "it never began");
  });

  it("does not outlive a Holdpoint that is killed", async () => {
    const sandboxed = { program: program("sleep 3601.33"), args: [], environment: {}, network: "none" };
    const more = { memoryMiB: 512, outputBytesMax: 100, user: { uid: 65_534, gid: 65_534 }, hidden: [] };
    const module = new URL("src/adapters/executors/runbook-sandbox.ts", PROJECT).href;
    const text = `import { runSandboxed } from ${JSON.stringify(module)};
      await runSandboxed(${JSON.stringify({ ...sandboxed, ...more })}, new AbortController().signal);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", text], { stdio: "ignore" });
    while (running("3601.33") === 0) await sleep(20);
    child.kill("SIGKILL");
    await once(child, "close");
    await untilGone("3601.33");
  });

  it("ends as its exit code says, and nobody guesses what an unknown one means", async () => {
    const codes = { unchangedCodes: [3], againCodes: [75] };
    const ended = async (code: number, repeat = "neither") => {
      const outcome = await run({ program: program(`exit ${code}`), ...codes, repeat });
      return outcome.status;
    };
    assert.deepEqual(
      [await ended(0), await ended(3), await ended(75), await ended(1)],
      ["succeeded", "failed", "retry", "unknown"],
    );
    assert.equal(await ended(1, "idempotent"), "unknown");
    const executor = build({ program: program("true") });
    const found = await executor.reconcile(executeRequest(await plan(executor)), never);
    assert.deepEqual(found, { status: "unclear", detail: { code: "cannot-be-asked" } });
  });

  it("is not run when its program or its configuration changed since, or others may change it", async () => {
    const path = program("true");
    const executor = build({ program: path });
    const request = executeRequest(await plan(executor));
    for (const more of [{ network: "host" }, { repeat: "idempotent" }, { irreversible: true }]) {
      const other = build({ program: path, ...more });
      assert.deepEqual(await other.execute(request, never), { status: "failed", code: "plan-invalid", detail: null });
    }
    writeFileSync(path, "#!/bin/bash\necho other\n");
    assert.deepEqual(await executor.execute(request, never), { status: "failed", code: "target-moved", detail: null });
    await assert.rejects(plan(build({ program: program("true", 0o777) })), { code: "target-not-found" });
    await assert.rejects(plan(build({ program: program("true", 0o644) })), { code: "target-not-found" });
    await assert.rejects(plan(build({ program: "/nowhere/at/all" })), { code: "target-not-found" });
  });

  it("is taken back by the command that its configuration names", async () => {
    const parameters = { region: { type: "choice", values: ["eu", "us"] }, note: { type: "text" } };
    const on = { name: "it", program: program("true"), args: ["{region}", "{note}"], parameters, undo: "off" };
    const off = {
      name: "off",
      program: program("true"),
      args: ["{region}"],
      parameters: { region: parameters.region },
      repeat: "idempotent",
    };
    const planned = await plan(build(on, off), { parameters: { region: "eu", note: "x" } });
    const target = { environment: "production", service: "cart" };
    assert.deepEqual(planned.inverse, {
      kind: "runbook.command",
      target,
      args: { command: "off", parameters: { region: "eu" } },
    });
    const { undo: _undo, ...alone } = on;
    const forGood = { ...alone, irreversible: true };
    assert.equal((await plan(build(forGood), { parameters: { region: "eu", note: "x" } })).signature, "irreversible");
    assert.throws(() => build({ ...on, irreversible: true }, off), "it can be undone");
    const unattended = /an undo or a check is irreversible: it would run without a person/;
    assert.throws(() => build(on, { ...off, irreversible: true }), unattended);
    const look = { name: "look", program: program("true") };
    assert.throws(() => build(on, { ...off, check: "look" }, { ...look, irreversible: true }), unattended);
    assert.doesNotThrow(() => build(on, { ...off, check: "look" }, look));
    assert.throws(() => build({ ...on, undo: "none" }));
    assert.throws(() => build({ program: "/bin/true", args: ["{unknown}"] }));
    assert.throws(() => build({ program: "/bin/true", parameters }));
    assert.throws(() => build({ program: "bin/true" }));
  });

  it("says whether its sandbox and its program are there, for whoever runs it there", async (t) => {
    const own = mkdtempSync("/tmp/holdpoint-runbook-");
    t.after(() => rmSync(own, { recursive: true }));
    const hidden = join(own, "program");
    writeFileSync(hidden, "#!/bin/sh\n", { mode: 0o755 });
    const executor = build(
      { program: program("true") },
      { name: "b", program: "/nowhere" },
      { name: "c", program: program("true"), secrets: { A: "none" } },
      { name: "d", program: hidden },
    );
    assert.deepEqual(await executor.probe(never), [
      { target: "sandbox", status: "ready", code: "" },
      { target: "command it", status: "ready", code: "" },
      { target: "command b", status: "away", code: "program-missing" },
      { target: "command c", status: "missing", code: "credential-missing" },
      { target: "command d", status: "away", code: "program-hidden" },
    ]);
    assert.deepEqual(executor.credentials, ["none"]);
    assert.ok(execFileSync("unshare", ["--version"]).length > 0);
  });
});
