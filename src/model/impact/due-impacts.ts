// Which changes are to be measured now: each once, when what followed it has been counted.

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
    const isConcurrent =
      recent.some((other) => other.id !== change.id && touches({ fromS: toS, toS }, other.at / 1000, terms)) ||
      graph.impacts.some(({ source, at: acted }) => source === "action" && touches({ fromS: toS, toS }, acted, terms));
    due.push({ source: "change", id: change.id, kind, target, fromS: toS, toS, isConcurrent });
  }
  return due;
}

/** Whether a change, or the action of somebody else, came so near that nobody can tell whose doing anything is. */
export function isCrowded(graph: Graph, of: { fromS: number; toS: number }, terms: Terms & { nowS: number }): boolean {
  return recentChanges(graph, terms.nowS, terms).some(({ at }) => touches(of, at / 1000, terms));
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
