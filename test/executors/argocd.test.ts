// Argo CD: the revision that was planned and no other, deleted only what was said, found again, and taken back.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { isAppError, type ErrorCode } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Executor, Plan, PlanRequest, StepOutcome } from "../../src/wire/contracts/executor.ts";
import { argocdStage, FIRST, SECOND, THIRD, type ArgocdStage } from "./argocd-stage.ts";
import { executeRequest, never, planRequest } from "./contract.ts";

const DAY_MS = 86_400_000;

async function staged(t: TestContext, kind?: string): Promise<{ stage: ArgocdStage; executor: Executor }> {
  const stage = await argocdStage(kind);
  t.after(() => stage.close());
  return { stage, executor: stage.build() };
}

function planOf(executor: Executor, kind: string, args: JsonObject, more: Partial<PlanRequest> = {}): Promise<Plan> {
  return executor.plan({ ...planRequest({ kind, args: { application: "cart", ...args } }), ...more }, never);
}

const sync = (executor: Executor, args: JsonObject): Promise<Plan> => planOf(executor, "argocd.sync", args);
const run = (executor: Executor, plan: Plan): Promise<StepOutcome> => executor.execute(executeRequest(plan), never);
const codeOf = (outcome: StepOutcome): string => ("code" in outcome ? outcome.code : outcome.status);

function refused(code: ErrorCode): (error: unknown) => boolean {
  return (error) => isAppError(error, code);
}

type Shown = {
  readonly to: string;
  readonly changes: readonly {
    readonly object: string;
    readonly change: string;
    readonly fields: readonly JsonObject[];
  }[];
  readonly left: readonly string[];
};

test("a plan pins the commit, and shows what it changes in the cluster without the data of secrets", async (t) => {
  const { stage, executor } = await staged(t);
  const plan = await sync(executor, { revision: "main" });
  const { to, changes, left } = plan.diff as unknown as Shown;
  assert.equal(to, THIRD);
  assert.deepEqual(left, ["PersistentVolumeClaim shop/data", "ConfigMap shop/old", "Secret shop/cart"]);
  assert.deepEqual(changes, [
    {
      object: "apps/Deployment shop/cart",
      change: "updates",
      fields: [
        { path: ".spec.replicas", from: 2, to: 3 },
        { path: ".spec.template.spec.containers[cart].image", from: "cart:1", to: "cart:3" },
      ],
    },
  ]);
  const second = (await sync(executor, { revision: SECOND })).diff as unknown as Shown;
  assert.deepEqual(
    second.changes.map(({ object, change }) => `${change} ${object}`),
    [
      "updates apps/Deployment shop/cart",
      "creates ConfigMap shop/new",
      "updates Secret shop/cart",
      "runs batch/Job shop/migrate",
    ],
  );
  assert.deepEqual(second.changes[2]?.fields, []);
  assert.ok(!JSON.stringify(second).includes("dHdv"));
  assert.equal(stage.effects(), 0);
});

test("what was planned is applied, whatever Git says by then, and nothing is deleted that nobody named", async (t) => {
  const { stage, executor } = await staged(t);
  const plan = await sync(executor, { revision: SECOND });
  const outcome = await run(executor, plan);
  assert.ok(outcome.status === "succeeded" && outcome.reference === `cart@${SECOND}`, JSON.stringify(outcome));
  assert.equal(stage.argocd.begun.at(-1)?.sync.revision, SECOND);
  assert.ok(stage.argocd.live.has("ConfigMap shop/old"));
  assert.deepEqual(stage.argocd.begun.at(-1)?.info, [{ name: "holdpoint", value: "holdpoint.test/log:act_00000000c" }]);
  assert.deepEqual(stage.argocd.complaints, []);
});

test("deleting needs the configuration's word and the proposal's, and with data it needs a person's", async (t) => {
  const { stage, executor } = await staged(t);
  const plan = await sync(executor, { revision: SECOND, prune: true });
  assert.equal(plan.signature, "irreversible");
  assert.equal(plan.reversible, false);
  stage.argocd.live.delete("PersistentVolumeClaim shop/data");
  const plain = await sync(executor, { revision: SECOND, prune: true });
  assert.equal(plain.signature, undefined);
  assert.equal(plain.size, 4);
  assert.equal((await run(executor, plain)).status, "succeeded");
  assert.ok(!stage.argocd.live.has("ConfigMap shop/old"));
});

test("where Argo CD synchronizes by itself neither is begun, and the plan says why", async (t) => {
  const { stage, executor } = await staged(t, "argocd.rollback");
  const plan = await planOf(executor, "argocd.rollback", { id: 0 });
  stage.argocd.app.spec.syncPolicy = { automated: {} };
  for (const kind of ["argocd.rollback", "argocd.sync"]) {
    await assert.rejects(planOf(executor, kind, {}), refused("target-owned"));
  }
  assert.equal(codeOf(await run(executor, plan)), "target-owned");
  stage.argocd.app.spec.syncPolicy = { automated: { enabled: false } };
  assert.equal((await planOf(executor, "argocd.rollback", { id: 0 })).reversible, true);
  assert.equal(stage.effects(), 0);
});

test("a deployment by somebody else between plan and step, or under way, is not overwritten", async (t) => {
  const { stage, executor } = await staged(t);
  const plan = await sync(executor, { revision: SECOND });
  stage.argocd.deploy(THIRD);
  const begun = stage.effects();
  assert.equal(codeOf(await run(executor, plan)), "target-moved");
  stage.argocd.app.operation = { sync: { revision: FIRST }, initiatedBy: { username: "somebody" } };
  stage.argocd.ending.looks = 9;
  await assert.rejects(sync(executor, { revision: SECOND }), refused("target-moved"));
  assert.equal(stage.effects(), begun);
});

test("taking it back brings the deployment of before, and not over a newer one", async (t) => {
  const { stage, executor } = await staged(t);
  const outcome = await run(executor, await sync(executor, { revision: SECOND }));
  assert.ok(outcome.status === "succeeded" && outcome.left !== undefined);
  const back = { id: 0, prune: true };
  const plan = await planOf(executor, "argocd.rollback", back, { left: outcome.left, actionId: "act_00000000e" });
  const undone = await executor.execute({ ...executeRequest(plan), idempotencyKey: "act_00000000e" }, never);
  assert.equal(undone.status, "succeeded");
  assert.equal(stage.argocd.app.status.sync.revision, FIRST);
  await assert.rejects(planOf(executor, "argocd.rollback", back, { left: outcome.left }), refused("target-moved"));
});

test("an application that was deployed once has nothing to be taken back to", async (t) => {
  const { stage, executor } = await staged(t);
  stage.argocd.app.status.history = [];
  assert.equal((await sync(executor, { revision: SECOND })).signature, "irreversible");
  await assert.rejects(planOf(executor, "argocd.rollback", {}), refused("arguments-invalid"));
});

test("a rollback to other chart values is for people, who see which", async (t) => {
  const { stage, executor } = await staged(t, "argocd.rollback");
  stage.argocd.app.spec.source = { ...stage.argocd.app.spec.source, helm: { values: "replicas: 9" } };
  const plan = await planOf(executor, "argocd.rollback", { id: 0 });
  assert.equal(plan.signature, "opaque");
  assert.deepEqual((plan.diff as { settings: unknown }).settings, [".helm"]);
});

test("an operation that failed is told apart: nothing applied, some applied, and still at work", async (t) => {
  const { stage, executor } = await staged(t);
  const plan = await sync(executor, { revision: SECOND });
  Object.assign(stage.argocd.ending, {
    phase: "Failed",
    message: "one or more objects failed to apply (dry run)",
    applies: false,
  });
  assert.equal(codeOf(await run(executor, plan)), "target-refused");
  assert.equal((await executor.reconcile(executeRequest(plan), never)).status, "absent");
  assert.equal(codeOf(await run(executor, plan)), "target-refused", "found again, not begun again");
  const half = await sync(executor, { revision: SECOND });
  Object.assign(stage.argocd.ending, { message: "one or more objects failed to apply", applies: true });
  const request = { ...executeRequest(half), idempotencyKey: "act_00000000e" };
  const outcome = await executor.execute(request, never);
  assert.ok(outcome.status === "partial" && outcome.afterMs === 0 && outcome.code === "partly-applied");
  assert.equal((await executor.reconcile(request, never)).status, "partial");
  assert.equal(stage.effects(), 2);
});

test("what runs longer than the step is asked about until it has ended, also by a new process", async (t) => {
  const { stage, executor } = await staged(t);
  const plan = await sync(executor, { revision: SECOND });
  stage.argocd.ending.looks = 1_000;
  const lost = await executor.execute(executeRequest(plan, 300), never);
  assert.deepEqual(lost, { status: "unknown", code: "timeout", detail: null });
  const next = stage.build();
  const asked = await next.reconcile(executeRequest(plan), never);
  assert.deepEqual(asked, { status: "unclear", detail: { code: "under-way" }, afterMs: 5_000 });
  stage.argocd.ending.looks = 0;
  const found = await next.reconcile(executeRequest(plan), never);
  assert.ok(found.status === "happened" && found.reference === `cart@${SECOND}`);
  stage.argocd.deploy(THIRD);
  stage.clock.advance(DAY_MS);
  assert.deepEqual(await next.reconcile(executeRequest(plan), never), {
    status: "unclear",
    detail: { code: "target-moved" },
  });
  assert.equal(stage.argocd.begun.filter(({ info }) => info !== undefined).length, 1);
});

test("a rollback of somebody else to the same deployment is not taken for ours", async (t) => {
  const { stage, executor } = await staged(t, "argocd.rollback");
  const plan = await planOf(executor, "argocd.rollback", { id: 0 });
  stage.argocd.deploy(FIRST);
  stage.clock.advance(DAY_MS);
  assert.equal((await executor.reconcile(executeRequest(plan), never)).status, "unclear");
  assert.equal(codeOf(await run(executor, plan)), "target-moved");
});

test("other applications, targets and forged plans are not run, and no revision reads as an option", async (t) => {
  const { stage, executor } = await staged(t);
  for (const args of [{ application: "other" }, { revision: "--force" }, { revision: "d".repeat(40) }, { id: 1 }]) {
    await assert.rejects(sync(executor, args), (error) => isAppError(error));
  }
  const target = { environment: "staging", service: "cart" };
  await assert.rejects(planOf(executor, "argocd.sync", {}, { target }), refused("arguments-invalid"));
  const plan = await sync(executor, { revision: SECOND });
  const forged = JSON.parse(JSON.stringify(plan).replaceAll('"cart"', '"admin"')) as Plan;
  assert.equal(codeOf(await run(executor, forged)), "plan-invalid");
  for (const more of [{ application: "other" }, { project: "default" }, { namespace: "apps" }]) {
    assert.equal(codeOf(await run(stage.buildWith(more), plan)), "plan-invalid", "the name stands for another");
  }
  assert.equal(stage.effects(), 0);
});
