// Ticks: one that is due fires something. Else time would stand still for whatever waits behind it.

import assert from "node:assert/strict";
import { it } from "node:test";
import { somethingIsDue } from "../../src/kernel/commands/tick.ts";
import { engineWith } from "./fixed-policy.ts";
import { BUNDLES } from "./names.ts";
import { Workload } from "./workload.ts";

it("whatever is due fires, in whatever state", () => {
  for (let seed = 0; seed < 8; seed++) {
    const workload = new Workload(engineWith("ticks", BUNDLES), seed);
    let fired = 0;
    for (let step = 0; step < 3_000; step++) {
      const before = workload.state.nextSeq;
      workload.step();
      const isTick = workload.state.nextSeq > before;
      if (!somethingIsDue(workload.state, workload.nowMs)) continue;
      const due = workload.state.nextSeq;
      workload.submit({ type: "tick", actor: "system:kernel", input: {} });
      assert.ok(workload.state.nextSeq > due, `seed ${seed}, step ${step}: a tick is due and fires nothing`);
      if (isTick) fired++;
    }
    assert.ok(fired > 0, `seed ${seed}: a workload in which nothing is due proves nothing`);
  }
});
