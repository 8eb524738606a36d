// Which of some services make which others of them fail, as measured: what belongs to one failure.

import { nodeText } from "../../wire/schemas/model.ts";
import { RELATIONS_MAX, type Relation, type Relations } from "../../wire/types/relation.ts";
import { isStaleAt, seedsOf } from "./blast-radius.ts";
import { Climb } from "./climb.ts";
import type { Present } from "./present.ts";

const AFFECTED_MAX = 5_000;
const MILLION = 1_000_000;
/** What alerts name as a service can be any of these. */
const KINDS = ["service", "datastore", "queue"] as const;

/** The strongest first. By the lower bound alone: a way that was never measured relates nothing. */
export function relateServices(present: Present, environment: string, services: readonly string[]): Relations {
  const modelVersion = present.moment.seqEnd;
  if (isStaleAt(present)) return { modelVersion, relations: [] };
  const nodes = services.flatMap((service) => {
    const node = nodeOf(present, environment, service);
    return node === undefined ? [] : [{ service, node }];
  });
  const relations = nodes.flatMap((cause) => effectsOf(present, cause, nodes));
  relations.sort((a, b) => b.lowPpm - a.lowPpm || order(a.cause, b.cause) || order(a.effect, b.effect));
  return { modelVersion, relations: relations.slice(0, RELATIONS_MAX) };
}

type Place = { readonly service: string; readonly node: number };

function effectsOf(present: Present, { service: cause, node }: Place, others: readonly Place[]): Relation[] {
  const seeds = seedsOf(present, node);
  const climb = new Climb(present, seeds, AFFECTED_MAX);
  return others.flatMap(({ service: effect, node: other }) => {
    if (other === node) return [];
    const lowPpm = seeds.has(other) ? MILLION : Math.floor(climb.impactOf(other).low * MILLION);
    return lowPpm > 0 ? [{ cause, effect, lowPpm }] : [];
  });
}

function nodeOf({ graph }: Present, environment: string, name: string): number | undefined {
  for (const kind of KINDS) {
    const node = graph.names.findNode(nodeText({ kind, environment, name }));
    if (node !== undefined) return node;
  }
  return undefined;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
