// A condition from text to closure: parse, check, compile.

import { checkCondition } from "./check.ts";
import { compileNode, type Run } from "./compile.ts";
import { childrenOf, ConditionError, type Names, type Node } from "./node.ts";
import { parseCondition } from "./parse.ts";
import { typeText } from "./value-type.ts";

export interface Condition {
  readonly text: string;
  readonly node: Node;
  readonly run: Run;
}

/** Throws ConditionError for what is not a boolean CEL expression over `names`. */
export function compileCondition(text: string, names: Readonly<Record<string, Names>>): Condition {
  const node = checkCondition(parseCondition(text), names);
  if (node.type.kind !== "bool") throw new ConditionError(0, `a condition is bool, not ${typeText(node.type)}`);
  refuseFaults(node);
  return { text, node, run: compileNode(node).run };
}

/** A part that fails whatever the facts are is a mistake, also where a short circuit hides it. */
function refuseFaults(node: Node): void {
  if (node.op === "fault") throw new ConditionError(node.at, `this always fails: ${node.reason}`);
  for (const child of childrenOf(node)) refuseFaults(child);
}
