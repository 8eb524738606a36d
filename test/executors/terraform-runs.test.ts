// What a saved plan runs beside changing resources is for people: provisioners, actions, and what is put off.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import { executeRequest, never } from "./contract.ts";
import { judge } from "./judged.ts";
import { terraformStage, type Resource } from "./terraform-stage.ts";

const HOOK = { type: "local-exec", expressions: { command: { constant_value: "wipe --key hunter2-of-the-command" } } };

const of = (address: string, ...provisioners: readonly JsonObject[]): JsonObject => {
  return { root_module: { resources: [{ address, mode: "managed", provisioners: [...provisioners] }] } };
};
const inModule = (configuration: JsonObject, name = "jobs"): JsonObject => {
  return { root_module: { module_calls: { [name]: { module: configuration["root_module"] ?? null } } } };
};
const made = (address: string, actions: readonly string[] = ["create"]): Resource => {
  return { address, actions, before: actions[0] === "create" ? null : { a: 1 }, after: { a: 2 } };
};
const invoked = { address: "action.aws_lambda_invoke.wipe", type: "aws_lambda_invoke" };

type Case = readonly [Resource, JsonObject, readonly JsonObject[]];

/** A resource that changes, the rest of the plan, and what is found to be run. */
const PLANTED: readonly Case[] = [
  [made("a.b"), { configuration: of("a.b", HOOK, HOOK) }, [{ address: "a.b", what: "local-exec" }]],
  [
    made('module.jobs["x.y]"].a.b[0]'),
    { configuration: inModule(of("a.b", HOOK, { type: "file" })) },
    [
      { address: 'module.jobs["x.y]"].a.b[0]', what: "local-exec" },
      { address: 'module.jobs["x.y]"].a.b[0]', what: "file" },
    ],
  ],
  [
    made('module.jobs["a"].module.deep.a.b'),
    { configuration: inModule(inModule(of("a.b", { type: "remote-exec" }), "deep")) },
    [{ address: 'module.jobs["a"].module.deep.a.b', what: "remote-exec" }],
  ],
  [made("a.b"), { action_invocations: [invoked] }, [{ address: invoked.address, what: "action_invocations" }]],
  [
    made("a.b", ["no-op"]),
    { action_invocations: [invoked] },
    [{ address: invoked.address, what: "action_invocations" }],
  ],
  [
    made("a.b"),
    { deferred_changes: [{ reason: "provider_config_unknown", resource_change: { address: "a.later" } }] },
    [{ address: "a.later", what: "deferred_changes" }],
  ],
  [
    made("a.b"),
    { deferred_action_invocations: [{ reason: "x", action_invocation: invoked }] },
    [{ address: invoked.address, what: "deferred_action_invocations" }],
  ],
  [made("a.b"), { hook_invocations: { any: true } }, [{ address: "", what: "hook_invocations" }]],
];

/** The same without what is run: of another resource, or of one that is neither created nor destroyed. */
const BENIGN: readonly (readonly [Resource, JsonObject])[] = [
  [made("a.b"), { configuration: of("a.b") }],
  [made("a.b"), { configuration: of("a.other", HOOK) }],
  [made("a.b"), { configuration: inModule(of("a.b", HOOK)) }],
  [made("a.b", ["update"]), { configuration: of("a.b", HOOK) }],
  [made("a.b"), { action_invocations: [], deferred_changes: [], deferred_action_invocations: [], deferred_x: {} }],
];

test("a saved plan that runs something is held, and names it without its command; its benign twin passes", async (t) => {
  const stage = terraformStage();
  t.after(() => stage.close());
  const executor = stage.build();
  const judged = (resource: Resource, more: JsonObject) => {
    stage.save("runs.tfplan", [resource], more);
    return judge(executor, { kind: "terraform.apply", args: { workspace: "cart", plan: "runs.tfplan" } });
  };
  for (const [resource, more, runs] of PLANTED) {
    const caught = await judged(resource, more);
    const said = JSON.stringify(caught.plan);
    assert.deepEqual([caught.result, caught.risks, caught.plan.signature], ["held", ["unseen"], "opaque"], said);
    assert.deepEqual((caught.plan.diff as JsonObject)["runs"], runs);
    assert.ok(!said.includes("hunter2"), "the command is not shown");
  }
  for (const [resource, more] of BENIGN) {
    const twin = await judged(resource, more);
    assert.deepEqual([twin.result, twin.risks, twin.plan.signature], ["granted", [], undefined], JSON.stringify(more));
    assert.equal(Object.hasOwn(twin.plan.diff as JsonObject, "runs"), false);
  }
  const gone = await judged(made("a.b", ["delete"]), { configuration: of("a.b", HOOK) });
  assert.deepEqual([gone.plan.signature, gone.risks], ["irreversible", ["unseen"]]);
});

test("of many that are run the first are shown, and all are counted", async (t) => {
  const stage = terraformStage();
  t.after(() => stage.close());
  const all = Array.from({ length: 250 }, (_, at) => ({ ...invoked, address: `action.a.b[${at}]` }));
  stage.save("runs.tfplan", [made("a.b")], { action_invocations: all });
  const { plan } = await judge(stage.build(), {
    kind: "terraform.apply",
    args: { workspace: "cart", plan: "runs.tfplan" },
  });
  const { runs, unlisted } = plan.diff as { runs: readonly JsonObject[]; unlisted: number };
  assert.deepEqual([runs.length, unlisted], [200, 250]);
});

test("an action that began is for people, as no state tells what became of it, and is not run again", async (t) => {
  const stage = terraformStage();
  t.after(() => stage.close());
  const executor = stage.build();
  stage.save("act.tfplan", [{ ...invoked, fails: true }], { action_invocations: [invoked] });
  const { plan } = await judge(executor, {
    kind: "terraform.apply",
    args: { workspace: "cart", plan: "act.tfplan" },
  });
  const request = executeRequest(plan);
  assert.equal((await executor.execute(request, never)).status, "partial");
  const reconciled = await stage.build().reconcile(request, never);
  assert.deepEqual(reconciled, { status: "unclear", detail: { code: "partly-applied" } });
  assert.equal((await executor.execute(request, never)).status, "unknown");
  assert.deepEqual(stage.applied(), [invoked.address]);
});
