// Predictions in decisions: asked for where policy needs one, recorded, read from the record, and never waited for long.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { groupByCommand } from "../../src/history/leaves.ts";
import { redecide } from "../../src/history/redecide.ts";
import { TERMS } from "../../src/kernel/limits.ts";
import { parseState, serializeState } from "../../src/kernel/snapshot.ts";
import { emptyState } from "../../src/kernel/state.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import { nothingPredicted, type Prediction } from "../../src/wire/types/prediction.ts";
import { engine, MINUTE_MS, Rig } from "./rig.ts";

const KNOWN: Prediction = {
  ...nothingPredicted("unmeasured"),
  code: "",
  target: "service:production:cart",
  modelVersion: 41,
  staleS: 20,
  isStale: false,
  share: { low: 1_000, mid: 20_000, high: 50_000 },
  neighbourhood: ["service:production:cart", "service:production:web"],
  zone: "shop",
};

async function asked(of: { dryRun?: true; service?: string } = {}): Promise<{ rig: Rig; id: string }> {
  const rig = await Rig.open();
  const { subject, result } = await rig.propose({ kind: "test.measured", ...of });
  assert.equal(result, "evaluating");
  return { rig, id: subject };
}

async function answer(rig: Rig, id: string, of: Partial<Prediction> = {}): Promise<string> {
  const asked = rig.action(id).predicting ?? -1;
  return (await rig.ask("predict-action", { action: id, asked, prediction: { ...KNOWN, ...of } })).result;
}

function verdictsOf(rig: Rig, type: "action.granted" | "action.refused" | "action.held"): readonly string[] {
  return rig.last(type).evaluation?.verdicts.map(({ verdict, code }) => `${verdict} ${code}`) ?? [];
}

describe("a decision that needs a prediction", () => {
  it("waits for it and reads what is recorded: at the bound it passes, and one millionth beyond it is refused", async () => {
    const { rig, id } = await asked();
    assert.deepEqual(rig.typesOf(id), ["action.proposed", "action.prediction-asked"]);
    assert.equal(await answer(rig, id), "granted");
    const granted = ["pass rule-allow", "pass within-blast-radius", "pass within-boundary", "pass within-level"];
    assert.deepEqual(verdictsOf(rig, "action.granted"), granted);
    assert.deepEqual(rig.last("action.predicted", id).prediction, KNOWN);
    const { rig: other, id: second } = await asked();
    const wide = { ...KNOWN.share, high: 50_001 };
    assert.equal(await answer(other, second, { share: wide }), "refused");
    assert.ok(verdictsOf(other, "action.refused").includes("refuse blast-radius-exceeded"));
  });

  it("is refused where it reaches into another trust zone, and flips when that zone is another", async () => {
    const { rig, id } = await asked();
    assert.equal(await answer(rig, id, { crosses: ["pci"], crossed: 1 }), "refused");
    const refused = rig.last("action.refused").evaluation?.verdicts.find(({ code }) => code === "boundary-crossed");
    assert.deepEqual(refused?.evidence, { zone: "shop", into: "pci", crossed: 1, modelVersion: 41 });
    const { rig: other, id: second } = await asked();
    assert.equal(await answer(other, second, { crosses: ["front"], crossed: 1 }), "granted");
    const { rig: third, id: last } = await asked();
    assert.equal(await answer(third, last, { crosses: ["front"], crossed: 17 }), "refused", "not all are listed");
  });

  it("goes to people where the model is dead, late, stale, or knows nothing of the target or its zone", async () => {
    for (const [of, code] of [
      [nothingPredicted("model-unavailable"), "model-unavailable"],
      [nothingPredicted("model-late"), "model-late"],
      [nothingPredicted("target-unknown"), "target-unknown"],
      [nothingPredicted("unmeasured"), "unmeasured"],
      [{ isStale: true, staleS: 4_000 }, "model-stale"],
      [{ zone: null }, "zone-undeclared"],
    ] as const) {
      const { rig, id } = await asked();
      assert.equal(await answer(rig, id, of), "held", code);
      assert.ok(verdictsOf(rig, "action.held").includes(`hold ${code}`));
    }
  });

  it("does not wait beyond its deadline: nobody's answer is the answer of nobody", async () => {
    const { rig, id } = await asked();
    await rig.passAndTick(TERMS.predictingMs - 1);
    assert.equal(rig.action(id).status, "evaluating");
    await rig.passAndTick(1);
    assert.equal(rig.action(id).status, "held");
    assert.equal(rig.last("action.predicted", id).prediction.code, "no-answer");
    assert.equal(await answer(rig, id), "ended", "too late");
    assert.equal(rig.action(id).status, "held");
  });

  it("asks the model again when people took their time, and their approval does not stand for its answer", async () => {
    const { rig, id } = await asked();
    await answer(rig, id, nothingPredicted("model-unavailable"));
    await rig.passAndTick(5 * MINUTE_MS);
    await rig.answer(id);
    assert.equal(rig.action(id).status, "evaluating", "the old answer is not read any more");
    const wide = { low: 0, mid: 0, high: 900_000 };
    assert.equal(await answer(rig, id, { share: wide }), "refused", "what refuses stays a refusal");
    const { rig: other, id: second } = await asked();
    await answer(other, second, nothingPredicted("model-unavailable"));
    await other.passAndTick(5 * MINUTE_MS);
    await other.answer(second);
    assert.equal(await answer(other, second, nothingPredicted("model-late")), "granted", "people agreed to go blind");
  });

  it("takes no answer to an earlier question", async () => {
    const { rig, id } = await asked();
    const first = rig.action(id).predicting ?? -1;
    await answer(rig, id, nothingPredicted("model-unavailable"));
    await rig.passAndTick(5 * MINUTE_MS);
    await rig.answer(id);
    const late = await rig.ask("predict-action", { action: id, asked: first, prediction: KNOWN });
    assert.equal(late.result, "ended");
    assert.equal(rig.action(id).status, "evaluating");
  });

  it("is not asked for where something else refuses anyway, and a pause that came meanwhile counts", async () => {
    const { rig, id } = await asked();
    await rig.ask("apply-brake", { mode: "pause", scope: {} });
    assert.equal(await answer(rig, id), "refused");
    assert.equal(rig.last("action.refused").code, "paused");
    const { subject } = await rig.propose({ kind: "test.measured" });
    assert.ok(!rig.typesOf(subject).includes("action.prediction-asked"));
  });

  it("of a dry run ends as advice, and a cancelled one asks nobody", async () => {
    const { rig, id } = await asked({ dryRun: true });
    assert.equal(await answer(rig, id), "advised");
    const { rig: other, id: second } = await asked();
    await other.ask("cancel-action", { action: second, code: "by-person" });
    const late = await other.ask("predict-action", { action: second, asked: 1, prediction: KNOWN });
    assert.equal(late.result, "ended");
  });

  it("survives a restart while it waits, and replays bit for bit", async () => {
    const { rig, id } = await asked();
    const state = parseState(serializeState(rig.state));
    assert.equal(state.actions.get(id)?.predicting, rig.action(id).predicting);
    await answer(rig, id);
    const events = rig.writer.kept as unknown as readonly LedgerEvent[];
    const folded = emptyState();
    for (const group of groupByCommand(events)) assert.equal(redecide({ state: folded, engine, group }), null);
    assert.equal(serializeState(folded), serializeState(rig.state as never));
  });

  it("has the real impact recorded once, after the action took effect, and only of what was predicted", async () => {
    const { rig, id } = await asked();
    await answer(rig, id, { measurableAfterMs: 60_000 });
    assert.equal(rig.state.measuring.size, 0);
    await rig.begin(id);
    await rig.finish(id, "succeeded");
    const measuring = rig.state.measuring.get(id);
    assert.deepEqual([measuring?.stated, measuring?.dueAt], [KNOWN.share, rig.nowMs + 60_000]);
    const actual = { low: 0, mid: 1_000, high: 2_000 };
    const impact = { action: id, outcome: "measured", actual, modelVersion: 44 } as const;
    assert.equal((await rig.ask("record-impact", impact)).result, "measured");
    assert.equal((await rig.ask("record-impact", impact)).result, "ended");
    assert.deepEqual(rig.last("impact.measured", id).stated, KNOWN.share);
    assert.equal(rig.state.measuring.size, 0);
    const { rig: other, id: second } = await asked();
    await answer(other, second, nothingPredicted("model-unavailable"));
    await other.answer(second);
    await other.begin(second);
    await other.finish(second, "succeeded");
    assert.equal(other.state.measuring.size, 0, "of what nobody predicted nothing is compared");
  });
});
