// Random histories of the kernel: folding, deciding again and snapshots all come to the state that was live.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { apply } from "../../src/kernel/apply.ts";
import { parseState, serializeState, stateHash } from "../../src/kernel/snapshot.ts";
import { emptyState, type State } from "../../src/kernel/state.ts";
import { groupByCommand, parseLeaves } from "../../src/history/leaves.ts";
import { redecide } from "../../src/history/redecide.ts";
import { replayDecision } from "../../src/history/replay.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import { engineWith } from "./fixed-policy.ts";
import { BUNDLES } from "./names.ts";
import { Workload } from "./workload.ts";

const ENGINE = "engine-under-test";

function history(seed: number, steps: number): Workload {
  const workload = new Workload(engineWith(ENGINE, BUNDLES), seed);
  for (let step = 0; step < steps; step++) workload.step();
  return workload;
}

function eventsOf(workload: Workload): readonly LedgerEvent[] {
  return workload.batches(7).flatMap(parseLeaves);
}

function fold(events: Iterable<LedgerEvent>, state = emptyState()): State {
  for (const event of events) apply(state, event);
  return state;
}

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

test("the fold of what was recorded is the live state, from leaves alone", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const workload = history(seed, 400);
      assert.equal(stateHash(fold(eventsOf(workload))), stateHash(workload.state));
    }),
    { numRuns: 20 },
  );
});

test("every recorded command decides again to exactly what was recorded", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const workload = history(seed, 400);
      const state = emptyState();
      const engine = engineWith(ENGINE, BUNDLES);
      for (const group of groupByCommand(eventsOf(workload))) {
        assert.equal(redecide({ state, engine, group }), null);
      }
      assert.equal(stateHash(state), stateHash(workload.state));
    }),
    { numRuns: 20 },
  );
});

test("a state read back from a snapshot is the same state, now and after all that follows", () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 0, max: 400 }), (seed, at) => {
      const workload = history(seed, at);
      const copy = parseState(serializeState(workload.state));
      assert.equal(stateHash(copy), stateHash(workload.state));
      const engine = engineWith(ENGINE, BUNDLES);
      for (let step = 0; step < 100; step++) workload.step();
      const later = groupByCommand(eventsOf(workload)).filter(([first]) => (first?.seq ?? 0) >= copy.nextSeq);
      for (const group of later) assert.equal(redecide({ state: copy, engine, group }), null);
      assert.equal(stateHash(copy), stateHash(workload.state));
    }),
    { numRuns: 15 },
  );
});

test("a decision that was tampered with is found where it differs, and the state stays that of the record", () => {
  const events = eventsOf(history(7, 300));
  const at = events.findIndex((event) => event.type === "action.granted");
  const tampered = events.map((event, index) =>
    index === at ? { ...event, facts: { ...event.facts, expiresAt: 1 } } : event,
  );
  const state = emptyState();
  const engine = engineWith(ENGINE, BUNDLES);
  const found = groupByCommand(tampered).map((group) => redecide({ state, engine, group }));
  const first = found.find((mismatch) => mismatch !== null);
  assert.equal(first?.seq, at);
  assert.equal(first?.expected?.facts["expiresAt"], 1);
  assert.equal(first?.found?.type, "action.granted");
  assert.equal(stateHash(state), stateHash(fold(tampered)));
});

test("replaying one decision is equal under its engine and lists what differs under another", () => {
  const events = eventsOf(history(11, 300));
  const at = events.findIndex((event) => event.type === "action.granted");
  const command = events[at]?.command;
  const upTo = events.filter((event) => event.seq <= at || event.command === command);
  const same = replayDecision({ events: upTo, engine: engineWith(ENGINE, BUNDLES) });
  assert.deepEqual([same.equal, same.differences], [true, []]);

  const other = replayDecision({ events: upTo, engine: engineWith("a later engine", BUNDLES) });
  assert.equal(other.equal, false);
  assert.deepEqual(other.engine, { recorded: ENGINE, replayed: "a later engine" });
  assert.deepEqual(other.differences[0], {
    seq: at,
    path: "/facts/evaluation/engine",
    recorded: ENGINE,
    replayed: "a later engine",
  });

  const without = replayDecision({ events: upTo, engine: engineWith(ENGINE) });
  assert.equal(without.differences.find(({ path }) => path === "/type")?.replayed, "action.refused");
});

test("a replay may begin at a snapshot instead of the first event", () => {
  const workload = history(13, 200);
  const state = parseState(serializeState(workload.state));
  const before = state.nextSeq;
  while (workload.groups.at(-1)?.[0]?.seq === undefined || (workload.groups.at(-1)?.[0]?.seq ?? 0) < before) {
    workload.step();
  }
  const events = eventsOf(workload).filter((event) => event.seq >= before);
  assert.equal(replayDecision({ events, engine: engineWith(ENGINE, BUNDLES), state }).equal, true);
});
