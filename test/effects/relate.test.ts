// The consult of the runtime model before a run is classified: what it waits for, and what it does not wait for.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AppError } from "../../src/core/errors.ts";
import type { RelationAsk } from "../../src/wire/contracts/predictor.ts";
import type { SignalFacts } from "../../src/kernel/signal-facts.ts";
import { Answerer } from "../../src/model/answer.ts";
import type { Relations } from "../../src/wire/types/relation.ts";
import { named } from "../kernel/alerts.ts";
import { settle } from "../kernel/rig.ts";
import { chance, observe, serviceName, type Production } from "../model/simulated.ts";
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

/** A database (s11) that eleven need, a mailer (s13) that two need of which one (s0) needs the database too, and a loner. */
const NEEDS: readonly (readonly number[])[] = [
  ...[[1, 2, 13], [3, 4], [5, 6], [7], [7, 8], [8, 9], [9, 10], [11], [11], [11], [11], []],
  ...[[13], [], []],
];
const PRODUCTION: Production = {
  calls: NEEDS.map((those) => those.map((to) => ({ to, use: 0.9, spread: 0.95 }))),
  ownFailures: NEEDS.map(() => 0.03),
  entries: NEEDS.map((_, i) => (i === 0 ? 0.6 : i === 12 ? 0.3 : i === 14 ? 0.1 : 0)),
};
const CAUSES = [NEEDS.slice(0, 12).map((_, i) => i), [12, 13], [14]];

/** Four hundred alerts of all of them in any order; no two services fail in the same words. */
async function storm(stage: Stage, seed: number): Promise<void> {
  const random = chance(seed);
  for (let i = 0; i < 400; i++) {
    const service = serviceName(Math.floor(random() * NEEDS.length));
    await fires(stage, `${service}-${i}`, named(service, `${service} ${["fails", "is late"][i % 2]}`));
    stage.rig.pass(1_000);
  }
}

const servicesOf = (stage: Stage): readonly string[] =>
  [...stage.rig.state.incidents.values()].map(({ services }) => services.toSorted().join(" ")).toSorted();

describe("four hundred alerts of three failures at the same time, one of them of a dozen services", () => {
  it("end in one incident for each cause, as the model measured who fails with whom, and without it in one for each service", async () => {
    const answerer = new Answerer(observe(PRODUCTION, chance(5), { windows: 3, requests: 800 }));
    for (const seed of [1, 2]) {
      const stage = await Stage.open();
      stage.rig.pass(3 * 60_000);
      const now = () => ({ at: stage.rig.nowMs, knownAt: stage.rig.nowMs });
      stage.onRelate = async (ask) => answerer.answer({ what: "relations", ...ask, ...now() }) as Relations;
      await storm(stage, seed);
      assert.deepEqual(servicesOf(stage), CAUSES.map((one) => one.map(serviceName).toSorted().join(" ")).toSorted());
    }
    const alone = await Stage.open();
    await storm(alone, 1);
    assert.equal(alone.rig.state.incidents.size, NEEDS.length);
  });
});
