// Pull requests that were half opened or half taken back: what is left is told, and a repeat does the rest.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { isAppError, type ErrorCode } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Executor } from "../../src/wire/contracts/executor.ts";
import { never, planRequest } from "./contract.ts";
import { codeOf, githubStage, planOf, PULL_ARGS, runPlan, type GithubStage } from "./github-stage.ts";

const OTHER = "act_00000000e";

async function staged(t: TestContext): Promise<{ stage: GithubStage; executor: Executor }> {
  const stage = await githubStage();
  t.after(() => stage.close());
  return { stage, executor: stage.build() };
}

function refused(code: ErrorCode): (error: unknown) => boolean {
  return (error) => isAppError(error, code);
}

test("what GitHub will not open leaves no branch behind, and who cannot be asked is told", async (t) => {
  const { stage, executor } = await staged(t);
  const plan = await planOf(executor, "github.pull-request", PULL_ARGS);
  stage.github.fail({ ...stage.write, mode: "status-400" });
  assert.equal((await runPlan(executor, plan)).status, "failed");
  assert.deepEqual([...stage.github.branches.keys()], ["main"]);
  const args = { ...PULL_ARGS, reviewers: ["nobody-here"] };
  const second = await runPlan(executor, await planOf(executor, "github.pull-request", args, OTHER));
  assert.ok(second.status === "partial" && second.afterMs === 0 && second.code === "reviewers-missing");
  assert.equal(stage.github.pulls.length, 1, "the pull request stands");
});

test("a branch that could not be removed, and labels that could not be given, are told, and a repeat does the rest", async (t) => {
  const { stage, executor } = await staged(t);
  const plan = await planOf(executor, "github.pull-request", PULL_ARGS);
  const removal = { method: "DELETE", path: "/repos/acme/shop/git/refs", mode: "status-500" } as const;
  stage.github.fail({ ...stage.write, mode: "status-400" });
  stage.github.fail(removal);
  assert.equal(codeOf(await runPlan(executor, plan)), "branch-left");
  assert.equal(stage.github.branches.size, 2);
  stage.github.fail({ method: "POST", path: "/repos/acme/shop/issues", mode: "status-400" });
  const opened = await runPlan(executor, plan);
  assert.ok(opened.status === "partial" && opened.afterMs === 0 && opened.code === "labels-missing");
  assert.deepEqual([stage.github.pulls.length, stage.github.pulls[0]?.labels.size], [1, 0]);
  const whole = await runPlan(executor, plan);
  assert.equal(whole.status, "succeeded", JSON.stringify(whole));
  assert.deepEqual([stage.github.pulls.length, stage.github.pulls[0]?.labels.size], [1, 2]);
  const { kind, args } = plan.inverse as { kind: string; args: JsonObject };
  const undo = await planOf(executor, kind, args, OTHER);
  stage.github.fail(removal);
  const closed = await runPlan(executor, undo);
  assert.ok(closed.status === "partial" && closed.afterMs > 0 && closed.code === "branch-left", JSON.stringify(closed));
  assert.equal((await runPlan(executor, undo)).status, "succeeded");
  assert.deepEqual([...stage.github.branches.keys()], ["main"]);
});

test("closing takes a pull request back with its branch, twice as well as once, and not when it was merged", async (t) => {
  const { stage, executor } = await staged(t);
  const plan = await planOf(executor, "github.pull-request", PULL_ARGS);
  await runPlan(executor, plan);
  const { kind, args } = plan.inverse as { kind: string; args: JsonObject };
  const undo = await planOf(executor, kind, args, OTHER);
  for (const _again of [1, 2]) assert.equal((await runPlan(executor, undo)).status, "succeeded");
  assert.equal(stage.github.pulls[0]?.state, "closed");
  assert.deepEqual([...stage.github.branches.keys()], ["main"]);
  const main = { repository: "shop", branch: "main" };
  await assert.rejects(planOf(executor, kind, main, OTHER), refused("arguments-invalid"));
});

test("a branch that somebody added to since is not removed with its pull request", async (t) => {
  const { stage, executor } = await staged(t);
  const plan = await planOf(executor, "github.pull-request", PULL_ARGS);
  const opened = await runPlan(executor, plan);
  assert.ok(opened.status === "succeeded" && opened.left !== undefined, JSON.stringify(opened));
  const { kind, args } = plan.inverse as { kind: string; args: JsonObject };
  const undo = { ...planRequest({ kind, args }, OTHER), left: opened.left };
  const planned = await executor.plan(undo, never);
  const branch = stage.github.pulls[0]?.head ?? "";
  stage.github.commit(branch, { "deploy/cart.yaml": "replicas: 5\n" });
  assert.equal(codeOf(await runPlan(executor, planned)), "target-moved");
  await assert.rejects(executor.plan(undo, never), refused("target-moved"));
  assert.ok(stage.github.branches.has(branch) && stage.github.pulls[0]?.state === "open");
});
