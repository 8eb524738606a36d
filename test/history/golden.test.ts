// Ledgers recorded by released engines: they fold to the state they had then, for as long as the product lives.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { groupByCommand, parseLeaves } from "../../src/history/leaves.ts";
import { Documents } from "../../src/history/projections/documents.ts";
import { project } from "../../src/history/projections/project.ts";
import { apply } from "../../src/kernel/apply.ts";
import { parseState, serializeState, stateHash } from "../../src/kernel/snapshot.ts";
import { emptyState } from "../../src/kernel/state.ts";
import { declaredTypes } from "./declared-types.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";

const GOLDEN = new URL("../golden/", import.meta.url);
const RELEASES = readdirSync(GOLDEN);

function recorded(release: string): readonly LedgerEvent[] {
  const leaves = readFileSync(new URL(`${release}/workload.ndjson`, GOLDEN), "utf8").trimEnd();
  return parseLeaves({ firstSeq: 0, count: leaves.split("\n").length, leaves });
}

test("there is a golden ledger for the first release", () => {
  assert.ok(RELEASES.includes("v1"));
});

for (const release of RELEASES) {
  test(`the golden ledger of ${release} folds to the state it had when it was recorded`, () => {
    const expected = JSON.parse(readFileSync(new URL(`${release}/expected.json`, GOLDEN), "utf8")) as object;
    const state = emptyState();
    for (const event of recorded(release)) apply(state, event);
    assert.deepEqual({ events: state.nextSeq, stateHash: stateHash(state) }, expected);
    assert.equal(stateHash(parseState(serializeState(state))), stateHash(state));
  });

  test(`the golden ledger of ${release} groups into commands and projects into views`, () => {
    const events = recorded(release);
    const documents = new Documents({ find: () => null });
    for (const event of events) project(documents, event);
    assert.equal(groupByCommand(events).flat().length, events.length);
    assert.ok(documents.changes().length > 50);
  });
}

test("every event type of version 1 is in its golden ledger", () => {
  const declared = declaredTypes();
  assert.ok(declared.length >= 32);
  const seen = new Set(RELEASES.flatMap(recorded).map(({ type }) => type));
  assert.deepEqual(
    declared.filter((type) => !seen.has(type)),
    [],
  );
});
