// Whether a condition can hold at all. Sound: what is called impossible is; what it cannot see through stays possible.
//
// A condition is assumed true (or false) and what that says of each name is collected. `||` splits into branches, each
// with its own ranges; a condition is impossible when no branch is left. A condition that fails at run time is neither
// true nor false, so assuming a truth value excludes it.

import type { Node } from "./cel/node.ts";
import type { Value } from "./cel/value-type.ts";
import { accept, allPossible, type Comparison, exclude, keepOnly } from "./possible-values.ts";
import { narrow, OPPOSITE, type Possible } from "./possible-values.ts";

/** What is assumed of each name, by its path; a name that is absent can be anything its type allows. */
export type Branch = ReadonlyMap<string, Possible>;

export const ANYTHING: Branch = new Map();

const BRANCHES_MAX = 64;

/** The branches of `from` in which `node` can be `truth`; empty when it never is. */
export function assume(node: Node, truth: boolean, from: readonly Branch[]): readonly Branch[] {
  const branches = from.flatMap((branch) => assumeIn(node, truth, branch));
  // Too many to follow: knowing less is sound.
  return branches.length > BRANCHES_MAX ? from : branches;
}

/** Narrows the texts that a name can be, for what a policy's `match` says of it. */
export function assumeText(branch: Branch, path: string, test: (text: string) => boolean): Branch | undefined {
  const possible = accept(branch.get(path) ?? allPossible("string", undefined), test);
  return possible && new Map(branch).set(path, possible);
}

export function assumeOneOf(branch: Branch, path: string, texts: readonly string[]): Branch | undefined {
  const possible = keepOnly(branch.get(path) ?? allPossible("string", undefined), texts);
  return possible && new Map(branch).set(path, possible);
}

function assumeIn(node: Node, truth: boolean, branch: Branch): readonly Branch[] {
  switch (node.op) {
    case "constant":
      return node.value === truth ? [branch] : [];
    case "fault":
      return [];
    case "not":
      return assumeIn(node.of, !truth, branch);
    case "and":
    case "or": {
      const isEvery = (node.op === "and") === truth;
      if (isEvery) return node.args.reduce((left, arg) => assume(arg, truth, left), [branch] as readonly Branch[]);
      const branches = node.args.flatMap((arg) => assumeIn(arg, truth, branch));
      return branches.length > BRANCHES_MAX ? [branch] : branches;
    }
    case "if": {
      const yes = assume(node.yes, truth, assumeIn(node.when, true, branch));
      return [...yes, ...assume(node.no, truth, assumeIn(node.when, false, branch))];
    }
    case "fact":
      return narrowed(node, branch, (possible) => narrow(possible, "==", truth));
    case "call":
      return assumeCall(node, truth, branch);
    default:
      return [branch];
  }
}

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  "_<_": "<",
  "_<=_": "<=",
  "_>_": ">",
  "_>=_": ">=",
  "_==_": "==",
  "_!=_": "!=",
};
const SWAPPED: Readonly<Record<Comparison, Comparison>> = {
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
  "==": "==",
  "!=": "!=",
};

function assumeCall(node: Node & { op: "call" }, truth: boolean, branch: Branch): readonly Branch[] {
  const [left, right] = node.args;
  if (left === undefined || right === undefined) return [branch];
  const named = COMPARISONS[node.overload.name];
  if (named !== undefined) {
    const comparison = truth ? named : OPPOSITE[named];
    if (right.op === "constant") return assumeComparison(left, comparison, right.value, branch);
    if (left.op === "constant") return assumeComparison(right, SWAPPED[comparison], left.value, branch);
    return [branch];
  }
  if (node.overload.name === "@in" && right.op === "constant" && right.type.kind !== "nothing") {
    const values = right.value instanceof Map ? [...right.value.keys()] : (right.value as readonly Value[]);
    return narrowed(left, branch, (possible) => (truth ? keepOnly(possible, values) : exclude(possible, values)));
  }
  if (TEXT_TESTS.includes(node.overload.name) && right.op === "constant") {
    const test = (text: string): boolean => node.overload.run(text, right.value) === truth;
    return narrowed(left, branch, (possible) => accept(possible, test));
  }
  return [branch];
}

const TEXT_TESTS: readonly string[] = [".startsWith", ".endsWith", ".contains"];

function assumeComparison(node: Node, comparison: Comparison, value: Value, branch: Branch): readonly Branch[] {
  if (typeof value === "object") return [branch];
  // `condition == true` says what the condition says.
  if (typeof value === "boolean" && node.op !== "fact" && (comparison === "==" || comparison === "!=")) {
    return assumeIn(node, (comparison === "==") === value, branch);
  }
  return narrowed(node, branch, (possible) => narrow(possible, comparison, value));
}

function narrowed(node: Node, branch: Branch, by: (possible: Possible) => Possible | undefined): readonly Branch[] {
  const subject = subjectOf(node);
  if (subject === undefined) return [branch];
  const possible = by(branch.get(subject.path) ?? subject.all);
  return possible === undefined ? [] : [new Map(branch).set(subject.path, possible)];
}

/** What a comparison is about, when it is a name or the size of one. */
function subjectOf(node: Node): { path: string; all: Possible } | undefined {
  if (node.op === "fact") return { path: node.path, all: allPossible(node.type.kind, node.domain) };
  if (node.op !== "call" || !node.overload.name.endsWith("size")) return undefined;
  const of = node.args[0];
  return of?.op === "fact" ? { path: `size(${of.path})`, all: allPossible("int", { min: 0 }) } : undefined;
}
