// Two times: what was true at an instant, and what was known of it at another.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { MEASURED_WIDTH, type ModelEvent } from "../../src/model/events.ts";
import type { Graph } from "../../src/model/graph.ts";
import { readDiff, readGraph, readNode } from "../../src/model/reads.ts";
import { parseGraph, serializeGraph } from "../../src/model/snapshot.ts";
import { NOTHING_MEASURED, Versions } from "../../src/model/versions.ts";
import { BEGIN_S, fold, history, record } from "./histories.ts";

const END = 8_000_000_000_000;
const ALL = { from: 0, limit: 10_000, kinds: undefined };

const moments = fc.record({
  at: fc.integer({ min: (BEGIN_S - 1) * 1000, max: (BEGIN_S + 60) * 1000 }),
  knownAt: fc.integer({ min: (BEGIN_S - 1) * 1000, max: (BEGIN_S + 100) * 1000 }),
});

/** Everything but who it was asked for, and nodes and edges that only the longer log has numbers for. */
function seen(graph: Graph, asked: { at: number; knownAt: number }) {
  const { nodes, edges, modelVersion, observedUntil } = readGraph(graph, { ...ALL, ...asked });
  return {
    nodes,
    edges: edges.toSorted((a, b) => (`${a.from} ${a.to}` < `${b.from} ${b.to}` ? -1 : 1)),
    modelVersion,
    observedUntil,
  };
}

describe("a read as of a moment", () => {
  test("is the read of a model that was replayed up to that point", () => {
    fc.assert(
      fc.property(history, moments, (steps, asked) => {
        const events = record(steps);
        const whole = fold(events);
        const then = fold(events.filter(({ time }) => time <= asked.knownAt));
        assert.deepEqual(seen(whole, asked), seen(then, { ...asked, knownAt: asked.knownAt }));
        for (const id of ["service:production:a", "service:production:b"]) {
          const read = (graph: Graph): unknown => {
            try {
              return { ...readNode(graph, id, asked), edges: [] };
            } catch {
              return null;
            }
          };
          assert.deepEqual(read(whole), read(then));
        }
      }),
      { numRuns: 300, verbose: true },
    );
  });

  test("takes of all claims the one that began last, and of two the one recorded last", () => {
    fc.assert(
      fc.property(history, moments, (steps, asked) => {
        const events = record(steps);
        const graph = fold(events);
        const { edges } = readGraph(graph, { ...ALL, ...asked });
        const shown = new Map(edges.map((edge) => [`${edge.from} ${edge.to}`, edge.observed?.perSecond]));
        for (const [subject, claims] of observedClaims(events)) {
          const known = claims.filter((claim) => claim.time <= asked.knownAt && claim.from * 1000 <= asked.at);
          const best = known.reduce<Claim | undefined>(
            (a, b) => (a === undefined || b.from >= a.from ? b : a),
            undefined,
          );
          const edge = Math.floor(subject / 2);
          const name = `${graph.names.textOf(graph.names.fromOf(edge))} ${graph.names.textOf(graph.names.toOf(edge))}`;
          assert.equal(shown.get(name), best?.perSecond ?? undefined, name);
        }
      }),
      { numRuns: 300, verbose: true },
    );
  });

  test("finds in a chain of hundreds what one by one would be found, also after corrections and a snapshot", () => {
    const claims = fc.array(fc.record({ validFrom: fc.nat(400), gap: fc.nat(2) }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(claims, fc.boolean(), (all, isInOrder) => {
        const made = new Versions();
        let [seq, latest, chain] = [1, 0, 0];
        const rows = all.map(({ validFrom, gap }) => {
          seq += gap;
          latest = isInOrder ? latest + (validFrom % 4) : validFrom;
          chain = made.add(chain, { validFrom: latest, seq, state: 1, declaration: 0, measured: NOTHING_MEASURED });
          return { version: chain, validFrom: latest, seq };
        });
        const loaded = new Versions();
        loaded.load(made.dump());
        for (let probe = 0; probe < 40; probe++) {
          const at = (probe * 37) % (latest + 40);
          const seqEnd = 1 + ((probe * 53) % (seq + 2));
          const best = rows
            .filter((row) => row.validFrom <= at && row.seq < seqEnd)
            .reduce((a, b) => (b.validFrom >= a.validFrom ? b : a), { version: 0, validFrom: -1, seq: 0 });
          assert.equal(made.find(chain, at, seqEnd), best.version);
          assert.equal(loaded.find(chain, at, seqEnd), best.version);
        }
      }),
      { numRuns: 200, verbose: true },
    );
  });

  test("is the same from a snapshot, which goes on as the graph does", () => {
    fc.assert(
      fc.property(history, moments, fc.nat(30), (steps, asked, cut) => {
        const events = record(steps);
        const early = fold(events.slice(0, cut));
        const resumed = parseGraph(serializeGraph(early));
        for (const event of events.slice(cut)) resumed.apply(event);
        const whole = fold(events);
        assert.deepEqual(seen(resumed, asked), seen(whole, asked));
        assert.deepEqual(serializeGraph(resumed), serializeGraph(whole));
      }),
      { numRuns: 100, verbose: true },
    );
  });

  test("shows the structure that it showed before it was thinned", () => {
    fc.assert(
      fc.property(history, moments, (steps, asked) => {
        const events = record(steps);
        const graph = fold(events);
        const time = Math.max(graph.time, BEGIN_S * 1000);
        const thinned = fold(events);
        thinned.apply({ seq: events.length, time, type: "model.thinned", facts: { before: BEGIN_S + 40 } });
        assert.ok(thinned.versions.count <= graph.versions.count);
        const structure = (of: Graph) => {
          const { nodes, edges } = seen(of, asked);
          const parts = edges.map(({ from, to, state, declared }) => ({ from, to, state, declared }));
          return { nodes: nodes.map(({ id, state }) => ({ id, state })), parts };
        };
        assert.deepEqual(structure(thinned), structure(graph));
      }),
      { numRuns: 200, verbose: true },
    );
  });
});

type Claim = { readonly time: number; readonly from: number; readonly perSecond: number | undefined };

/** What windows claim of edges, read off the facts. */
function observedClaims(events: readonly ModelEvent[]): Map<number, Claim[]> {
  const claims = new Map<number, Claim[]>();
  const add = (subject: number, claim: Claim): void => {
    if (subject % 2 === 1) claims.set(subject, [...(claims.get(subject) ?? []), claim]);
  };
  for (const { type, time, facts } of events) {
    if (type !== "model.window") continue;
    for (let row = 0; row < facts.measured.length; row += MEASURED_WIDTH) {
      const [subject = 0, from = 0, perSecond = 0] = facts.measured.slice(row, row + 3);
      add(subject, { time, from, perSecond });
    }
    for (let row = 0; row < facts.ended.length; row += 2) {
      add(facts.ended[row] ?? 0, { time, from: facts.ended[row + 1] ?? 0, perSecond: undefined });
    }
  }
  return claims;
}

describe("the difference of two moments", () => {
  test("is nothing between a moment and itself, and names what appeared and ended", () => {
    fc.assert(
      fc.property(history, moments, moments, (steps, from, to) => {
        const graph = fold(record(steps));
        const same = readDiff(graph, { from, to: from });
        assert.deepEqual([same.nodes, same.edges], [[], []]);
        const { edges } = readDiff(graph, { from, to });
        const names = (asked: typeof from) =>
          new Set(seen(graph, asked).edges.map((edge) => `${edge.from} ${edge.to}`));
        const [before, after] = [names(from), names(to)];
        const told = (difference: string) =>
          edges.filter((edge) => edge.difference === difference).map((edge) => `${edge.from} ${edge.to}`);
        assert.deepEqual(new Set(told("appeared")), new Set([...after].filter((name) => !before.has(name))));
        assert.deepEqual(new Set(told("ended")), new Set([...before].filter((name) => !after.has(name))));
      }),
      { numRuns: 200, verbose: true },
    );
  });
});

describe("a fold of the model's log", () => {
  test("takes the next event alone", () => {
    const graph = fold([]);
    const window = { nodes: [], edges: [], from: BEGIN_S, to: BEGIN_S, measured: [], ended: [] };
    graph.apply({ seq: 0, time: END, type: "model.window", facts: window });
    for (const [seq, time] of [
      [0, END],
      [2, END],
      [1, END - 1],
    ] as const) {
      assert.throws(() => graph.apply({ seq, time, type: "model.window", facts: window }), { code: "ledger-corrupt" });
    }
  });

  test("refuses names that come twice, ends that are not there and rows about nothing", () => {
    const base = { nodes: ["service:p:a"], edges: [], from: BEGIN_S, to: BEGIN_S, measured: [], ended: [] };
    for (const facts of [
      { ...base, nodes: ["service:p:a", "service:p:a"] },
      { ...base, nodes: ["service"] },
      { ...base, edges: [0, 0, 1] },
      { ...base, edges: [99, 0, 0] },
      { ...base, ended: [4, BEGIN_S] },
    ]) {
      assert.throws(() => fold([{ seq: 0, time: 1, type: "model.window", facts }]), { code: "ledger-corrupt" });
    }
  });
});
