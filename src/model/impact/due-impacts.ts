// Which changes are to be measured now: each once, when what followed it has been counted.

import type { ImpactAsk } from "../../wire/contracts/predictor.ts";
import { nodeText } from "../../wire/schemas/model.ts";
import type { ImpactFacts } from "../events.ts";
import type { Graph, StoredChange } from "../graph.ts";
import { measurableAtS, touches, type Terms } from "./measure.ts";
import type { Impacting } from "./decide-impact.ts";

/** Told of later than this, or found after a longer pause, there is nothing left to compare with. */
const LATE_MAX_S = 3_600;

/** Changes told of that nobody has measured: deploys by people and pipelines, configuration, flags. */
export function dueChanges(graph: Graph, nowS: number, terms: Terms): readonly Impacting[] {
  const measured = new Set(graph.impacts.filter(({ source }) => source === "change").map(nameOf));
  const recent = recentChanges(graph, nowS, terms);
  const due: Impacting[] = [];
  for (const change of recent) {
    const toS = Math.floor(change.at / 1000);
    const [target] = change.targets;
    const kind = `change:${change.kind}`;
    const at = measurableAtS({ toS }, terms);
    if (target === undefined || nowS < at || nowS > at + LATE_MAX_S || measured.has(nameOf({ ...change, kind })))
      continue;
    measured.add(nameOf({ ...change, kind }));
    const isConcurrent = isCrowded(graph, { fromS: toS, toS, target, id: "" }, { ...terms, nowS });
    due.push({ source: "change", id: change.id, kind, target, fromS: toS, toS, isConcurrent });
  }
  return due;
}

export function impactOf({ impacts }: Graph, action: string): ImpactFacts | undefined {
  return impacts.findLast(({ source, id }) => source === "action" && id === action);
}

/**
 * What there is to measure of an action: null while not all of it is counted, `known` where it was measured before, or
 * the model has never heard of its target.
 */
export function impactOfAction(
  graph: Graph,
  { action: id, kind, environment, service, ...ask }: ImpactAsk,
  terms: Terms & { readonly nowS: number },
): Impacting | "known" | null {
  const target = graph.names.findNode(nodeText({ kind: "service", environment, name: service }));
  if (target === undefined || impactOf(graph, id) !== undefined) return "known";
  const of = { fromS: Math.floor(ask.beganAt / 1000), toS: Math.ceil(ask.doneAt / 1000), target };
  if (terms.nowS < measurableAtS(of, terms)) return null;
  const isConcurrent = ask.isConcurrent || isCrowded(graph, { ...of, id }, terms);
  const untilS = ask.untilAt === undefined ? undefined : Math.floor(ask.untilAt / 1000);
  const said = { exposure: ask.exposure, stated: ask.stated };
  return { source: "action", id, kind, ...of, untilS, isConcurrent, said };
}

type Near = { readonly fromS: number; readonly toS: number; readonly target: number; readonly id: string };

/**
 * Something else was changed, or done, in its environment, so near that nobody can tell whose doing anything is. To the same
 * target it is the same, told twice.
 */
function isCrowded(graph: Graph, { target, id, ...of }: Near, terms: Terms & { readonly nowS: number }): boolean {
  const { environment } = graph.names.refOf(target);
  const isOther = (one: number | undefined): boolean => {
    const there = one === undefined ? null : graph.names.refOf(one).environment;
    return one !== target && (there === environment || there === null || environment === null);
  };
  return (
    recentChanges(graph, terms.nowS, terms).some(
      ({ at, targets }) => isOther(targets[0]) && touches(of, at / 1000, terms),
    ) ||
    graph.impacts.some(
      (one) => one.source === "action" && one.id !== id && isOther(one.target) && touches(of, one.at, terms),
    )
  );
}

function nameOf({ id, kind }: { readonly id: string; readonly kind: string }): string {
  return `${kind} ${id}`;
}

/** As they were last told; the newest recorded ones are looked at until none can be recent. */
function recentChanges(graph: Graph, nowS: number, terms: Terms): readonly StoredChange[] {
  const byName = new Map<string, StoredChange>();
  const since = (nowS - 2 * LATE_MAX_S - measurableAtS({ toS: 0 }, terms)) * 1000;
  for (let i = graph.changes.length - 1; i >= 0; i--) {
    const change = graph.changes[i] as StoredChange;
    if (graph.timeOf(change.seq) < since) break;
    if (!byName.has(nameOf(change))) byName.set(nameOf(change), change);
  }
  return [...byName.values()].filter(({ at }) => at >= since).toReversed();
}
