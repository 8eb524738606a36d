// The consult of the runtime model before a run is classified: what it waits for, and what it does not wait for.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AppError } from "../../src/core/errors.ts";
import type { RelationAsk } from "../../src/wire/contracts/predictor.ts";
import type { SignalFacts } from "../../src/kernel/signal-facts.ts";
import { named } from "../kernel/alerts.ts";
import { settle } from "../kernel/rig.ts";
import { hang, Stage } from "./stage.ts";

const DB = named("db", "connections exhausted");
const CART = named("cart", "high error rate");
const TOLD = { modelVersion: 3, relations: [{ cause: "db", effect: "cart", lowPpm: 400_000 }] };

async function fires(stage: Stage, name: string, of: Partial<SignalFacts>): Promise<void> {
  await stage.signal(`${name}:firing`, of);
  await settle();
  await settle();
}

describe("the run of an incident", () => {
  it("asks about the others that are open near it, and pages once for one cause", async () => {
    const stage = await Stage.open();
    const asked: RelationAsk[] = [];
    stage.onRelate = async (ask) => (asked.push(ask), TOLD);
    await fires(stage, "a", DB);
    assert.deepEqual(asked, [], "nothing else was open");
    await fires(stage, "b", CART);
    assert.deepEqual(asked, [{ environment: "production", services: ["cart", "db"] }]);
    assert.equal(stage.rig.state.incidents.size, 1);
    assert.equal(stage.calls.length, 1, "one page");
    const types = stage.rig.writer.kept.map(({ type }) => type);
    assert.ok(types.lastIndexOf("incident.merged") < types.lastIndexOf("run.classified"));
  });

  it("goes on without an answer: from a model that fails, knows nothing, or takes too long", async () => {
    for (const answer of [
      () => Promise.reject(new AppError("model-unavailable", "gone")),
      () => Promise.reject(new Error("anything else")),
      async () => ({ modelVersion: 0, relations: [] }),
    ]) {
      const stage = await Stage.open();
      stage.onRelate = answer;
      await fires(stage, "a", DB);
      await fires(stage, "b", CART);
      assert.equal(stage.rig.all("run.classified").length, 2);
      assert.equal(stage.rig.state.incidents.size, 2);
      assert.deepEqual(stage.problems, []);
    }
    const stage = await Stage.open();
    stage.onRelate = hang;
    await fires(stage, "a", DB);
    await fires(stage, "b", CART);
    assert.equal(stage.rig.all("run.classified").length, 1);
    await stage.endTerms();
    await settle();
    assert.equal(stage.rig.all("run.classified").length, 2);
  });
});
