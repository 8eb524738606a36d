// Which actions a rule can be about, by kind, environment and service: what the rule index is built on.

import type { Node } from "./cel/node.ts";
import type { Value } from "./cel/value-type.ts";

export type Selected = "kind" | "environment" | "service";

/** The texts outside of which a condition is certainly false, or null when it could be anything. */
type Texts = ReadonlySet<string> | null;

/**
 * Values of `action.<selected>` outside of which `node` is false: not merely untrue, so that leaving the rule out
 * changes nothing. An `&&` with one false part is false whatever the other parts do; an `||` needs all parts false.
 */
export function selectedTexts(node: Node, selected: Selected): Texts {
  if (node.op === "constant") return node.value === false ? new Set() : null;
  if (node.op === "and") {
    return node.args.reduce<Texts>((texts, arg) => intersection(texts, selectedTexts(arg, selected)), null);
  }
  if (node.op === "or") {
    const all = new Set<string>();
    for (const arg of node.args) {
      const texts = selectedTexts(arg, selected);
      if (texts === null) return null;
      for (const text of texts) all.add(text);
    }
    return all;
  }
  return node.op === "call" ? comparedTexts(node, `action.${selected}`) : null;
}

function comparedTexts({ overload, args }: Node & { op: "call" }, path: string): Texts {
  const [left, right] = args;
  if (left === undefined || right === undefined) return null;
  const isName = (node: Node): boolean => node.op === "fact" && node.path === path;
  if (overload.name === "_==_" && isName(left) && right.op === "constant") return new Set([right.value as string]);
  if (overload.name === "_==_" && isName(right) && left.op === "constant") return new Set([left.value as string]);
  if (overload.name !== "@in" || !isName(left) || right.op !== "constant") return null;
  return new Set((right.value instanceof Map ? [...right.value.keys()] : right.value) as readonly Value[] as string[]);
}

export function intersection(a: Texts, b: Texts): Texts {
  if (a === null) return b;
  return b === null ? a : new Set([...a].filter((text) => b.has(text)));
}
