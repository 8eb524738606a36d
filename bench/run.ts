// `npm run bench -- [name] [--json]`: runs one benchmark or all, each as ratios measured in one run.

import { readFileSync } from "node:fs";

import { appendBench } from "./append.ts";
import { decideBench } from "./decide.ts";
import { describeMachine, type Bench } from "./harness.ts";
import { modelBench } from "./model.ts";
import { otlpBench } from "./otlp.ts";
import { proposeBench } from "./propose.ts";
import { startBench } from "./start.ts";
import { stormBench } from "./storm.ts";
import { verifyBench } from "./verify.ts";

const BENCHES: readonly Bench[] = [
  decideBench,
  proposeBench,
  appendBench,
  verifyBench,
  startBench,
  stormBench,
  modelBench,
  otlpBench,
];

const args = process.argv.slice(2);
const json = args.includes("--json");
const name = args.find((arg) => !arg.startsWith("-"));
const chosen = BENCHES.filter((bench) => name === undefined || bench.name === name);
if (chosen.length === 0) {
  process.stderr.write(`no benchmark ${name}; there are ${BENCHES.map((bench) => bench.name).join(", ")}\n`);
  process.exit(2);
}
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};
for (const bench of chosen) {
  const results = await bench.run();
  const versions = { holdpoint: version, node: process.version };
  const report = { bench: bench.name, machine: describeMachine(), versions, seed: bench.seed, results };
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${bench.name}\n${JSON.stringify(results, null, 2)}\n`);
}
