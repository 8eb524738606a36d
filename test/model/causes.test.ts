// The search for causes on small cases of our own: each file names what has to come out.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { readCase, type CaseFile } from "../../src/model/cases/read-case.ts";
import { findCauses } from "../../src/model/causes/find-causes.ts";
import type { CauseAnswer } from "../../src/model/causes/input.ts";

const CASES = join(import.meta.dirname, "cases");

type OwnCase = CaseFile & { readonly expect: { readonly cause: string; readonly blastRadius: readonly string[] } };

const read = (name: string): unknown => JSON.parse(readFileSync(join(CASES, name), "utf8"));

function answer(given: CaseFile): CauseAnswer {
  const question = readCase(given, read);
  assert.ok(question, given.id);
  return findCauses(question);
}

/** The same with other names of the same length, in keys too: tables of text keep their columns. */
function renamed(value: unknown): unknown {
  if (typeof value === "string") {
    return value.replaceAll(/(?<![a-z])ink(?![a-z])/g, "ore").replaceAll(/(?<![a-z])press(?![a-z])/g, "forge");
  }
  if (Array.isArray(value)) return value.map(renamed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [renamed(key), renamed(inner)]));
}

const own = readdirSync(CASES)
  .map(read)
  .filter((given): given is OwnCase => typeof (given as Partial<OwnCase>).id === "string");

describe("the cause that comes first", () => {
  test("is looked for in every case of the folder", () => assert.ok(own.length >= 16));
  for (const given of own) {
    test(`is the right one, and strictly ahead, in ${given.id}`, () => {
      const { ranked, blastRadius } = answer(given);
      const [first, second] = ranked;
      assert.equal(first?.cause, given.expect.cause, JSON.stringify(ranked.slice(0, 3)));
      assert.ok(second === undefined || first.score > second.score, JSON.stringify(ranked.slice(0, 2)));
      assert.deepEqual(blastRadius, given.expect.blastRadius);
      assert.ok(first.evidence.length > 0, "a cause without evidence");
    });
  }
});

describe("an answer", () => {
  test("is the same to the byte every time", () => {
    for (const given of own) assert.equal(JSON.stringify(answer(given)), JSON.stringify(answer(given)), given.id);
  });

  test("walks from the cause to the symptom over real edges", () => {
    const slow = own.find(({ id }) => id === "slow-table");
    assert.ok(slow);
    assert.deepEqual(answer(slow).ranked[0]?.chain, ["table", "press", "gate"]);
  });

  test("follows a setting from its library over the service that carries it to the symptom, days later", () => {
    const late = own.find(({ id }) => id === "timeout-of-a-library");
    assert.ok(late);
    const [first] = answer(late).ranked;
    assert.deepEqual(first?.chain, [`change:${"c".repeat(40)}`, "file:libs/store/defaults.yaml", "press", "gate"]);
    assert.match(first.evidence.join("\n"), /defaults\.timeout: 40 to 12 ms/);
  });

  test("knows nothing of names: other names change nothing else", () => {
    for (const given of own) {
      const other = renamed(given) as OwnCase;
      const question = readCase(other, (name) => renamed(read(name)));
      assert.ok(question);
      assert.equal(findCauses(question).ranked[0]?.cause, other.expect.cause, given.id);
    }
  });

  test("a narrative asks for no cause, and an unknown shape is refused", () => {
    assert.equal(readCase({ id: "n", kind: "narrative" }, read), null);
    assert.throws(() => readCase({ id: "u", kind: "change" }, read), /none of the shapes/);
  });
});
