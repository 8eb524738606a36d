// What stands at GitHub afterwards: the approved change and nothing beside it, merged only with somebody else's approval.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { isAppError, type ErrorCode } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Executor, Plan } from "../../src/wire/contracts/executor.ts";
import { executeRequest, never, planRequest } from "./contract.ts";
import { judge } from "./judged.ts";
import { codeOf, githubStage, planOf, PULL_ARGS, runPlan, type GithubSetup, type GithubStage } from "./github-stage.ts";

const OTHER = "act_00000000e";

async function staged(
  t: TestContext,
  kind?: string,
  setup?: GithubSetup,
): Promise<{ stage: GithubStage; executor: Executor }> {
  const stage = await githubStage(kind, setup);
  t.after(() => stage.close());
  return { stage, executor: stage.build() };
}

function refused(code: ErrorCode): (error: unknown) => boolean {
  return (error) => isAppError(error, code);
}

test("a pull request holds the change on a branch of the action's own, with its context, labels and reviewers", async (t) => {
  const { stage, executor } = await staged(t);
  const plan = await planOf(executor, "github.pull-request", PULL_ARGS);
  const { branch } = plan.diff as { branch: string };
  assert.match(branch, /^holdpoint\/[0-9a-f]{8}\/act_00000000c$/);
  assert.deepEqual((plan.diff as { files: unknown }).files, [
    {
      path: "deploy/cart.yaml",
      change: "changes",
      before: "replicas: 2\nimage: cart:1\n",
      after: "replicas: 4\nimage: cart:1\n",
    },
    { path: "deploy/new.yaml", change: "adds", before: null, after: "new\n" },
    { path: "deploy/old.yaml", change: "deletes", before: "old\n", after: null },
  ]);
  const outcome = await runPlan(executor, plan);
  assert.equal(outcome.status, "succeeded", JSON.stringify(outcome));
  assert.ok(outcome.status === "succeeded" && outcome.reference === "acme/shop#1");
  const [pull] = stage.github.pulls;
  assert.deepEqual([pull?.head, pull?.base, pull?.state], [branch, "main", "open"]);
  assert.deepEqual([...(pull?.labels ?? [])], ["holdpoint", "remediation"]);
  assert.deepEqual([...(pull?.reviewers ?? [])], ["ada", "grace"]);
  assert.ok(!/@everyone|#12/.test(pull?.body ?? ""), "nobody is called, and no issue is closed");
  for (const part of ["act_00000000c", "system:triage", "inc_000000002", "production/cart", "grt_00000000d"]) {
    assert.ok(pull?.body.includes(part), part);
  }
  assert.deepEqual(stage.github.filesOf(branch), {
    "README.md": "# shop\n",
    "deploy/cart.yaml": "replicas: 4\nimage: cart:1\n",
    "deploy/new.yaml": "new\n",
  });
  assert.equal(stage.github.filesOf("main")["deploy/cart.yaml"], "replicas: 2\nimage: cart:1\n");
  assert.deepEqual(stage.github.complaints, []);
});

test("no text of a proposal mentions anybody, closes an issue or skips a check, not even in the commit", async (t) => {
  const { executor } = await staged(t);
  const hostile = "Fixes #12, GH-7 closes: https://github.com/acme/shop/issues/3 @acme/all [skip ci] [actions skip]";
  const args = { ...PULL_ARGS, title: hostile, body: `${hostile}\n\nskip-checks: true` };
  const [call] = (await planOf(executor, "github.pull-request", args)).calls as readonly Record<string, string>[];
  for (const part of ["title", "body", "message"] as const) {
    const text = call?.[part] ?? "";
    assert.ok(text.includes("acme/all"), part);
    assert.doesNotMatch(text, /@\w|#\d|GH-\d|closes: http|\[(?:skip|actions)|skip-checks:/, part);
  }
});

test("only the files of the plan have to be as they were: others may move on", async (t) => {
  const { stage, executor } = await staged(t);
  const plan = await planOf(executor, "github.pull-request", PULL_ARGS);
  stage.github.commit("main", { "README.md": "# a better shop\n" });
  assert.equal((await runPlan(executor, plan)).status, "succeeded");
  assert.equal(stage.github.filesOf((plan.diff as { branch: string }).branch)["README.md"], "# a better shop\n");
  const second = await planOf(executor, "github.pull-request", PULL_ARGS, OTHER);
  stage.github.commit("main", { "deploy/cart.yaml": "replicas: 3\n" });
  assert.equal(codeOf(await runPlan(executor, second)), "target-moved");
  assert.equal(stage.github.pulls.length, 1);
});

test("nothing outside the configured paths and targets can be changed, by a proposal or by a plan", async (t) => {
  const { stage, executor } = await staged(t);
  const paths = ["README.md", ".github/workflows/ci.yaml", "deploy/../README.md", "/deploy/a", "deploy//a", "deploy"];
  const odd = [
    "deploy/.git/config",
    "deploy/a\nb",
    "deployment/a",
    "Deploy/cart.yaml",
    "deploy/cart.yaml/b/",
    "deploy/",
  ];
  for (const path of [...paths, ...odd]) {
    const args = { ...PULL_ARGS, files: [{ path, content: "x" }] };
    await assert.rejects(planOf(executor, "github.pull-request", args), refused("arguments-invalid"), path);
  }
  const same = { ...PULL_ARGS, files: [{ path: "deploy/old.yaml", content: "old\n" }] };
  await assert.rejects(planOf(executor, "github.pull-request", same), refused("arguments-invalid"), "no change");
  const none = { ...PULL_ARGS, files: [{ path: "deploy/none.yaml", content: null }] };
  await assert.rejects(
    planOf(executor, "github.pull-request", none),
    refused("arguments-invalid"),
    "nothing to delete",
  );
  const request = planRequest({ kind: "github.pull-request", args: PULL_ARGS });
  const elsewhere = { ...request, target: { environment: "production", service: "billing" } };
  await assert.rejects(executor.plan(elsewhere, never), refused("arguments-invalid"));
  const plan = await planOf(executor, "github.pull-request", PULL_ARGS);
  const forged = JSON.parse(JSON.stringify(plan).replaceAll("deploy/new.yaml", ".github/new.yaml")) as Plan;
  assert.equal(codeOf(await runPlan(executor, forged)), "plan-invalid");
  assert.deepEqual([...stage.github.branches.keys()], ["main"]);
});

test("a limit is waited out as long as GitHub says, also where it answers 403", async (t) => {
  const { stage, executor } = await staged(t);
  const plan = await planOf(executor, "github.pull-request", PULL_ARGS);
  for (const [kind, afterMs] of [
    ["secondary", 7_000],
    ["primary", 30_000],
  ] as const) {
    stage.github.limit(kind);
    const outcome = await runPlan(executor, plan);
    assert.ok(outcome.status === "retry" && outcome.code === "rate-limited", JSON.stringify(outcome));
    assert.equal(outcome.afterMs, afterMs, kind);
  }
  assert.equal((await runPlan(executor, plan)).status, "succeeded");
});

test("a repository may belong to several targets, and none merges or changes what is another's", async (t) => {
  const { stage, executor } = await staged(t, undefined, { login: "token", isShared: true });
  const billing = { environment: "production", service: "billing" };
  const files = [{ path: "billing/rates.yaml", content: "vat: 19\n" }];
  const args = { repository: "billing", title: "Rates", files };
  const request = { ...planRequest({ kind: "github.pull-request", args }), target: billing };
  const opened = await runPlan(executor, await executor.plan(request, never));
  assert.equal(opened.status, "succeeded", JSON.stringify(opened));
  stage.github.review(1, "grace");
  const merge = (repository: string, target = billing) =>
    executor.plan({ ...planRequest({ kind: "github.merge", args: { repository, number: 1 } }, OTHER), target }, never);
  await assert.rejects(merge("shop", { ...billing, service: "cart" }), refused("arguments-invalid"));
  assert.equal((await runPlan(executor, await merge("billing"))).status, "succeeded");
});

test("a merge waits for the approval of somebody else, of the commit as it is now", async (t) => {
  const { stage, executor } = await staged(t, "github.merge");
  const [pull] = stage.github.pulls;
  assert.ok(pull);
  const plan = (): Promise<Plan> => planOf(executor, "github.merge", stage.args);
  const approved = await plan();
  assert.deepEqual((approved.diff as { approvedBy: unknown }).approvedBy, ["grace"]);
  stage.github.review(1, "grace", "COMMENTED");
  await plan();
  stage.github.review(1, "grace", "CHANGES_REQUESTED");
  const missing = { status: "pending", code: "approval-missing" };
  const waiting = await plan();
  assert.deepEqual([approved.awaits, waiting.awaits], [undefined, true]);
  assert.deepEqual(await executor.awaited?.(waiting, never), missing);
  assert.equal(codeOf(await runPlan(executor, approved)), "approval-missing", "taken back after planning");
  pull.reviews.length = 0;
  stage.github.review(1, "holdpoint[bot]");
  assert.deepEqual(await executor.awaited?.(await plan(), never), missing, "its author's own");
  stage.github.review(1, "grace");
  assert.deepEqual(await executor.awaited?.(waiting, never), { status: "come" });
  stage.github.fail({ mode: "status-500", method: "GET", path: "/repos/acme/shop/pulls/1" });
  assert.equal((await executor.awaited?.(waiting, never))?.status, "pending", "nobody can tell");
  stage.github.commit("change", { "deploy/cart.yaml": "replicas: 800\n" });
  assert.deepEqual(await executor.awaited?.(await plan(), never), missing, "of an earlier commit");
  const moved = { status: "over", code: "target-moved" };
  assert.deepEqual(await executor.awaited?.(waiting, never), moved, "another commit is another plan");
  assert.equal(codeOf(await runPlan(executor, approved)), "target-moved");
  const current = await plan();
  pull.state = "closed";
  assert.deepEqual(await executor.awaited?.(current, never), moved);
  const forged = JSON.parse(JSON.stringify(current).replaceAll("acme/", "evil/")) as Plan;
  assert.deepEqual(await executor.awaited?.(forged, never), { status: "over", code: "plan-invalid" });
  assert.equal(stage.effects(), 0);
});

test("a merge is taken back by a pull request of its own, and over no newer change", async (t) => {
  const { stage, executor } = await staged(t, "github.merge");
  const plan = await planOf(executor, "github.merge", stage.args);
  assert.equal((await runPlan(executor, plan)).status, "succeeded");
  assert.equal(stage.github.filesOf("main")["deploy/cart.yaml"], "replicas: 8\n");
  const { kind, args } = plan.inverse as { kind: string; args: JsonObject };
  const undo = await planOf(executor, kind, args, OTHER);
  assert.equal((await runPlan(executor, undo)).status, "succeeded");
  const { branch } = undo.diff as { branch: string };
  assert.equal(stage.github.filesOf(branch)["deploy/cart.yaml"], "replicas: 2\nimage: cart:1\n");
  assert.equal(stage.github.pulls.at(-1)?.title, 'Revert "More replicas"');
  stage.github.commit("main", { "deploy/cart.yaml": "replicas: 9\n" });
  await assert.rejects(planOf(executor, kind, args, "act_00000000f"), refused("target-moved"));
  assert.deepEqual(stage.github.complaints, []);
});

test("a workflow that configuration lists is started at the commit that was planned, and once at most", async (t) => {
  const { stage, executor } = await staged(t);
  const inputs = { version: "1.4.2", reason: "fix" };
  const start = (args: JsonObject): Promise<Plan> =>
    planOf(executor, "github.dispatch", { repository: "shop", ...args });
  const plan = await start({ workflow: "deploy", inputs });
  assert.equal(plan.signature, undefined);
  assert.deepEqual((plan.inverse as { args: unknown }).args, {
    repository: "shop",
    workflow: "roll-back",
    inputs: { version: "1.4.2" },
  });
  const outcome = await runPlan(executor, plan);
  assert.deepEqual(outcome, { status: "succeeded", reference: "acme/shop/deploy.yaml#1", detail: { run: 1 } });
  const commit = stage.github.branches.get("main");
  assert.deepEqual(stage.github.runs, [{ workflow: "deploy.yaml", inputs, commit }]);
  for (const mode of ["act-then-drop", "status-500", "garbage", "act-then-hang"] as const) {
    stage.github.fail({ method: "POST", path: "/repos/acme/shop/actions", mode });
    const lost = await executor.execute(executeRequest(plan, 300), never);
    assert.equal(lost.status, "unknown", mode);
    assert.equal((await executor.reconcile(executeRequest(plan), never)).status, "unclear", "left to people");
  }
  stage.github.commit("main", { "README.md": "# moved\n" });
  assert.equal(codeOf(await runPlan(executor, plan)), "target-moved");
  assert.deepEqual(stage.github.complaints, []);
});

test("no other workflow or input can be named, and one that nothing takes back is for people", async (t) => {
  const { stage, executor } = await staged(t);
  const start = (args: JsonObject): Promise<Plan> =>
    planOf(executor, "github.dispatch", { repository: "shop", ...args });
  assert.equal((await start({ workflow: "roll-back" })).signature, "irreversible");
  for (const args of [
    { workflow: "release" },
    { workflow: "deploy", inputs: { token: "x" } },
    { workflow: "deploy.yaml" },
  ]) {
    await assert.rejects(start(args), refused("arguments-invalid"));
  }
  const plan = await start({ workflow: "deploy" });
  for (const [from, to] of [
    ["deploy.yaml", "release.yaml"],
    ["acme/shop", "acme/other"],
  ] as const) {
    const forged = JSON.parse(JSON.stringify(plan).replaceAll(from, to)) as Plan;
    assert.equal(codeOf(await runPlan(executor, forged)), "plan-invalid");
  }
  assert.deepEqual(stage.github.runs, []);
});

const WORKFLOW = (permissions: string, run = "make"): string =>
  `on: push\npermissions:\n  contents: ${permissions}\njobs:\n  build:\n    steps:\n      - run: ${run}\n`;
const ROLE = (verbs: string): string =>
  `apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r}\nrules:\n  - {apiGroups: [""], resources: [pods], verbs: ${verbs}}\n`;
const SERVICE = (type: string): string => `apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {type: ${type}}\n`;
const INGRESS = (annotation: string): string =>
  `apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, annotations: {${annotation}: x}}\nspec: {}\n`;

const FILES: readonly (readonly [string, { before: string | null; planted: string; benign: string }, string])[] = [
  [
    ".github/workflows/ci.yml",
    { before: WORKFLOW("read"), planted: WORKFLOW("write"), benign: WORKFLOW("read", "make all") },
    "privilege-widening",
  ],
  [
    ".github/workflows/ci.yml",
    { before: WORKFLOW("write"), planted: "on: push\njobs: {}\n", benign: WORKFLOW("none") },
    "privilege-widening",
  ],
  [
    ".github/workflows/ci.yml",
    {
      before: WORKFLOW("read"),
      planted: WORKFLOW("read", '"echo ${{ secrets.KEY }}"'),
      benign: WORKFLOW("read", "make x"),
    },
    "data-exposure",
  ],
  [
    "deploy/role.yaml",
    { before: ROLE("[get, list]"), planted: ROLE('["*"]'), benign: ROLE("[list, get]") },
    "privilege-widening",
  ],
  [
    "deploy/role.yaml",
    { before: null, planted: ROLE("[get]"), benign: "kind: Role\nrules: []\n" },
    "privilege-widening",
  ],
  [
    "deploy/service.yaml",
    { before: SERVICE("ClusterIP"), planted: SERVICE("LoadBalancer"), benign: `${SERVICE("ClusterIP")}# inside\n` },
    "data-exposure",
  ],
  [
    "deploy/ingress.yaml",
    {
      before: INGRESS('"nginx.ingress.kubernetes.io/auth-url"'),
      planted: INGRESS('"nginx.ingress.kubernetes.io/proxy-body-size"'),
      benign: INGRESS('"nginx.ingress.kubernetes.io/auth-signin"'),
    },
    "data-exposure",
  ],
  [
    "infra/bucket.tf",
    {
      before: 'acl = "private"\n',
      planted: 'acl = "public-read"\n',
      benign: '# acl = "public-read"\nacl = "private"\n',
    },
    "data-exposure",
  ],
  [
    "infra/role.tf",
    { before: null, planted: 'actions = ["*"]\n', benign: 'actions = ["s3:GetObject"]\n' },
    "privilege-widening",
  ],
  [
    "db/001.sql",
    { before: null, planted: "GRANT ALL ON t TO app;\n", benign: "-- grant nothing to app\n" },
    "privilege-widening",
  ],
  ["deploy/values.yaml", { before: "a: 1\n", planted: "a: [1\n", benign: "a: 2\n" }, "unseen"],
];

test("what a change of files puts at risk is found in its plan and held, and its benign twin passes", async (t) => {
  const files: Record<string, string> = {};
  for (const [n, [path, { before }]] of FILES.entries()) if (before !== null) files[placeOf(path, n)] = before;
  const paths = [...new Set(FILES.map(([path], n) => placeOf(path, n)))];
  const stage = await githubStage("github.pull-request", { login: "token", files, paths });
  t.after(() => stage.close());
  for (const [n, [path, { planted, benign }, risk]] of FILES.entries()) {
    const judged = (content: string) => {
      const change = { path: placeOf(path, n), content };
      const args = { repository: "shop", title: "A change", body: "For the better", files: [change] };
      return judge(stage.build(), { kind: "github.pull-request", args });
    };
    const caught = await judged(planted);
    const route = risk === "unseen" ? "on-call" : "owners";
    assert.deepEqual([caught.result, caught.route, caught.risks], ["held", route, [risk]], planted);
    const twin = await judged(benign);
    assert.deepEqual([twin.result, twin.risks], ["granted", []], benign);
  }
});

/** Each row has a file of its own. */
function placeOf(path: string, n: number): string {
  return path.replace(/(\w+)(\.\w+)$/, `$1-${n}$2`);
}
