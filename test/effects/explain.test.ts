// The consult of the runtime model about what has ended: recorded once, and asked about once where there is nothing to say.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AppError } from "../../src/core/errors.ts";
import type { ExplanationAsk } from "../../src/wire/contracts/predictor.ts";
import type { Explained } from "../../src/wire/types/explanation.ts";
import { settle } from "../kernel/rig.ts";
import { Stage } from "./stage.ts";

const FOUND: Explained = {
  explanation: {
    modelVersion: 3,
    causes: [{ kind: "change", cause: "c1", changeKind: "deploy", scorePpm: 800_000, chain: ["change:c1"] }],
  },
  evidence: [["errors of cart rose"]],
};

async function ended(stage: Stage): Promise<string> {
  await stage.signal("a:firing");
  await settle();
  const [id = ""] = stage.rig.state.incidents.keys();
  await stage.signal("a:resolved", { status: "resolved" });
  await settle();
  await settle();
  return id;
}

describe("an incident that has ended", () => {
  it("keeps what explains it, found by when it was noticed and by all that is known since", async () => {
    const stage = await Stage.open();
    const asked: ExplanationAsk[] = [];
    const openedAt = stage.rig.nowMs;
    stage.onExplain = async (ask) => (asked.push(ask), FOUND);
    const id = await ended(stage);
    assert.deepEqual(asked, [{ environment: "production", service: "cart", at: openedAt }]);
    assert.deepEqual(stage.rig.last("incident.explained", id).explanation, FOUND.explanation);
    assert.equal(stage.rig.state.resolved.get(id)?.incident.explained, true);
    stage.runner.sweep();
    await settle();
    assert.equal(stage.rig.all("incident.explained").length, 1);
  });

  it("is explained anew when it came back and ended again", async () => {
    const stage = await Stage.open();
    stage.onExplain = async () => FOUND;
    const id = await ended(stage);
    stage.rig.pass(11 * 60_000);
    await ended(stage);
    assert.deepEqual([stage.rig.all("incident.reopened").length, stage.rig.all("incident.explained").length], [1, 2]);
    assert.equal(stage.rig.last("incident.explained").explanation.modelVersion, 3, id);
  });

  it("is asked about once where the model knows nothing, is gone, or is slow; a new process asks again", async () => {
    const stage = await Stage.open();
    let calls = 0;
    stage.onExplain = async () => (calls++, null);
    await ended(stage);
    stage.runner.sweep();
    stage.runner.sweep();
    await settle();
    assert.equal(calls, 1);
    stage.onExplain = () => Promise.reject(new AppError("model-unavailable", "gone"));
    stage.newRunner().sweep();
    await settle();
    assert.deepEqual([stage.rig.all("incident.explained").length, stage.problems], [0, []]);
  });
});
