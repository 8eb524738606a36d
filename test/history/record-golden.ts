// Records a golden ledger once, when an engine is released: `node test/history/record-golden.ts v1`. Never over an old one.

import { mkdirSync, writeFileSync } from "node:fs";
import { stateHash } from "../../src/kernel/snapshot.ts";
import { engineWith } from "./fixed-policy.ts";
import { BUNDLES, Workload } from "./workload.ts";

/** A short workload in which every event type happens. */
const SEED = 564;
const STEPS = 600;

const release = process.argv[2] ?? "";
if (!/^v\d+$/.test(release)) throw new Error("name the release: v2");
const folder = new URL(`../golden/${release}/`, import.meta.url);
const workload = new Workload(engineWith(`golden-${release}`, BUNDLES), SEED);
for (let step = 0; step < STEPS; step++) workload.step();
const expected = { events: workload.state.nextSeq, stateHash: stateHash(workload.state) };
mkdirSync(folder, { recursive: true });
writeFileSync(new URL("workload.ndjson", folder), `${workload.leaves().join("\n")}\n`, { flag: "wx" });
writeFileSync(new URL("expected.json", folder), `${JSON.stringify(expected, null, 2)}\n`, { flag: "wx" });
