// What is recorded of a change: the change, and edges from what it was made to.

import { canonicalJson } from "../core/canonical-json.ts";
import type { Json } from "../core/json.ts";
import { nodeText } from "../wire/schemas/model.ts";
import type { Change } from "../wire/types/model.ts";
import type { ModelDraft } from "./events.ts";
import type { Graph } from "./graph.ts";
import { Mint } from "./mint.ts";

/** Null for a change that is known already, told in the same words. Throws `model-full`. */
export function decideChange(graph: Graph, change: Change): ModelDraft | null {
  const { id, kind, at, settings, code } = change;
  const mint = new Mint(graph);
  const targets = [...new Set(change.targets.map((target) => mint.node(nodeText(target))))];
  const recorded = { id, kind, at, targets, settings, ...(code === undefined ? {} : { code }) };
  const known = graph.changes.findLast((one) => one.kind === kind && one.id === id);
  if (known !== undefined) {
    const { seq: _seq, ...told } = known;
    if (canonicalJson(told as unknown as Json) === canonicalJson(recorded as unknown as Json)) return null;
  }
  const node = mint.node(changeNodeText(change));
  for (const target of targets) mint.edge(kind === "deploy" ? "deployed-by" : "changed-by", target, node);
  return { type: "model.changed", facts: { ...mint.minted, change: recorded } };
}

/** The node of a change. Nodes have plain names: what a maker's own name has beside them is written as a dash. */
export function changeNodeText({ id, kind }: Pick<Change, "id" | "kind">): string {
  const name = `${kind}/${id.replaceAll(/[^A-Za-z0-9._/-]/g, "-").toLowerCase()}`;
  return nodeText({ kind: kind === "deploy" ? "deploy" : "change", environment: null, name });
}
