// Long random histories: a million events, every command decided again, hashes compared on the way.

import assert from "node:assert/strict";
import { hash, randomInt } from "node:crypto";
import { test } from "node:test";
import { groupByCommand, parseLeaves } from "../../src/history/leaves.ts";
import { redecide } from "../../src/history/redecide.ts";
import { parseState, serializeState, stateHash } from "../../src/kernel/snapshot.ts";
import { emptyState } from "../../src/kernel/state.ts";
import { engineWith } from "./fixed-policy.ts";
import { BUNDLES } from "./names.ts";
import { Workload } from "./workload.ts";

const HISTORIES = Number(process.env["SOAK_HISTORIES"] ?? 50);
const STEPS = 15_000;
const BATCH_GROUPS = 500;

const first = randomInt(2 ** 31);

for (let n = 0; n < HISTORIES; n++) {
  const seed = first + n;
  test(`the history of seed ${seed} decides again to itself`, () => {
    const workload = new Workload(engineWith("soak", BUNDLES), seed);
    for (let step = 0; step < STEPS; step++) workload.step();
    const engine = engineWith("soak", BUNDLES);
    let state = emptyState();
    for (const batch of workload.batches(BATCH_GROUPS)) {
      for (const group of groupByCommand(parseLeaves(batch))) assert.equal(redecide({ state, engine, group }), null);
      const text = serializeState(state);
      state = parseState(text);
      assert.equal(stateHash(state), hash("sha256", text));
    }
    assert.equal(stateHash(state), stateHash(workload.state));
  });
}
