// Typed conditions to closures. Faults travel as exceptions; where a closure cannot fault, nothing catches.

import { FAULTS, ConditionFault } from "./fault.ts";
import { childrenOf, type Macro, type Node } from "./node.ts";
import type { Value } from "./value-type.ts";

/** What a condition runs on: the record that declared names read, and one slot per variable of a list macro. */
export interface Frame {
  root: unknown;
  readonly slots: Value[];
}

export type Run = (frame: Frame) => Value;

interface Compiled {
  readonly run: Run;
  /** True when running it can throw a ConditionFault. */
  readonly faults: boolean;
}

/** Compiles a checked node. The closure throws ConditionFault, and nothing else. */
export function compileNode(node: Node): Compiled {
  switch (node.op) {
    case "constant": {
      const value = node.value;
      return { run: () => value, faults: false };
    }
    case "fault": {
      const fault = FAULTS[node.reason];
      return {
        faults: true,
        run: () => {
          throw fault;
        },
      };
    }
    case "fact": {
      const read = node.read as (root: unknown) => Value;
      return { run: (frame) => read(frame.root), faults: false };
    }
    case "local": {
      const slot = node.slot;
      return { run: (frame) => frame.slots[slot] as Value, faults: false };
    }
    case "field": {
      const of = compileNode(node.of);
      const name = node.name;
      return { run: (frame) => (of.run(frame) as Record<string, Value>)[name] as Value, faults: of.faults };
    }
    case "index":
      return compileIndex(node.of, node.key);
    case "has": {
      const of = compileNode(node.of);
      const key = node.key;
      return { run: (frame) => (of.run(frame) as ReadonlyMap<Value, Value>).has(key), faults: of.faults };
    }
    case "call":
      return compileCall(node);
    case "and":
      return compileLogic(node.args.map(compileNode), false);
    case "or":
      return compileLogic(node.args.map(compileNode), true);
    case "not": {
      const of = compileNode(node.of);
      return { run: (frame) => !of.run(frame), faults: of.faults };
    }
    case "if":
      return compileIf(compileNode(node.when), compileNode(node.yes), compileNode(node.no));
    case "list": {
      const items = node.items.map(compileNode);
      return { run: (frame) => items.map((item) => item.run(frame)), faults: items.some((item) => item.faults) };
    }
    case "map":
      return compileMap(node.entries.map(([key, value]) => [compileNode(key), compileNode(value)] as const));
    case "each":
      return compileEach(node);
  }
}

function compileCall({ overload, args }: Node & { op: "call" }): Compiled {
  const run = overload.run;
  const parts = args.map(compileNode);
  const faults = overload.faults || parts.some((part) => part.faults);
  const [a, b] = parts.map((part) => part.run);
  if (a === undefined) throw new TypeError(`${overload.name} has no arguments`);
  if (b === undefined) return { run: (frame) => run(a(frame), false), faults };
  const right = args[1] as Node;
  if (right.op === "constant") {
    const value = right.value;
    return { run: (frame) => run(a(frame), value), faults };
  }
  return { run: (frame) => run(a(frame), b(frame)), faults };
}

function compileIndex(ofNode: Node, keyNode: Node): Compiled {
  const of = compileNode(ofNode).run;
  const key = compileNode(keyNode).run;
  if (ofNode.type.kind === "map") {
    const run: Run = (frame) => {
      const value = (of(frame) as ReadonlyMap<Value, Value>).get(key(frame));
      if (value === undefined) throw FAULTS["no-such-key"];
      return value;
    };
    return { run, faults: true };
  }
  const run: Run = (frame) => {
    const value = (of(frame) as readonly Value[])[Number(key(frame))];
    if (value === undefined) throw FAULTS["index-out-of-range"];
    return value;
  };
  return { run, faults: true };
}

function compileIf(when: Compiled, yes: Compiled, no: Compiled): Compiled {
  const run: Run = (frame) => (when.run(frame) === true ? yes.run(frame) : no.run(frame));
  return { run, faults: when.faults || yes.faults || no.faults };
}

/** `&&` ends at a false and `||` at a true, wherever it stands: a fault counts only when nothing has ended it. */
function compileLogic(args: readonly Compiled[], ends: boolean): Compiled {
  const runs = args.map((arg) => arg.run);
  if (args.some((arg) => arg.faults)) return { run: (frame) => absorb(runs, ends, frame), faults: true };
  const [a, b, c] = runs as [Run, Run, Run | undefined];
  if (runs.length === 2) {
    return { run: ends ? (frame) => a(frame) || b(frame) : (frame) => a(frame) && b(frame), faults: false };
  }
  if (runs.length === 3 && c !== undefined && !ends) {
    return { run: (frame) => a(frame) && b(frame) && c(frame), faults: false };
  }
  const run: Run = (frame) => {
    for (const arg of runs) if (arg(frame) === ends) return ends;
    return !ends;
  };
  return { run, faults: false };
}

function absorb(runs: readonly Run[], ends: boolean, frame: Frame): boolean {
  let fault: ConditionFault | undefined;
  for (const run of runs) {
    try {
      if (run(frame) === ends) return ends;
    } catch (error) {
      fault ??= faultOf(error);
    }
  }
  if (fault !== undefined) throw fault;
  return !ends;
}

function faultOf(error: unknown): ConditionFault {
  if (error instanceof ConditionFault) return error;
  throw error;
}

function compileMap(entries: readonly (readonly [Compiled, Compiled])[]): Compiled {
  const run: Run = (frame) => {
    const map = new Map<Value, Value>();
    for (const [key, value] of entries) {
      const at = key.run(frame);
      if (map.has(at)) throw FAULTS["duplicate-key"];
      map.set(at, value.run(frame));
    }
    return map;
  };
  return { run, faults: true };
}

function compileEach(node: Node & { op: "each" }): Compiled {
  const range = compileNode(node.range);
  const where = node.where && compileNode(node.where);
  const body = node.body && compileNode(node.body);
  const loop = { macro: node.macro, slot: node.slot, where: where?.run, body: body?.run };
  const run: Run = (frame) => {
    const over = range.run(frame);
    return runEach(loop, over instanceof Map ? [...over.keys()] : (over as readonly Value[]), frame);
  };
  return { run, faults: range.faults || where?.faults === true || body?.faults === true };
}

interface Loop {
  readonly macro: Macro;
  readonly slot: number;
  readonly where: Run | undefined;
  readonly body: Run | undefined;
}

function runEach(loop: Loop, items: readonly Value[], frame: Frame): Value {
  const { macro, slot, where } = loop;
  if (where !== undefined && (macro === "exists" || macro === "all")) {
    const runs = items.map((item) => (inner: Frame) => {
      inner.slots[slot] = item;
      return where(inner);
    });
    return absorb(runs, macro === "exists", frame);
  }
  const kept: Value[] = [];
  for (const item of items) {
    frame.slots[slot] = item;
    if (where === undefined || where(frame) === true) kept.push(loop.body === undefined ? item : loop.body(frame));
  }
  return macro === "exists_one" ? kept.length === 1 : kept;
}

/** A node of constants only becomes its value, or its fault. */
export function fold(node: Node): Node {
  if (!isConstant(node)) return node;
  const { type, at } = node;
  try {
    const value = compileNode(node).run({ root: undefined, slots: [] });
    return { op: "constant", value, type, at };
  } catch (error) {
    const cause = childrenOf(node).find((child) => child.op === "fault");
    return { op: "fault", reason: faultOf(error).reason, type, at: cause?.at ?? at };
  }
}

function isConstant(node: Node): boolean {
  if (["constant", "fault", "fact", "local", "each"].includes(node.op)) return false;
  return childrenOf(node).every((child) => child.op === "constant" || child.op === "fault");
}
