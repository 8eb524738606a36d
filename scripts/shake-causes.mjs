// How much the causes that are found depend on the numbers in the method: predicts again and again with every number with a
// decimal point multiplied by a chance of its own, and writes a file of predictions for each run, the first without change.
// node scripts/shake-causes.mjs CASES OUT [RUNS]

import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** A third up, a quarter down at most. */
const SPREAD = Math.log(4 / 3);
const root = join(import.meta.dirname, "..");
const [cases = "", out = "", runs = "10"] = process.argv.slice(2);

const copy = mkdtempSync(join(tmpdir(), "holdpoint-shake-"));
try {
  for (const name of ["bin", "scripts", "src", "package.json", "tsconfig.json"]) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const random = chance(20_261_121);
  for (let run = 0; run <= Number(runs); run++) {
    if (run > 0) shake(random);
    const file = join(out, `shaken-${run}.jsonl`);
    const command = [join(copy, "bin/holdpoint.mjs"), "rca", "predict", "--cases", cases, "--out", file];
    execFileSync(process.execPath, command, { stdio: "inherit" });
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}

/**
 * Every file of the method as it is, with other numbers.
 * @param {() => number} random
 */
function shake(random) {
  for (const name of readdirSync(join(root, "src/model/causes"))) {
    const lines = readFileSync(join(root, "src/model/causes", name), "utf8").split("\n");
    const shaken = lines.map((line) => (isCode(line) ? line.replaceAll(/(?<![\w.])\d+\.\d+(?![\w.])/g, shift) : line));
    writeFileSync(join(copy, "src/model/causes", name), shaken.join("\n"));
  }
  /** @param {string} number */
  function shift(number) {
    const value = Number(number) * Math.exp((random() * 2 - 1) * SPREAD);
    return String(Number(number) < 1 ? Math.min(value, 0.999) : value);
  }
}

/**
 * Comments stay, and so do quantiles: a median is a median.
 * @param {string} line
 */
function isCode(line) {
  return !/^\s*(?:\/\/|\*|\/\*)|quantileOf|TOP = /.test(line);
}

/**
 * xorshift32, between 0 and 1.
 * @param {number} seed
 */
function chance(seed) {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}
