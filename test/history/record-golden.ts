// Records a golden ledger once, when an engine is released: `node test/history/record-golden.ts v1`. Never over an old one.

import { mkdirSync, writeFileSync } from "node:fs";
import { stateHash } from "../../src/kernel/snapshot.ts";
import { declaredTypes } from "./declared-types.ts";
import { engineWith } from "./fixed-policy.ts";
import { BUNDLES } from "./names.ts";
import { Workload } from "./workload.ts";

/** A short workload in which every event type happens: the first seed that has them all. */
const SEEDS_MAX = 5_000;
const STEPS = 3_000;

const release = process.argv[2] ?? "";
if (!/^v\d+$/.test(release)) throw new Error("name the release: v2");
const folder = new URL(`../golden/${release}/`, import.meta.url);
const workload = findWorkload();
const expected = { events: workload.state.nextSeq, stateHash: stateHash(workload.state) };
mkdirSync(folder, { recursive: true });
writeFileSync(new URL("workload.ndjson", folder), `${workload.leaves().join("\n")}\n`, { flag: "wx" });
writeFileSync(new URL("expected.json", folder), `${JSON.stringify(expected, null, 2)}\n`, { flag: "wx" });

function findWorkload(): Workload {
  const types = declaredTypes();
  for (let seed = 0; seed < SEEDS_MAX; seed++) {
    const made = new Workload(engineWith(`golden-${release}`, BUNDLES), seed);
    for (let step = 0; step < STEPS; step++) made.step();
    const seen = new Set(made.groups.flat().map(({ type }) => type));
    if (types.every((type) => seen.has(type))) return made;
  }
  throw new Error("no seed makes every event type happen: make the rare ones less rare in the workload");
}
