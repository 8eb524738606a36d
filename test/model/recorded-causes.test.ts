// Recorded public incidents, where somebody has put them: the figures of docs/root-cause.md are held here.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { readCase, type CaseFile } from "../../src/model/cases/read-case.ts";
import { findCauses } from "../../src/model/causes/find-causes.ts";

/** A folder with `cases/SET/*.json.gz` and `labels.json`; they may not be copied here, so the test needs to be told. */
const FOLDER = process.env["HOLDPOINT_RCA_CASES"] ?? "";

type Label = Readonly<Record<string, string | null>> & {
  readonly blast_radius?: readonly string[];
  readonly observed_breached_edges?: readonly (readonly [caller: string, callee: string])[];
};

const TRUTH: Readonly<Record<string, (label: Label) => string>> = {
  changerca: (label) => label["root_cause_service"] ?? "",
  rcb: (label) => label["root_cause_commit"] ?? "none",
  chain: (label) => label["root_cause_commit"] ?? "none",
  cloudops: (label) => `${label["fault_taxonomy"]}|${label["fault_object"]}|${label["root_cause"]}`,
  nezha: (label) => label["root_cause_service"] ?? "",
  petshop: (label) => label["root_cause_node"] ?? "",
  sockshop: (label) => label["root_cause_service"] ?? "",
};

const FLOOR: Readonly<Record<string, number>> = {
  changerca: 0.88,
  rcb: 0.75,
  chain: 0.75,
  cloudops: 0.9,
  nezha: 0.8,
  petshop: 0.75,
  sockshop: 0.7,
};

/** Services that were observed to suffer, where a set says so. */
const SUFFERED: Readonly<Record<string, (label: Label) => readonly string[]>> = {
  changerca: (label) => (label.observed_breached_edges ?? []).map(([caller]) => caller),
  rcb: (label) => label.blast_radius ?? [],
};
const JACCARD_MIN = 0.75;

function jaccard(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const both = [...one].filter((name) => other.has(name)).length;
  return both / Math.max(1, one.size + other.size - both);
}

const readGzip = (path: string): unknown => JSON.parse(gunzipSync(readFileSync(path)).toString("utf8"));

for (const [set, truthOf] of Object.entries(TRUTH)) {
  const dir = join(FOLDER, "cases", set);
  const reason =
    "HOLDPOINT_RCA_CASES names no folder with the recorded incidents, which may not be kept in this repository";
  const skip = FOLDER !== "" && existsSync(dir) ? false : reason;
  test(`recorded incidents of ${set} name the cause at least as often as is documented`, { skip }, () => {
    const labels = JSON.parse(readFileSync(join(FOLDER, "labels.json"), "utf8")) as Record<string, Label>;
    const references = new Map<string, unknown>();
    const load = (name: string): unknown => {
      if (!references.has(name)) references.set(name, readGzip(join(dir, name)));
      return references.get(name);
    };
    let [right, all] = [0, 0];
    const alike: number[] = [];
    for (const name of readdirSync(dir)) {
      const label = labels[name.replace(".json.gz", "")];
      if (!label) continue;
      const question = readCase(readGzip(join(dir, name)) as CaseFile, load);
      assert.ok(question);
      const { ranked, blastRadius } = findCauses(question);
      const [first, second] = ranked;
      const suffered = new Set(SUFFERED[set]?.(label) ?? []);
      if (suffered.size > 0) alike.push(jaccard(suffered, new Set(blastRadius)));
      all += 1;
      if (first?.cause === truthOf(label) && (second === undefined || first.score > second.score)) right += 1;
    }
    assert.ok(right / all >= (FLOOR[set] ?? 1), `${set}: ${right} of ${all}`);
    assert.equal(alike.length > 0, SUFFERED[set] !== undefined);
    const mean = alike.reduce((sum, one) => sum + one, 0) / alike.length;
    assert.ok(alike.length === 0 || mean > JACCARD_MIN, `${set}: who suffers is alike by ${mean}`);
  });
}
