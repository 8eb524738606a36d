// What a question adds to the graph: words beside nodes, and the ways that failures take.

import type { ModelDiffView, ModelImpactView } from "../../wire/types/model-views.ts";
import { percentText } from "./node-text.ts";

export type Marks = {
  readonly nodes: ReadonlyMap<string, string>;
  /** `from to` of edges that a failure goes along. */
  readonly edges: ReadonlySet<string>;
  /** What is marked fails, or only differs. */
  readonly tone: "bad" | "warn";
};

export const NO_MARKS: Marks = { nodes: new Map(), edges: new Set(), tone: "bad" };

export function marksOfImpact({ target, services }: ModelImpactView): Marks {
  const nodes = new Map([[target, "fails"]]);
  const edges = new Set<string>();
  for (const { id, part, path } of services) {
    if (id !== target) nodes.set(id, `≤ ${percentText(part.high)} fail`);
    for (const [i, node] of path.entries()) if (i > 0) edges.add(`${path[i - 1]} ${node}`);
  }
  return { nodes, edges, tone: "bad" };
}

export function marksOfDiff({ nodes, edges }: ModelDiffView): Marks {
  const marked = new Map(nodes.map(({ id, difference }) => [id, difference]));
  const joined = edges.filter(({ difference }) => difference !== "ended").map(({ from, to }) => `${from} ${to}`);
  return { nodes: marked, edges: new Set(joined), tone: "warn" };
}
