// Records a golden ledger once, when an engine is released: `node test/history/record-golden.ts v1`. Never over an old one.

import { mkdirSync, writeFileSync } from "node:fs";
import { stateHash } from "../../src/kernel/snapshot.ts";
import { declaredTypes } from "./declared-types.ts";
import { engineWith } from "./fixed-policy.ts";
import { BUNDLES } from "./names.ts";
import { Workload } from "./workload.ts";

/** A workload in which every event type happens: of so many seeds the one that gets there first. */
const SEEDS = 20;
const STEPS_MAX = 9_000;
/** How often it is looked whether all types have happened. */
const LOOK_EVERY = 100;

const release = process.argv[2] ?? "";
if (!/^v\d+$/.test(release)) throw new Error("name the release: v2");
const folder = new URL(`../golden/${release}/`, import.meta.url);
const workload = findWorkload();
const expected = { events: workload.state.nextSeq, stateHash: stateHash(workload.state) };
mkdirSync(folder, { recursive: true });
writeFileSync(new URL("workload.ndjson", folder), `${workload.leaves().join("\n")}\n`, { flag: "wx" });
writeFileSync(new URL("expected.json", folder), `${JSON.stringify(expected, null, 2)}\n`, { flag: "wx" });

function findWorkload(): Workload {
  let [shortest, steps]: [Workload | undefined, number] = [undefined, STEPS_MAX];
  for (let seed = 0; seed < SEEDS; seed++) {
    const made = new Workload(engineWith(`golden-${release}`, BUNDLES), seed);
    const taken = stepsUntilAll(made, steps);
    if (taken !== null) [shortest, steps] = [made, taken];
  }
  if (shortest !== undefined) return shortest;
  throw new Error("no seed makes every event type happen: make the rare ones less rare in the workload");
}

/** Null where it takes as many as `max`. */
function stepsUntilAll(workload: Workload, max: number): number | null {
  const missing = new Set<string>(declaredTypes());
  let looked = 0;
  for (let step = 1; step < max; step++) {
    workload.step();
    if (step % LOOK_EVERY !== 0) continue;
    for (; looked < workload.groups.length; looked++)
      for (const { type } of workload.groups[looked] ?? []) missing.delete(type);
    if (missing.size === 0) return step;
  }
  return null;
}
