// What programs and targets say is cut to be shown: no part of a secret is left where that cuts through one.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { diffOf } from "../../src/adapters/executors/kubernetes-diff.ts";
import { withoutSecrets } from "../../src/adapters/executors/step-outcomes.ts";
import { findSecret } from "../../src/signals/redact.ts";
import { executeRequest, never, planRequest, TestClock } from "./contract.ts";
import { buildExecutor } from "./fixture.ts";
import { STATE_KEY, terraformStage } from "./terraform-stage.ts";

const TOKEN = "Kf8vQ2zLw9Xr4TnB7yHc1MjD6sGp3EuA0ZbN5iRo";

type Limits = { readonly outputKiB?: number; readonly seconds?: number };

/** What is shown of what a script says that has a secret. */
async function outputOf(script: string, limits: Limits = {}, secret = TOKEN): Promise<string> {
  const base = planRequest({ kind: "runbook.command", args: { command: "drain" } });
  const { environment, service } = base.target;
  const shared = { name: "drain", environment, service, program: "/bin/sh", args: ["-c", script] };
  const config = { runbook: { commands: [{ ...shared, repeat: "idempotent", secrets: { TOKEN: "t/t" }, limits }] } };
  const executor = buildExecutor({
    kind: "runbook.command",
    config,
    clock: new TestClock(),
    secrets: { "t/t": secret },
  });
  const outcome = await executor.execute(executeRequest(await executor.plan(base, never), 20_000), never);
  return (outcome as unknown as { detail: { output: string } }).detail.output;
}

test("output that is cut within a secret ends before it", async () => {
  const shown = await outputOf(`printf '%0980d' 0; echo " token $TOKEN"`, { outputKiB: 1 });
  assert.equal(shown, `${"0".repeat(980)} token [secret]`);
});

test("output that is cut within the last of many long secrets shows none of it", async () => {
  const secret = `${"Qx7".repeat(1_000)}END`;
  const shown = await outputOf(`i=0; while [ $i -lt 30 ]; do echo "$TOKEN"; i=$((i+1)); done`, {}, secret);
  assert.match(shown, /^(?:\[secret\] ){21}\[secret\]$/);
});

test("a program that is killed while it writes a secret shows none of it", async () => {
  const shown = await outputOf(`printf 'token %.20s' "$TOKEN"; sleep 30`, { seconds: 1 });
  assert.equal(shown, "token [secret]");
});

test("a secret within base64, or wrapped, is not shown", async () => {
  assert.equal(await outputOf(`printf 'user:%s' "$TOKEN" | base64 -w0`), "dXNlcjp[secret]");
  assert.equal(await outputOf(`printf %s "$TOKEN" | base64 -w20`), "[secret] ");
  assert.equal(await outputOf(`printf %s "$TOKEN" | od -An -tx1`), " [secret] ");
});

test("a heading of Terraform is searched before it is cut", async (t) => {
  const stage = terraformStage();
  t.after(() => stage.close());
  const program = join(stage.directory, "..", "tofu");
  const heading = "creating ".padEnd(190, ".");
  const text = readFileSync(program, "utf8");
  writeFileSync(program, text.replace('error "creating resource"', `error "${heading}$STATE_KEY was refused"`));
  stage.save("half.tfplan", [{ address: "a.one", fails: true }]);
  const executor = stage.build();
  const args = { workspace: "cart", plan: "half.tfplan" };
  const plan = await executor.plan(planRequest({ kind: "terraform.apply", args }), never);
  const outcome = await executor.execute(executeRequest(plan, 20_000), never);
  const { errors } = (outcome as unknown as { detail: { errors: readonly string[] } }).detail;
  assert.deepEqual(errors, [`${heading}[secret] was refused`]);
  assert.ok(!JSON.stringify(outcome).includes(STATE_KEY.slice(0, 8)));
});

test("a value of a diff that looks like a secret is found also where it is cut", () => {
  const script = `${"#".repeat(4_080)}\naws configure AKIAIOSFODNN7EXAMPLE`;
  const found = diffOf({ script: "" }, { script }, findSecret);
  assert.deepEqual(found, [{ path: ".script", from: "", to: "(not shown)" }]);
  const [change] = diffOf({ script: "" }, { script: "#".repeat(5_000) }, findSecret);
  assert.equal(change?.to, `${"#".repeat(4_096)}… (5000 characters)`);
});

test("an excerpt is cut after the search", () => {
  assert.equal(withoutSecrets(`${".".repeat(290)}${TOKEN} was refused`, [TOKEN]), `${".".repeat(290)}[secret] w`);
});
