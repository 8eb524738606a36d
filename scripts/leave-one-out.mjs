// Whether a number in the method was chosen by the recordings it is judged on: each is varied alone over the values below,
// and for each set of recordings the value is taken that is best on the other sets. Prints what each set then scores.
// node scripts/leave-one-out.mjs FOLDER [SET,SET…]      FOLDER holds `cases/SET` and `labels.json`

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** What is asked of Kubernetes states has none of these. */
const SETS = ["changerca", "rcb", "chain", "nezha", "petshop", "sockshop"];

/** The first value is the method's own. */
const CONSTANTS = [
  { file: "rank-nodes.ts", name: "EXPLAINED_SHARE", values: [0.5, 0.3, 0.7] },
  { file: "statistics.ts", name: "USUAL_TOP", values: [0.95, 0.9, 0.99] },
  { file: "statistics.ts", name: "LEVEL_SHARE", values: [0.05, 0.02, 0.1] },
  { file: "timelines.ts", name: "TOP", values: [0.99, 0.95] },
  { file: "setting-signatures.ts", name: "HARM_WHOLE", values: [0.5, 0.25, 1] },
  { file: "rank-changes.ts", name: "NONE_SCORE", values: [0.7, 0.5, 0.6, 0.8] },
];

const root = join(import.meta.dirname, "..");
const [folder = "", chosen] = process.argv.slice(2);
const sets = (chosen?.split(",") ?? SETS).filter((set) => existsSync(join(folder, "cases", set)));
const labels = /** @type {Record<string, Record<string, string | null>>} */ (
  JSON.parse(readFileSync(join(folder, "labels.json"), "utf8"))
);
const copy = mkdtempSync(join(tmpdir(), "holdpoint-leave-"));
try {
  for (const name of ["bin", "scripts", "src", "package.json", "tsconfig.json"]) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const own = scoresWith(null, 0);
  for (const set of sets) console.log(`${set}: ${own[set]?.right} of ${own[set]?.all}`);
  for (const constant of CONSTANTS) tell(constant, own);
} finally {
  rmSync(copy, { recursive: true, force: true });
}

/**
 * @typedef {{ file: string, name: string, values: number[] }} Constant
 * @typedef {Record<string, { right: number, all: number }>} Scores
 * @param {Constant} constant
 * @param {Scores} own
 */
function tell(constant, own) {
  const [kept = 0, ...others] = constant.values;
  const tried = new Map([
    [kept, own],
    ...others.map((value) => /** @type {const} */ ([value, scoresWith(constant, value)])),
  ]);
  const lines = [...tried].map(
    ([value, scores]) => `${value}: ${sets.map((set) => `${set} ${scores[set]?.right}`).join(", ")}`,
  );
  console.log(`\n${constant.name}\n  ${lines.join("\n  ")}`);
  for (const set of sets) {
    const others = sets.filter((one) => one !== set);
    const sum = (/** @type {Scores} */ scores) => others.reduce((all, one) => all + partOf(scores[one]), 0);
    const most = Math.max(...[...tried.values()].map(sum));
    // What the other sets cannot tell apart, any of them might have been taken.
    const best = [...tried].filter(([, scores]) => sum(scores) > most - 1e-9);
    const rights = best.map(([, scores]) => scores[set]?.right ?? 0);
    const [least, greatest] = [Math.min(...rights), Math.max(...rights)];
    if (least === own[set]?.right && greatest === least) continue;
    console.log(`  without ${set}, ${best.map(([value]) => value).join(" or ")}: ${set} ${least} to ${greatest}`);
  }
}

/** @param {{ right: number, all: number } | undefined} score */
function partOf(score) {
  return (score?.right ?? 0) / Math.max(1, score?.all ?? 0);
}

/**
 * Right answers of each set with another value of one constant.
 * @param {Constant | null} constant
 * @param {number} value
 * @returns {Scores}
 */
function scoresWith(constant, value) {
  if (constant !== null) rewrite(constant, value);
  const scores = Object.fromEntries(sets.map((set) => [set, scoreOf(set)]));
  if (constant !== null) rewrite(constant, constant.values[0] ?? 0);
  return scores;
}

/**
 * @param {Constant} constant
 * @param {number} value
 */
function rewrite({ file, name }, value) {
  const path = join(copy, "src/model/causes", file);
  const text = readFileSync(path, "utf8");
  const changed = text.replace(new RegExp(`(const ${name} = )[\\d.]+;`), `$1${value};`);
  if (!new RegExp(`const ${name} = ${value};`).test(changed)) throw new Error(`${file} has no constant ${name}`);
  writeFileSync(path, changed);
}

/**
 * @typedef {{ id: string, ranked: { cause: string, score: number }[] }} Told
 * @param {string} set
 */
function scoreOf(set) {
  const out = join(copy, "predicted.jsonl");
  const command = ["rca", "predict", "--cases", join(folder, "cases", set), "--out", out];
  execFileSync(process.execPath, [join(copy, "src/main/cli.ts"), ...command], { stdio: "pipe" });
  const lines = readFileSync(out, "utf8").trim().split("\n");
  const told = lines.map((line) => /** @type {Told} */ (JSON.parse(line)));
  const right = told.filter(({ id, ranked: [first, second] }) => {
    if (first === undefined || (second !== undefined && first.score <= second.score)) return false;
    return first.cause === truthOf(labels[id] ?? {});
  });
  return { right: right.length, all: told.length };
}

/** @param {Record<string, string | null>} label */
function truthOf(label) {
  return label["root_cause_service"] ?? label["root_cause_node"] ?? label["root_cause_commit"] ?? "none";
}
