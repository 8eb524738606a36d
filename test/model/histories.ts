// Random histories of a model: windows, declarations, changes and tests in any order of what they are about.

import fc from "fast-check";
import { decideChange } from "../../src/model/change.ts";
import { decideDeclared } from "../../src/model/declare.ts";
import type { ModelDraft, ModelEvent } from "../../src/model/events.ts";
import { Graph } from "../../src/model/graph.ts";
import { Mint } from "../../src/model/mint.ts";
import { subjectOfEdge, subjectOfNode } from "../../src/model/names.ts";
import type { NodeRef } from "../../src/wire/types/model.ts";

export const BEGIN_S = 1_790_000_000;

export function service(name: string): NodeRef {
  return { kind: "service", environment: "production", name };
}

const NAMES = ["a", "b", "c", "d"].map(service);

/** One thing that happens; `claims` are what an observer would write down of it. */
type Step =
  | { readonly is: "window"; readonly rows: readonly Row[] }
  | { readonly is: "declare"; readonly feed: string; readonly at: number; readonly edges: readonly Pair[] }
  | { readonly is: "change"; readonly id: number; readonly at: number; readonly target: number }
  | { readonly is: "test"; readonly pair: Pair; readonly at: number; readonly isConfirmed: boolean };
type Pair = readonly [number, number];
type Row = { readonly pair: Pair; readonly at: number; readonly perSecond: number; readonly isEnd: boolean };

const index = fc.integer({ min: 0, max: NAMES.length - 1 });
const pair: fc.Arbitrary<Pair> = fc.tuple(index, index);
const instant = fc.integer({ min: BEGIN_S, max: BEGIN_S + 50 });

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    is: fc.constant("window" as const),
    rows: fc.array(fc.record({ pair, at: instant, perSecond: fc.integer({ min: 1, max: 9 }), isEnd: fc.boolean() }), {
      maxLength: 4,
    }),
  }),
  fc.record({
    is: fc.constant("declare" as const),
    feed: fc.constantFrom("x", "y"),
    at: instant,
    edges: fc.uniqueArray(pair, { maxLength: 3, selector: String }),
  }),
  fc.record({ is: fc.constant("change" as const), id: index, at: instant, target: index }),
  fc.record({ is: fc.constant("test" as const), pair, at: instant, isConfirmed: fc.boolean() }),
);

export const history = fc.array(fc.tuple(step, fc.integer({ min: 0, max: 3 })), { maxLength: 30 });

/** The events that a history is recorded as; those that say nothing new are none. */
export function record(steps: readonly (readonly [Step, number])[]): readonly ModelEvent[] {
  const graph = new Graph();
  const events: ModelEvent[] = [];
  let time = BEGIN_S * 1000;
  for (const [one, passed] of steps) {
    time += passed * 1000;
    const draft = draftOf(graph, one);
    if (draft === null) continue;
    const event = { seq: graph.size, time, ...draft } as ModelEvent;
    graph.apply(event);
    events.push(event);
  }
  return events;
}

function draftOf(graph: Graph, one: Step): ModelDraft | null {
  const mint = new Mint(graph);
  const node = (at: number): number => {
    const { kind, environment, name } = NAMES[at] as NodeRef;
    return mint.node(`${kind}:${environment ?? ""}:${name}`);
  };
  const edge = ([from, to]: Pair): number => subjectOfEdge(mint.edge("calls", node(from), node(to)));
  switch (one.is) {
    case "window": {
      const measured: number[] = [];
      const ended: number[] = [];
      for (const { pair: ends, at, perSecond, isEnd } of one.rows) {
        if (isEnd) ended.push(edge(ends), at);
        else {
          measured.push(...[edge(ends), at, perSecond, 0.5, 0, 10, 20, 0, 0]);
          for (const end of ends) measured.push(...[subjectOfNode(node(end)), at, 1, 0, 0, 1, 2, 0, 0]);
        }
      }
      return {
        type: "model.window",
        facts: { ...mint.minted, from: BEGIN_S, to: BEGIN_S + graph.size, measured, ended },
      };
    }
    case "declare": {
      const edges = one.edges.map(([from, to], i) => ({
        edge: { kind: "calls" as const, from: NAMES[from] as NodeRef, to: NAMES[to] as NodeRef },
        attributes: { tier: String(i) },
        contracts: [],
      }));
      return decideDeclared(graph, { feed: one.feed, at: one.at * 1000, nodes: [], edges });
    }
    case "change": {
      const targets = [NAMES[one.target] as NodeRef];
      return decideChange(graph, { id: `c${one.id}`, kind: "deploy", at: one.at * 1000, targets, settings: [] });
    }
    case "test": {
      const facts = {
        subject: edge(one.pair),
        validFrom: one.at,
        result: one.at % 3 === 0 ? "unconfirmed" : one.isConfirmed ? "confirmed" : "refuted",
      } as const;
      return { type: "model.tested", facts: { ...mint.minted, ...facts, evidence: ["act_000000001"] } };
    }
  }
}

export function fold(events: readonly ModelEvent[]): Graph {
  const graph = new Graph();
  for (const event of events) graph.apply(event);
  return graph;
}
