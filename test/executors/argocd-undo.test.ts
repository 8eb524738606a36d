// Taking back what Argo CD was told to run: what it created goes, and nothing that was there before or came since.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { isAppError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Executor, Plan } from "../../src/wire/contracts/executor.ts";
import { argocdStage, CANARY, MANY, SECOND, small, type ArgocdStage } from "./argocd-stage.ts";
import { executeRequest, never, planRequest } from "./contract.ts";

const CLAIM = "PersistentVolumeClaim shop/data";
const NEW = "ConfigMap shop/new";
const OLD = "ConfigMap shop/old";
const STRAY = "ConfigMap shop/stray";

interface Staged {
  readonly stage: ArgocdStage;
  readonly executor: Executor;
}

/** Nothing runs but what was deployed. */
async function staged(t: TestContext, kind?: string, prune?: boolean): Promise<Staged> {
  const stage = await argocdStage(kind, prune);
  t.after(() => stage.close());
  stage.argocd.live.delete(CLAIM);
  return { stage, executor: stage.build() };
}

function add({ argocd }: ArgocdStage, ...names: readonly string[]): void {
  for (const name of names) argocd.live.set(`ConfigMap shop/${name}`, small("ConfigMap", name, {}));
}

const running = ({ argocd }: ArgocdStage): readonly string[] => [...argocd.live.keys()].sort();

function planOf({ executor }: Staged, kind: string, args: JsonObject): Promise<Plan> {
  return executor.plan(planRequest({ kind, args: { application: "cart", ...args } }), never);
}

const backOf = ({ inverse }: Plan): unknown => (inverse as { args: JsonObject } | null)?.args ?? null;
const shown = ({ diff }: Plan, name: "left" | "stays"): unknown => (diff as JsonObject)[name];
const deletedBy = ({ diff }: Plan): number => (diff as { counts: { deletes: number } }).counts.deletes;

/** Runs it, and plans what takes it back as a revert does. */
async function takeBack(
  { stage, executor }: Staged,
  plan: Plan,
  { args, meanwhile }: { readonly args?: JsonObject; readonly meanwhile?: () => void } = {},
): Promise<Plan> {
  const done = await executor.execute(executeRequest(plan), never);
  assert.ok(done.status === "succeeded" && done.left !== undefined, JSON.stringify(done));
  meanwhile?.();
  const inverse = plan.inverse as { kind: string; args: JsonObject };
  const request = { ...planRequest({ kind: inverse.kind, args: args ?? inverse.args }), actionId: "act_00000000e" };
  const undo = await executor.plan({ ...request, left: done.left }, never);
  const before = running(stage);
  const undone = await executor.execute({ ...executeRequest(undo), idempotencyKey: "act_00000000e" }, never);
  assert.equal(undone.status, "succeeded");
  assert.equal(before.filter((object) => !stage.argocd.live.has(object)).length, deletedBy(undo));
  return undo;
}

test("what a sync created goes with it, where nothing else would", async (t) => {
  const one = await staged(t);
  const before = running(one.stage);
  const plan = await planOf(one, "argocd.sync", { revision: SECOND });
  assert.deepEqual(backOf(plan), { application: "cart", id: 0, prune: true, only: [NEW] });
  assert.equal(shown(plan, "stays"), undefined);
  await takeBack(one, plan);
  assert.deepEqual(
    running(one.stage).filter((object) => object !== "Job shop/migrate"),
    before,
  );
});

test("what ran beside the deployment of before is not deleted by taking back one that came after it", async (t) => {
  const one = await staged(t);
  add(one.stage, "stray");
  const before = running(one.stage);
  const plan = await planOf(one, "argocd.sync", { revision: SECOND });
  assert.deepEqual(backOf(plan), { application: "cart", id: 0 });
  assert.deepEqual(shown(plan, "stays"), [NEW], "and the plan says what it leaves");
  const undo = await takeBack(one, plan);
  assert.deepEqual(shown(undo, "left"), [STRAY, NEW]);
  assert.deepEqual(
    before.filter((object) => !one.stage.argocd.live.has(object)),
    [],
  );
});

test("what ran before and is in the new revision too was not created by it", async (t) => {
  const one = await staged(t);
  add(one.stage, "new");
  for (const prune of [false, true]) {
    const plan = await planOf(one, "argocd.sync", { revision: CANARY, prune });
    assert.deepEqual([backOf(plan), plan.signature], [null, "irreversible"], "a canary would go on running");
    assert.deepEqual(shown(plan, "stays"), ["apps/Deployment shop/canary"]);
  }
});

test("what the sync itself deletes stands in nobody's way", async (t) => {
  const one = await staged(t);
  add(one.stage, "stray");
  const plan = await planOf(one, "argocd.sync", { revision: SECOND, prune: true });
  assert.deepEqual(backOf(plan), { application: "cart", id: 0, prune: true, only: [NEW] });
  await takeBack(one, plan);
  assert.ok(one.stage.argocd.live.has(OLD) && !one.stage.argocd.live.has(NEW));
});

test("what came since is not deleted: what was created is left with it, or people are asked", async (t) => {
  for (const args of [undefined, { application: "cart", id: 0, prune: true }]) {
    const one = await staged(t);
    const plan = await planOf(one, "argocd.sync", { revision: SECOND });
    const meanwhile = (): void => add(one.stage, "stray");
    const undo = await takeBack(one, plan, args === undefined ? { meanwhile } : { meanwhile, args });
    assert.deepEqual([deletedBy(undo), shown(undo, "left")], [0, [NEW, STRAY]]);
    assert.ok(one.stage.argocd.live.has(STRAY));
  }
  const other = await staged(t);
  const plan = await planOf(other, "argocd.sync", { revision: CANARY });
  assert.deepEqual(backOf(plan), {
    application: "cart",
    id: 0,
    prune: true,
    only: [NEW, "apps/Deployment shop/canary"],
  });
  await assert.rejects(takeBack(other, plan, { meanwhile: () => add(other.stage, "stray") }), (error) =>
    isAppError(error, "target-moved"),
  );
});

test("where its settings are others since, nobody can say what would go, and nothing does", async (t) => {
  const one = await staged(t);
  const { app } = one.stage.argocd;
  const meanwhile = (): void => {
    app.spec.source = { ...app.spec.source, helm: { values: "replicas: 9" } };
  };
  const undo = await takeBack(one, await planOf(one, "argocd.sync", { revision: SECOND }), { meanwhile });
  assert.deepEqual([deletedBy(undo), shown(undo, "left"), undo.signature], [0, [NEW], "opaque"]);
});

test("a rollback is taken back the same way", async (t) => {
  for (const hasStray of [false, true]) {
    const one = await staged(t, "argocd.rollback");
    one.stage.argocd.live.delete(OLD);
    if (hasStray) add(one.stage, "stray");
    const plan = await planOf(one, "argocd.rollback", { id: 0 });
    const more = hasStray ? {} : { prune: true, only: [OLD] };
    assert.deepEqual(backOf(plan), { application: "cart", id: 1, ...more });
    assert.deepEqual(shown(plan, "stays"), hasStray ? [OLD] : undefined);
    await takeBack(one, plan);
    assert.deepEqual([one.stage.argocd.live.has(OLD), one.stage.argocd.live.has(STRAY)], [hasStray, hasStray]);
  }
});

test("where nobody can say what ran before held, or what would go, nothing is deleted", async (t) => {
  const settings = await staged(t);
  const { app } = settings.stage.argocd;
  app.spec.source = { ...app.spec.source, helm: { values: "replicas: 9" } };
  const gone = await staged(t);
  gone.stage.argocd.deploy("9".repeat(40));
  const forbidden = await staged(t, "argocd.sync", false);
  for (const one of [settings, gone, forbidden]) {
    const plan = await planOf(one, "argocd.sync", { revision: SECOND });
    const id = one === gone ? 1 : 0;
    assert.deepEqual([backOf(plan), shown(plan, "stays")], [{ application: "cart", id }, [NEW]]);
  }
  const back = await staged(t, "argocd.rollback");
  back.stage.argocd.live.delete(OLD);
  const [first] = back.stage.argocd.app.status.history;
  Object.assign(first ?? {}, { source: { ...first?.source, helm: { values: "replicas: 9" } } });
  const plan = await planOf(back, "argocd.rollback", { id: 0 });
  assert.deepEqual([backOf(plan), shown(plan, "stays")], [{ application: "cart", id: 1 }, [OLD]]);
  const many = await staged(t);
  assert.deepEqual(backOf(await planOf(many, "argocd.sync", { revision: MANY })), { application: "cart", id: 0 });
});
