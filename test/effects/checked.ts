// An action of a checked kind whose step has succeeded, for tests of what effects do afterwards.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import type { Json } from "../../src/core/json.ts";
import { planHashOf } from "../../src/effects/execute.ts";
import type { Plan, PlanRequest } from "../../src/wire/contracts/executor.ts";
import { settle } from "../kernel/rig.ts";
import { signedBy } from "../kernel/agent-registration.ts";
import { DONE, planOf, Stage } from "./stage.ts";

const TARGET = { environment: "production", service: "cart" };
export const INVERSE = { kind: "test.free", target: TARGET, args: { back: 1 } };

/** With the outcome that it left. */
export async function done({ left, phases }: { left?: string; phases?: number } = {}): Promise<{
  stage: Stage;
  id: string;
  planned: PlanRequest[];
}> {
  const stage = await Stage.open();
  const planned: PlanRequest[] = [];
  stage.onPlan = async (args, request) => {
    planned.push(request);
    return planOf(args);
  };
  stage.onExecute = async () => (left === undefined ? DONE : { ...DONE, left });
  const plan: Plan = { ...planOf({ forth: 1 }), inverse: INVERSE };
  const { subject: id } = await stage.rig.kernel.submit({
    type: "propose-action",
    actor: "agent:one",
    input: {
      kind: "test.checked",
      ...TARGET,
      resource: null,
      agentKind: "agent",
      person: "owner",
      requestHash: planHashOf(plan),
      planHash: planHashOf(plan),
      repeat: "idempotent",
      effect: "external",
      reversible: true,
      idempotencyKey: "agent:one checked",
      signed: signedBy("agent:one", stage.rig.nowMs),
      ...(phases === undefined ? {} : { phases }),
      inverse: { kind: INVERSE.kind, repeat: "idempotent", hash: hash("sha256", canonicalJson(INVERSE)) },
    },
    content: { args: {}, plan: plan as unknown as Json },
  });
  await settle();
  assert.equal(stage.rig.action(id).status, "verifying");
  return { stage, id, planned };
}

export async function sample(stage: Stage, ms = 10_000): Promise<void> {
  stage.rig.pass(ms);
  stage.runner.sweep();
  await settle();
}
