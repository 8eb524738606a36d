// What a repository holds is shown in plans, and its secrets are not: neither to who proposes nor to whoever reads the ledger.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import type { Executor, Plan } from "../../src/wire/contracts/executor.ts";
import { executeRequest, never, planRequest } from "./contract.ts";
import { judge } from "./judged.ts";
import { githubStage, type GithubStage } from "./github-stage.ts";

const PASSWORD = "Hunter2-of-production";
const TOKEN = "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB";
const ENCODED = "cG9zdGdyZXM6Ly9kYi9zaG9w";
const VALUES = `db:\n  password: ${PASSWORD}\n`;
const ROWS = "# row\n".repeat(4_000);
/** The token begins within what is shown of it, and ends behind. */
const STRADDLING = `${"#".repeat(16_384 - 11)}\ntoken: ${TOKEN}\n`;
const SECRETS: Readonly<Record<string, string>> = {
  "deploy/values.yaml": VALUES,
  "deploy/env": `REPLICAS=2\nGITHUB_TOKEN=${TOKEN}\n`,
  "deploy/straddling.yaml": STRADDLING,
  "deploy/secret.yaml": `apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata:\n  url: ${ENCODED}\n`,
  "deploy/secret.json": `{"apiVersion":"v1","kind":"Secret","stringData":{"url":"${ENCODED}"}}\n`,
};
const PLAIN: Readonly<Record<string, string>> = {
  "deploy/cart.yaml": "replicas: 2\n",
  "deploy/release.yaml": "kind: HelmRelease\nspec:\n  valuesFrom:\n    - kind: Secret\n      name: cart\n",
  "deploy/store.yaml": "kind: SecretStore\nmetadata:\n  name: vault\ndata: none\n",
};
const ALL = [PASSWORD, TOKEN, TOKEN.slice(0, 8), ENCODED];

async function staged(t: TestContext, kind?: string): Promise<{ stage: GithubStage; executor: Executor }> {
  const stage = await githubStage(kind, { login: "token", files: { ...SECRETS, ...PLAIN, "deploy/rows": ROWS } });
  t.after(() => stage.close());
  return { stage, executor: stage.build() };
}

type Shown = { readonly path: string; readonly before: string | null; readonly after: string | null };
type Change = { readonly path: string; readonly content: string | null };

const changing = (files: readonly Change[]): JsonObject => ({
  repository: "shop",
  title: "A change",
  files: [...files],
});

function planOf(executor: Executor, kind: string, args: JsonObject, actionId?: string): Promise<Plan> {
  return executor.plan(planRequest({ kind, args }, actionId), never);
}

function shownIn({ diff }: Plan): readonly (readonly [path: string, before: string | null, after: string | null])[] {
  return (diff as unknown as { files: readonly Shown[] }).files.map(({ path, before, after }) => [path, before, after]);
}

function assertClean(plan: Plan): void {
  const text = JSON.stringify(plan);
  for (const secret of ALL) assert.ok(!text.includes(secret), secret);
}

test("a file that holds a secret is not shown to who proposes to delete or to change it", async (t) => {
  const { executor } = await staged(t);
  for (const content of [null, "replicas: 4\n"]) {
    const files = Object.keys({ ...SECRETS, ...PLAIN }).map((path) => ({ path, content }));
    const plan = await planOf(executor, "github.pull-request", changing(files));
    assertClean(plan);
    const hidden = Object.keys(SECRETS).map((path) => [path, "(not shown)", content]);
    assert.deepEqual(shownIn(plan), [...hidden, ...Object.entries(PLAIN).map(([path, text]) => [path, text, content])]);
  }
});

test("what a plan does not show of a file is a risk of its own", async (t) => {
  const { stage } = await staged(t);
  for (const [path, risks] of [
    ["deploy/env", ["unseen"]],
    ["deploy/cart.yaml", []],
  ] as const) {
    const args = changing([{ path, content: "replicas: 4\n" }]);
    const judged = await judge(stage.build(), { kind: "github.pull-request", args });
    assert.deepEqual([judged.risks, judged.result], [risks, risks.length === 0 ? "granted" : "held"], path);
  }
});

test("whether a file changes is told by all of it, not by what is shown", async (t) => {
  const { executor } = await staged(t);
  const plan = (path: string, content: string) =>
    planOf(executor, "github.pull-request", changing([{ path, content }]));
  const longer = await plan("deploy/rows", `${ROWS}# one more\n`);
  const [, before, after] = shownIn(longer)[0] ?? [];
  assert.ok(before?.length === 16_384 && before === after, "it is cut");
  const other = VALUES.replace("Hunter2", "Hunter3");
  assert.deepEqual(shownIn(await plan("deploy/values.yaml", other)), [
    ["deploy/values.yaml", "(not shown)", "(not shown)"],
  ]);
  await assert.rejects(plan("deploy/rows", ROWS), /as they would become/);
  await assert.rejects(plan("deploy/values.yaml", VALUES), /as they would become/);
});

test("a revert brings back a secret that its plan does not show", async (t) => {
  const { stage, executor } = await staged(t, "github.merge");
  const title = `Take ${TOKEN} out`;
  const { number } = stage.github.propose("without", { title, files: { "deploy/values.yaml": "db: {}\n" } });
  stage.github.review(number, "grace");
  const merging = await planOf(executor, "github.merge", { repository: "shop", number });
  assertClean(merging);
  assert.equal((merging.diff as { merges: string }).merges, `acme/shop#${number}: (not shown)`);
  assert.equal((await executor.execute(executeRequest(merging, 30_000), never)).status, "succeeded");
  const undo = await planOf(executor, "github.revert", { repository: "shop", number }, "act_00000000e");
  assertClean(undo);
  assert.deepEqual(shownIn(undo), [["deploy/values.yaml", "db: {}\n", "(not shown)"]]);
  assert.equal((await executor.execute(executeRequest(undo, 30_000), never)).status, "succeeded");
  const { branch } = undo.diff as { branch: string };
  assert.equal(stage.github.filesOf(branch)["deploy/values.yaml"], VALUES);
  const opened = stage.github.pulls.at(-1);
  assert.equal(opened?.title, 'Revert "(not shown)"');
  Object.assign(opened ?? {}, { title });
  const closing = await planOf(executor, "github.close", { repository: "shop", branch }, "act_00000000f");
  assertClean(closing);
  assert.deepEqual(stage.github.complaints, []);
});
