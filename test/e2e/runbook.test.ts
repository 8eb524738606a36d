// Holdpoint is killed while a program of a runbook runs: what may be repeated is, and the rest is left to people.

import assert from "node:assert/strict";
import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { eventually, OWNER, TestServer, writePolicies } from "./server.ts";

const POLICIES = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: runbook }
spec:
  match: { actions: ["runbook.*"] }
  rules:
    - { name: free, decision: allow }
`;

let server: TestServer;
let policies: string;
let folder: string;
let log: string;

before(async () => {
  policies = writePolicies(tmpdir(), POLICIES);
  folder = mkdtempSync("/var/tmp/holdpoint-runbook-"); // a program has a /tmp of its own
  chmodSync(folder, 0o777);
  log = join(folder, "log");
  const program = join(folder, "program");
  // It begins, and ends only when it is let.
  writeFileSync(
    program,
    `#!/bin/sh\necho "$1 began $HOLDPOINT_ACTION" >> ${log}\nwhile [ ! -e ${folder}/$1 ]; do sleep 0.05; done\necho "$1 ended" >> ${log}\n`,
  );
  chmodSync(program, 0o755);
  appendFileSync(log, "");
  chmodSync(log, 0o666);
  const of = { environment: "staging", service: "web", program };
  server = await TestServer.create({
    policy: { path: policies },
    executors: {
      runbook: {
        commands: [
          { ...of, name: "again", args: ["again"], repeat: "idempotent" },
          { ...of, name: "once", args: ["once"] },
        ],
      },
    },
  });
  await server.start();
});

after(async () => {
  await server?.remove();
  rmSync(policies, { recursive: true });
  rmSync(folder, { recursive: true });
});

const count = (what: string): number => readFileSync(log, "utf8").split(what).length - 1;

async function killWhile(command: string, kind: string): Promise<Readonly<Record<string, unknown>>> {
  const target = { environment: "staging", service: "web" };
  const body = { kind, target, arguments: { command } };
  const { body: action } = await server.ask("POST", "/v1/actions", { as: OWNER, body, key: command });
  await eventually("the program runs", () => (count(`${command} began`) > 0 ? true : undefined));
  await server.kill();
  writeFileSync(join(folder, command), ""); // were it still there it would end now
  await server.start();
  return eventually("the action ends", async () => {
    const { body: seen } = await server.ask("GET", `/v1/actions/${action.id}`, { as: OWNER });
    const hasEnded = ["succeeded", "failed", "needs-attention"].includes(seen.status);
    return hasEnded ? (seen as unknown as Record<string, unknown>) : undefined;
  });
}

it("a command that may be repeated is run again after the crash, under the same name", async () => {
  const ended = await killWhile("again", "runbook.command");
  assert.equal(ended["status"], "succeeded", JSON.stringify(ended));
  assert.equal(count("again began"), 2);
  assert.equal(count("again ended"), 1, "the first died with Holdpoint");
  assert.equal(count(String(ended["id"])), 2);
});

it("one that may not is never run a second time, and people are told", async () => {
  const ended = await killWhile("once", "runbook.command-once");
  assert.equal(ended["status"], "needs-attention", JSON.stringify(ended));
  assert.equal(count("once began"), 1);
  assert.equal(count("once ended"), 0);
  assert.ok(existsSync(log));
});
