// What a probe says and what a proposal then meets are the same, in any state; and a probe leaves none behind.

import assert from "node:assert/strict";
import { it } from "node:test";
import type { CommandInputs } from "../../src/kernel/command.ts";
import { probe } from "../../src/kernel/probe.ts";
import { serializeState } from "../../src/kernel/snapshot.ts";
import { engineWith } from "../history/fixed-policy.ts";
import { BUNDLES } from "../history/names.ts";
import { Workload } from "../history/workload.ts";

const DECISIONS: Readonly<Record<string, string>> = {
  "action.granted": "allow",
  "action.held": "hold",
  "action.refused": "refuse",
  "action.suppressed": "refuse",
  "action.advised": "refuse",
  // Not now: its window, or its turn, is to come.
  "action.waiting": "refuse",
  "action.prediction-asked": "refuse",
};

it("a probe answers as the proposal right after it is decided, in whatever state, and changes nothing", () => {
  const engine = engineWith("engine-under-test", BUNDLES);
  // Two of one seed: the one behind stands where the other's proposal was decided.
  const [ahead, behind] = [new Workload(engine, 21), new Workload(engine, 21)];
  const seen = new Set<string>();
  let compared = 0;
  for (let step = 0; step < 1_500; step++) {
    if (step > 0) behind.step();
    ahead.step();
    const [proposed, decided] = ahead.groups.at(-1) ?? [];
    if (proposed?.type !== "action.proposed" || proposed.seq !== behind.state.nextSeq) continue;
    if (proposed.facts["by"] !== "propose-action" || decided?.subject !== proposed.subject) continue;
    const bytes = serializeState(behind.state);
    const { by: _by, input: _input, forgets: _forgets, ...stated } = proposed.facts;
    const input = { ...stated, idempotencyKey: null } as unknown as CommandInputs["propose-action"];
    const probed = probe({ state: behind.state, engine, now: proposed.time }, { actor: proposed.actor, input });
    assert.equal(probed.decision, DECISIONS[decided.type], decided.type);
    assert.equal(probed.awaits, decided.type === "action.prediction-asked" ? "prediction" : undefined);
    if (decided.type === "action.refused") assert.equal(probed.code, decided.facts["code"]);
    if (decided.type === "action.held") assert.equal(probed.route, decided.facts["route"]);
    assert.deepEqual(serializeState(behind.state), bytes, "nothing changed");
    seen.add(probed.decision);
    compared++;
  }
  assert.deepEqual([...seen].sort(), ["allow", "hold", "refuse"], `after ${compared}`);
});
