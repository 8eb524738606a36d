// Saved plans of Terraform and OpenTofu: shown as what they do, applied as exactly those bytes, once, and never blindly again.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync, existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isAppError, type ErrorCode } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Executor, Plan, StepOutcome } from "../../src/wire/contracts/executor.ts";
import { executeRequest, executorContract, never, planRequest } from "./contract.ts";
import { judge } from "./judged.ts";
import { STATE_KEY, terraformStage, type Resource, type TerraformStage } from "./terraform-stage.ts";

executorContract({ name: "terraform apply", start: () => Promise.resolve(terraformStage()) });

function staged(t: TestContext, limits?: JsonObject): { stage: TerraformStage; executor: Executor } {
  const stage = terraformStage(limits);
  t.after(() => stage.close());
  return { stage, executor: stage.build() };
}

function planOf(executor: Executor, plan = "raise.tfplan"): Promise<Plan> {
  return executor.plan(planRequest({ kind: "terraform.apply", args: { workspace: "cart", plan } }), never);
}

const codeOf = (outcome: StepOutcome): string => ("code" in outcome ? outcome.code : outcome.status);
const run = (executor: Executor, plan: Plan): Promise<StepOutcome> =>
  executor.execute(executeRequest(plan, 20_000), never);

function refused(code: ErrorCode): (error: unknown) => boolean {
  return (error) => isAppError(error, code);
}

const logsOf = ({ directory }: TerraformStage): readonly string[] => {
  const records = join(directory, "..", "records");
  return readdirSync(records).map((name) => join(records, name));
};

test("a plan shows each resource, the worst first, and no value that is sensitive, unknown or looks like a secret", async (t) => {
  const { stage, executor } = staged(t);
  stage.save("all.tfplan", [
    { address: "null.same", actions: ["no-op"] },
    { address: "data.read", actions: ["read"] },
    {
      address: "aws_db.cart",
      before: { size: 1, password: "old-sesame", url: "x" },
      after: { size: 2, password: "new-sesame", key: "AKIAIOSFODNN7EXAMPLE" },
      marks: {
        before_sensitive: { password: true },
        after_sensitive: { password: true },
        after_unknown: { arn: true, url: true },
      },
    },
    { address: "aws_lb.new", actions: ["create"], after: { name: "new" } },
    { address: "aws_vm.other", actions: ["delete", "create"], before: { zone: "a" }, after: { zone: "b" } },
    { address: "aws_vm.gone", actions: ["delete"], before: { name: "gone" } },
  ]);
  const plan = await planOf(executor, "all.tfplan");
  const { changes, counts } = plan.diff as unknown as { changes: readonly JsonObject[]; counts: JsonObject };
  assert.deepEqual(counts, { creates: 1, updates: 1, deletes: 1, replaces: 1, forgets: 0, imports: 0 });
  assert.deepEqual(
    changes.map(({ address, change }) => [address, change]),
    [
      ["aws_vm.gone", "deletes"],
      ["aws_vm.other", "replaces"],
      ["aws_db.cart", "updates"],
      ["aws_lb.new", "creates"],
    ],
  );
  assert.deepEqual(changes[2]?.["fields"], [
    { path: ".arn", from: null, to: "(known after apply)" },
    { path: ".key", from: null, to: "(not shown)" },
    { path: ".size", from: 1, to: 2 },
    { path: ".url", from: "x", to: "(known after apply)" },
  ]);
  const text = JSON.stringify(plan);
  for (const secret of ["sesame", "AKIA", "hunter2", STATE_KEY]) assert.ok(!text.includes(secret), secret);
  assert.equal(plan.signature, "irreversible");
  assert.equal(plan.size, 4);
});

test("what deletes or replaces is signed by a person, what leaves the state is looked at, and the rest is for policy", async (t) => {
  const { stage, executor } = staged(t);
  const signatureOf = async (...actions: readonly string[]): Promise<string | undefined> => {
    stage.save("one.tfplan", [{ address: "a.b", actions, before: { a: 1 }, after: { a: 2 } }]);
    return (await planOf(executor, "one.tfplan")).signature;
  };
  for (const actions of [["delete"], ["create", "delete"], ["delete", "create"], ["something-new"]]) {
    assert.equal(await signatureOf(...actions), "irreversible", actions.join());
  }
  assert.equal(await signatureOf("forget"), "opaque");
  for (const action of ["create", "update"]) assert.equal(await signatureOf(action), undefined);
});

test("files that are no plan, do nothing, or were made by a failed run are refused", async (t) => {
  const { stage, executor } = staged(t);
  const plans = join(stage.directory, "..", "plans");
  stage.save("errored.tfplan", [{ address: "a.b" }], { errored: true });
  stage.save("empty.tfplan", [{ address: "a.b", actions: ["no-op"] }]);
  stage.save("newer.tfplan", [{ address: "a.b" }], { format_version: "2.0" });
  writeFileSync(join(plans, "garbage.tfplan"), "PK\u0003\u0004");
  symlinkSync("/etc/passwd", join(plans, "link.tfplan"));
  for (const name of ["errored.tfplan", "newer.tfplan", "garbage.tfplan"]) {
    await assert.rejects(planOf(executor, name), refused("target-refused"), name);
  }
  await assert.rejects(planOf(executor, "empty.tfplan"), refused("arguments-invalid"));
  for (const name of ["none.tfplan", "link.tfplan"]) {
    await assert.rejects(planOf(executor, name), refused("target-not-found"), name);
  }
  for (const name of ["../work/terraform.tfstate", "-out", ".hidden"]) {
    await assert.rejects(planOf(executor, name), refused("arguments-invalid"), name);
  }
});

test("another file, another state or another program since the plan is not applied", async (t) => {
  const { stage, executor } = staged(t);
  const plan = await planOf(executor);
  stage.save("raise.tfplan", [{ address: "aws_lb.other" }]);
  assert.equal(codeOf(await run(executor, plan)), "target-moved");
  const second = await planOf(executor);
  stage.moveState();
  assert.equal(codeOf(await run(executor, second)), "target-moved");
  const stale = await planOf(executor);
  assert.deepEqual(await run(executor, stale), {
    status: "failed",
    code: "target-moved",
    detail: { errors: ["Saved plan is stale"], exit: 1 },
  });
  const forged = JSON.parse(JSON.stringify(plan).replaceAll('"cart"', '"other"')) as Plan;
  assert.equal(codeOf(await run(executor, forged)), "plan-invalid");
  assert.equal(codeOf(await run(stage.buildWith({ workspace: "other" }), plan)), "plan-invalid");
  assert.equal(stage.effects(), 0);
});

test("a lock of somebody else is waited for, and one apply at a time runs in a directory", async (t) => {
  const { stage, executor } = staged(t);
  stage.save("slow.tfplan", [{ address: "aws_lb.cart", seconds: 0.5, before: { a: 1 }, after: { a: 2 } }]);
  const plan = await planOf(executor, "slow.tfplan");
  const lock = join(stage.directory, ".terraform.tfstate.lock.info");
  writeFileSync(lock, "{}");
  const locked = await run(executor, plan);
  assert.ok(locked.status === "retry" && locked.code === "target-busy" && locked.afterMs === 15_000);
  rmSync(lock);
  const other = { ...executeRequest(plan, 20_000), idempotencyKey: "act_00000000e" };
  const [first, second] = await Promise.all([run(executor, plan), executor.execute(other, never)]);
  assert.equal(first.status, "succeeded", JSON.stringify(first));
  assert.ok(second.status === "retry" && second.code === "target-busy");
  assert.equal(codeOf(await executor.execute(other, never)), "target-moved");
  assert.deepEqual(stage.applied(), ["aws_lb.cart"]);
});

test("one that failed half way is for people, and says which step failed without what the provider said", async (t) => {
  const { stage, executor } = staged(t);
  stage.save("half.tfplan", [{ address: "a.one" }, { address: "a.two", fails: true }, { address: "a.three" }]);
  const plan = await planOf(executor, "half.tfplan");
  const outcome = await run(executor, plan);
  assert.deepEqual(outcome, {
    status: "partial",
    afterMs: 0,
    code: "partly-applied",
    detail: { errors: ["creating resource"], exit: 1 },
  });
  assert.equal((await executor.reconcile(executeRequest(plan), never)).status, "unclear");
  assert.equal(codeOf(await run(executor, plan)), "earlier-attempt-unsettled");
  assert.deepEqual(stage.applied(), ["a.one"]);
});

test("stopped, it finishes the resource at hand, writes its state, and starts no other", async (t) => {
  const { stage, executor } = staged(t);
  stage.save("long.tfplan", [{ address: "a.one", seconds: 30 }, { address: "a.two" }]);
  const plan = await planOf(executor, "long.tfplan");
  const brake = new AbortController();
  const running = executor.execute(executeRequest(plan, 60_000), brake.signal);
  while (
    !existsSync(join(stage.directory, "..", "records")) ||
    !logsOf(stage).some((path) => readFileSync(path, "utf8").includes("apply_start"))
  ) {
    await sleep(20);
  }
  brake.abort(new Error("stopped by the kill switch"));
  const outcome = await running;
  assert.ok(outcome.status === "partial" && outcome.code === "partly-applied", JSON.stringify(outcome));
  assert.deepEqual(stage.applied(), ["a.one"]);
  assert.match(readFileSync(join(stage.directory, "terraform.tfstate"), "utf8"), /"serial":8/);
});

test("asked about while it still applies, it says so, and what it goes on to say is kept", async (t) => {
  const { stage, executor } = staged(t);
  const [program, go] = [join(stage.directory, "..", "tofu"), join(stage.directory, "go")];
  const [bang, ...rest] = readFileSync(program, "utf8").split("\n");
  const wait = `case "$*" in *" apply "*) until [ -e ${go} ]; do sleep 0.02; done;; esac`;
  writeFileSync(program, [bang, wait, ...rest].join("\n"));
  const plan = await planOf(executor);
  const running = run(executor, plan);
  const isOpen = (): boolean =>
    existsSync(join(stage.directory, "..", "records")) && logsOf(stage).some((path) => path.includes("apply-"));
  while (!isOpen()) await sleep(20);
  const asked = await executor.reconcile(executeRequest(plan), never);
  writeFileSync(go, "");
  assert.deepEqual(asked, { status: "unclear", detail: { code: "under-way" }, afterMs: 5_000 });
  assert.equal((await running).status, "succeeded");
  assert.equal((await executor.reconcile(executeRequest(plan), never)).status, "happened");
  assert.deepEqual(stage.applied(), ["aws_lb.cart"]);
});

/** An apply as the programs tell it, with what a provider had to say. */
const SAID: readonly string[] = [
  '{"@level":"info","@message":"OpenTofu 1.10.0","@module":"tofu.ui","type":"version","tofu":"1.10.0","ui":"1.2"}',
  '{"@level":"info","@message":"Plan: 1 to change","@module":"tofu.ui","type":"change_summary","changes":{"add":0,"change":1,"import":0,"remove":0,"operation":"plan"}}',
  '{"@level":"info","@message":"a.b: Modifying...","@module":"tofu.ui","type":"apply_start","hook":{"resource":{"addr":"a.b"},"action":"update"}}',
  '{"@level":"warn","@message":"Warning","@module":"tofu.ui","type":"diagnostic","diagnostic":{"severity":"warning","summary":"near","detail":"its quota, asked with key-of-a-provider"}}',
  '{"@level":"info","@message":"Apply complete!","@module":"tofu.ui","type":"change_summary","changes":{"add":0,"change":1,"import":0,"remove":0,"operation":"apply"}}',
];

test("after a crash its log tells: never run, run to its end, or begun and for people", async (t) => {
  const { stage, executor } = staged(t);
  const plan = await planOf(executor);
  const request = executeRequest(plan);
  assert.equal((await stage.build().reconcile(request, never)).status, "absent");
  assert.equal((await run(executor, plan)).status, "succeeded");
  const next = stage.build();
  assert.equal((await next.reconcile(request, never)).status, "happened");
  assert.equal((await run(next, plan)).status, "succeeded", "found, not applied again");
  const [log = ""] = logsOf(stage);
  const [ours = ""] = readFileSync(log, "utf8").split("\n");
  const lines = [ours, ...SAID];
  const until = (word: string): string =>
    lines
      .slice(
        0,
        lines.findIndex((line) => line.includes(word)),
      )
      .join("\n");
  writeFileSync(log, lines.join("\n"));
  assert.equal((await next.reconcile(request, never)).status, "happened");
  assert.doesNotMatch(readFileSync(log, "utf8"), /quota/, "what it said beside that is not kept");
  assert.equal((await next.reconcile(request, never)).status, "happened", "and what is kept says the same");
  writeFileSync(log, `${until('"operation":"apply"')}\n{"cut`);
  assert.deepEqual(await next.reconcile(request, never), { status: "unclear", detail: { code: "partly-applied" } });
  writeFileSync(log, until("apply_start"));
  assert.equal((await next.reconcile(request, never)).status, "absent");
  const said = async (type: string) => {
    writeFileSync(log, `${until("apply_start")}\n{"type":"${type}"}\n`);
    return (await next.reconcile(request, never)).status;
  };
  for (const type of ["planned_action_invocation", "deferred_change", "refresh_start"])
    assert.equal(await said(type), "absent", type);
  for (const type of ["action_start", "provision_start", "unheard_of"]) assert.equal(await said(type), "unclear", type);
  writeFileSync(log, until("apply_start").replace(/"boot":"[^"]*"/, '"boot":"another"'));
  const restarted = await next.reconcile(request, never);
  assert.deepEqual(restarted, { status: "unclear", detail: { code: "restarted-since" } });
  assert.equal(stage.effects(), 1);
});

const policy = (...statements: readonly JsonObject[]): JsonObject => ({
  policy: JSON.stringify({ Version: "2012-10-17", Statement: statements }),
});
const may = (actions: readonly string[], more: JsonObject = {}): JsonObject => ({
  Effect: "Allow",
  Action: [...actions],
  Resource: "arn:aws:s3:::orders/*",
  ...more,
});
const world = ["0.0.0.0/0"];
const inside = ["10.0.0.0/8"];
const made = (address: string, after: JsonObject, marks: JsonObject = {}): Resource => {
  return { address, actions: ["create"], before: null, after, marks };
};
const changed = (address: string, before: JsonObject, after: JsonObject): Resource => ({ address, before, after });
const BUCKET = 'module.data["a.b"].aws_s3_bucket_policy.orders';

/** What is planted, its benign twin, what is found in the planted one, and who is asked. */
const PLANTED: readonly (readonly [string, Resource, Resource, readonly string[], string])[] = [
  [
    "a policy that gives more actions",
    changed("aws_iam_policy.app", policy(may(["s3:GetObject"])), policy(may(["s3:GetObject", "s3:*"]))),
    changed("aws_iam_policy.app", policy(may(["s3:PutObject", "s3:GetObject"])), policy(may(["s3:GetObject"]))),
    ["privilege-widening"],
    "owners",
  ],
  [
    "a denial that goes",
    changed(
      "aws_iam_policy.app",
      policy(may(["s3:*"]), { ...may(["s3:Delete*"]), Effect: "Deny" }),
      policy(may(["s3:*"])),
    ),
    changed(
      "aws_iam_policy.app",
      policy(may(["s3:*"])),
      policy(may(["s3:*"]), { ...may(["s3:Delete*"]), Effect: "Deny" }),
    ),
    ["privilege-widening"],
    "owners",
  ],
  [
    "a bucket that anybody reads",
    changed(
      BUCKET,
      policy(may(["s3:GetObject"], { Principal: { AWS: "arn:aws:iam::1:root" } })),
      policy(may(["s3:GetObject"], { Principal: { AWS: ["*"] } })),
    ),
    changed(
      BUCKET,
      policy(may(["s3:GetObject"], { Principal: "*" })),
      policy({ ...may(["s3:GetObject"], { Principal: "*" }), Effect: "Deny" }),
    ),
    ["privilege-widening", "data-exposure"],
    "owners",
  ],
  [
    "a role that is given to somebody",
    made("google_project_iam_member.ops", { role: "roles/editor", member: "user:ops@shop.example" }),
    made("google_service_account.ops", { account_id: "ops" }),
    ["privilege-widening"],
    "owners",
  ],
  [
    "a firewall that lets everybody in",
    changed(
      "aws_security_group.db",
      { ingress: [{ from_port: 5432, cidr_blocks: inside }] },
      { ingress: [{ from_port: 5432, cidr_blocks: world }] },
    ),
    changed(
      "aws_security_group.db",
      { ingress: [], egress: [{ cidr_blocks: inside }] },
      { ingress: [{ from_port: 5432, cidr_blocks: inside }], egress: [{ cidr_blocks: world }] },
    ),
    ["data-exposure"],
    "owners",
  ],
  [
    "a rule, created as a whole",
    made("aws_security_group_rule.in", { type: "ingress", cidr_blocks: world }),
    made("aws_security_group_rule.out", { type: "egress", cidr_blocks: world }),
    ["data-exposure"],
    "owners",
  ],
  [
    "a database with a public address",
    changed(
      "aws_db_instance.orders",
      { publicly_accessible: false, storage_encrypted: true },
      { publicly_accessible: true, storage_encrypted: true },
    ),
    changed(
      "aws_db_instance.orders",
      { publicly_accessible: true, storage_encrypted: false },
      { publicly_accessible: false, storage_encrypted: true },
    ),
    ["data-exposure"],
    "owners",
  ],
  [
    "a policy that nobody can read yet",
    made("aws_sqs_queue.jobs", { name: "jobs" }, { after_unknown: { policy: true, arn: true } }),
    made("aws_sqs_queue.jobs", { name: "jobs" }, { after_unknown: { arn: true, url: true } }),
    ["unseen"],
    "on-call",
  ],
];

test("what a saved plan puts at risk is found in it and held, and its benign twin passes", async (t) => {
  const { stage, executor } = staged(t);
  const judged = (resources: readonly Resource[], more: JsonObject = {}) => {
    stage.save("risk.tfplan", resources, more);
    return judge(executor, { kind: "terraform.apply", args: { workspace: "cart", plan: "risk.tfplan" } });
  };
  for (const [name, planted, benign, risks, route] of PLANTED) {
    const caught = await judged([planted]);
    assert.deepEqual([caught.result, caught.route, caught.risks], ["held", route, risks], name);
    const twin = await judged([benign]);
    assert.deepEqual([twin.result, twin.risks], ["granted", []], `the twin of ${name}`);
  }
  const update = changed("aws_lb.cart", { idle: 60 }, { idle: 90 });
  const moved = { address: "aws_lb.cart", change: { actions: ["update"], before: { idle: 60 }, after: { idle: 75 } } };
  const drifted = await judged([update], { resource_drift: [moved] });
  assert.deepEqual([drifted.result, drifted.route, drifted.risks], ["held", "on-call", ["drift"]]);
  const found = { address: "aws_lb.cart", change: "updates", fields: [{ path: ".idle", from: 60, to: 75 }] };
  assert.deepEqual((drifted.plan.diff as JsonObject)["drift"], [found], "the plan itself shows it");
  for (const actions of [["delete"], ["delete", "create"]]) {
    const gone = await judged([{ ...update, actions }]);
    assert.deepEqual([gone.result, gone.plan.signature], ["held", "irreversible"], actions.join());
  }
  assert.equal((await judged([update])).result, "granted");
  const opened = await judged([{ address: "aws_s3_bucket_public_access_block.b", actions: ["delete"], before: {} }]);
  assert.deepEqual(opened.risks, ["data-exposure"]);
});
