// The consult of the runtime model from the effects' side: asked once it is durable, and every failure has a name.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Json } from "../../src/core/json.ts";
import { AppError } from "../../src/core/errors.ts";
import { planHashOf } from "../../src/effects/execute.ts";
import { askModel, probeWithModel } from "../../src/effects/predict.ts";
import { TERMS } from "../../src/kernel/limits.ts";
import { nothingPredicted, type Prediction } from "../../src/wire/types/prediction.ts";
import { settle } from "../kernel/rig.ts";
import { signedBy } from "../kernel/agent-registration.ts";
import { hang, planOf, Stage } from "./stage.ts";

const KNOWN: Prediction = {
  ...nothingPredicted("unmeasured"),
  code: "",
  isStale: false,
  share: { low: 0, mid: 1_000, high: 2_000 },
  zone: "shop",
};

async function proposed(stage: Stage): Promise<string> {
  const { subject } = await stage.rig.propose({ kind: "test.measured", effect: "none" });
  await settle();
  return subject;
}

function codeOf(stage: Stage, id: string): string {
  return stage.rig.last("action.predicted", id).prediction.code;
}

describe("the consult of the runtime model", () => {
  it("is made for what a decision waits for, whatever carries the action out", async () => {
    const stage = await Stage.open();
    stage.onPredict = async () => KNOWN;
    const id = await proposed(stage);
    assert.equal(codeOf(stage, id), "");
    assert.equal(stage.status(id), "action.granted");
  });

  it("waits until the question is durable", async () => {
    const stage = await Stage.open();
    let calls = 0;
    stage.onPredict = async () => (calls++, KNOWN);
    stage.rig.writer.held = true;
    void stage.rig.propose({ kind: "test.measured" }).catch(() => undefined);
    await settle();
    assert.equal(calls, 0);
    stage.rig.writer.held = false;
    stage.rig.writer.end();
    await settle();
    await settle();
    assert.equal(calls, 1);
  });

  it("says which way it failed", async () => {
    for (const [code, fail] of [
      ["target-unknown", () => Promise.reject(new AppError("model-node-not-found", "never"))],
      ["model-unavailable", () => Promise.reject(new AppError("model-unavailable", "gone"))],
      ["model-unavailable", () => Promise.reject(new Error("anything else"))],
    ] as const) {
      const stage = await Stage.open();
      stage.onPredict = fail;
      const id = await proposed(stage);
      assert.equal(codeOf(stage, id), code);
      assert.equal(stage.status(id), "held");
      assert.deepEqual(stage.problems, []);
    }
    const stage = await Stage.open();
    stage.onPredict = hang;
    const id = await proposed(stage);
    assert.equal(stage.status(id), "evaluating");
    await stage.endTerms();
    assert.equal(codeOf(stage, id), "model-late");
  });

  it("goes on after a restart that came between the question and the answer", async () => {
    const stage = await Stage.open();
    stage.onPredict = hang;
    const id = await proposed(stage);
    stage.onPredict = async () => KNOWN;
    stage.newRunner().sweep();
    await settle();
    assert.equal(stage.status(id), "action.granted");
    await stage.endTerms();
    assert.equal(stage.rig.all("action.predicted").length, 1, "the first one's answer comes too late");
  });

  it("answers a probe as the proposal would be decided", async () => {
    const stage = await Stage.open();
    const { kernel } = stage.rig;
    const ask = { kind: "test.measured", environment: "production", service: "cart" };
    const input = {
      ...ask,
      resource: null,
      agentKind: "person",
      person: "ada",
      requestHash: "r",
      planHash: "p",
      repeat: "idempotent",
      effect: "none",
      reversible: false,
      idempotencyKey: null,
    } as const;
    const told = async (answer: () => Promise<Prediction>): Promise<string> => {
      const parts = {
        kernel,
        predictor: { predictAction: answer, measureAction: hang },
        predictTimeout: () => AbortSignal.timeout(60_000),
      };
      return (await probeWithModel(parts, { actor: "person:ada", input })).decision;
    };
    assert.equal(await told(async () => KNOWN), "allow");
    assert.equal(await told(async () => ({ ...KNOWN, crosses: ["pci"], crossed: 1 })), "refuse");
    assert.equal(await told(() => Promise.reject(new Error("gone"))), "hold");
    const aborted = {
      predictor: { predictAction: hang, measureAction: hang },
      predictTimeout: () => AbortSignal.abort(),
    };
    assert.equal((await askModel(aborted, ask)).code, "model-late");
  });

  it("asks for the real impact when it is due, waits while it is not told, and gives up in the end", async () => {
    for (const isTold of [true, false]) {
      const stage = await Stage.open();
      const { rig } = stage;
      stage.onPredict = async () => ({ ...KNOWN, measurableAfterMs: 60_000 });
      const plan = planOf({});
      const input = {
        kind: "test.measured",
        environment: "production",
        service: "cart",
        resource: null,
        agentKind: "agent",
        person: "owner",
        requestHash: planHashOf(plan),
        planHash: planHashOf(plan),
        repeat: "idempotent",
        effect: "external",
        reversible: false,
        idempotencyKey: "agent:one measured",
        signed: signedBy("agent:one", rig.nowMs),
      } as const;
      const content = { args: {}, plan: plan as unknown as Json };
      const proposal = { type: "propose-action", actor: "agent:one", input, content } as const;
      const { subject: id } = await rig.kernel.submit(proposal);
      await settle();
      await settle();
      stage.runner.sweep();
      for (let turn = 0; turn < 20 && rig.state.measuring.size === 0; turn++) await settle();
      assert.equal(rig.last("step.finished", id).action, "succeeded");
      let calls = 0;
      stage.onMeasure = async () => (calls++, null);
      stage.runner.sweep();
      await settle();
      assert.deepEqual([calls, rig.state.measuring.size], [0, 1], "not due");
      rig.pass(60_000);
      stage.runner.sweep();
      await settle();
      assert.deepEqual([calls, rig.state.measuring.size], [1, 1]);
      const actual = { low: 0, mid: 5, high: 9 };
      if (isTold) stage.onMeasure = async () => ({ outcome: "measured", actual, modelVersion: 3 });
      else stage.onMeasure = () => Promise.reject(new AppError("model-unavailable", "gone"));
      rig.pass(isTold ? 1_000 : TERMS.measuringLateMs + 1);
      stage.runner.sweep();
      await settle();
      const { outcome, actual: told } = rig.last("impact.measured", id);
      assert.deepEqual([outcome, told], isTold ? ["measured", actual] : ["no-telemetry", null]);
      assert.equal(rig.state.measuring.size, 0);
    }
  });
});
