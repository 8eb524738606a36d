// Redaction held to its labelled corpus: what it finds by kind, and what it takes that it should leave.

import assert from "node:assert/strict";
import { test } from "node:test";
import { KEY_FORMS } from "./corpus/key-forms.ts";
import { measureCorpus, type Measured } from "./corpus/measure.ts";

const SEEDS = [1, 2];
const measured = { first: measureCorpus(SEEDS, "first"), later: measureCorpus(SEEDS, "later") };
const parts = Object.entries(measured);

/** Recall, and the share of texts in which exactly the values went; docs/signals.md has what was measured. */
const LEAST: Readonly<Record<string, readonly [recall: number, exact: number]>> = {
  key: [0.999, 0.98],
  "assigned-secret": [0.995, 0.99],
  password: [0.995, 0.99],
  "one-time-code": [0.99, 0.99],
  email: [0.999, 0.99],
  card: [0.999, 0.99],
  phone: [0.99, 0.99],
  "national-number": [0.99, 0.99],
  "by-field-name": [1, 1],
  "ip-address": [0.999, 0.99],
};
const FALSE_POSITIVES_MOST = 0.005;

function shown(list: Measured["misses"]): string {
  return `\n${list.slice(0, 8).join("\n")}`;
}

test("the corpus is there: hundreds of texts with something in them, hundreds without, every form of key", () => {
  for (const seed of SEEDS) {
    const { scores, negatives } = measureCorpus([seed], "first");
    const positives = scores.reduce((sum, { cases }) => sum + cases, 0);
    assert.ok(positives >= 1_000, `${positives} texts with something`);
    assert.ok(negatives.cases >= 400, `${negatives.cases} texts without`);
    assert.deepEqual(scores.map(({ kind }) => kind).sort(), Object.keys(LEAST).sort());
  }
  assert.ok(Object.keys(KEY_FORMS).length >= 50);
});

for (const [kind, [recall, exact]] of Object.entries(LEAST)) {
  test(`of ${kind}, at least ${recall} are found, and ${exact} of the texts lose nothing else`, () => {
    for (const [part, { scores, misses, inexact }] of parts) {
      const score = scores.find((one) => one.kind === kind);
      if (score === undefined) continue; // the later texts are of fewer kinds
      const { values, found, cases } = score;
      const missed = misses.filter((line) => line.startsWith(`${kind} `));
      assert.ok(found / values >= recall, `${part}: ${found} of ${values}${shown(missed)}`);
      const tooMuch = inexact.filter((line) => line.startsWith(`${kind} `));
      assert.ok(score.exact / cases >= exact, `${part}: ${score.exact} of ${cases}${shown(tooMuch)}`);
    }
  });
}

test("texts with nothing in them come out as they went in, pointers to logs among them", () => {
  for (const [part, { negatives, falsePositives }] of parts) {
    const { cases, changed } = negatives;
    assert.ok(changed / cases <= FALSE_POSITIVES_MOST, `${part}: ${changed} of ${cases}${shown(falsePositives)}`);
  }
});
