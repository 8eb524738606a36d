// The type checker: a parsed expression against declared names becomes typed nodes, constants folded.

import { ConditionFault } from "./fault.ts";
import { findOverload, isFunction, makeOverload } from "./functions.ts";
import { fold } from "./compile.ts";
import { ConditionError, type Macro, type Names, type Node, type Shape } from "./node.ts";
import type { Expr, Parsed } from "./parse.ts";
import { BOOL, commonType, DOUBLE, INT, isComparable, isMapKey, NOTHING, STRING, UINT } from "./value-type.ts";
import { type Type, typeText, type Value, valuesEqual } from "./value-type.ts";
import { INT_MATH, UINT_MATH } from "./whole-numbers.ts";

const DEPTH_MAX = 64;
/** Each list macro inside another multiplies the work: nine items nested eight times would take seconds. */
const ITEMS_VISITED_MAX = 2 ** 20;
/** Of a list that comes from facts, and of one that some part of the condition gives: its text has no room for more. */
const FACT_ITEMS_MAX = 32;
const TEXT_ITEMS_MAX = 1024;
const OPERATORS: Readonly<Record<string, string>> = { "-_": "-", "_[_]": "[]", "@in": "in", "!_": "!" };

/** Types `parsed` against `names`. Throws ConditionError with the position of the first thing that is wrong. */
export function checkCondition(parsed: Parsed, names: Readonly<Record<string, Names>>): Node {
  return new Checker(parsed, names).check(parsed.expr, 0);
}

type Local = { readonly type: Type; readonly slot: number };

class Checker {
  readonly #parsed: Parsed;
  readonly #names: Names;
  readonly #locals = new Map<string, Local>();
  #slots = 0;
  /** How often the innermost macro so far visits an item, at most. */
  #visits = 1;

  constructor(parsed: Parsed, names: Readonly<Record<string, Names>>) {
    this.#parsed = parsed;
    this.#names = { kind: "names", of: names };
  }

  check(expr: Expr, depth: number): Node {
    if (depth > DEPTH_MAX) this.#fail(expr, `nested deeper than ${DEPTH_MAX} levels`);
    const kind = expr.exprKind;
    switch (kind.case) {
      case "constExpr":
        return this.#constant(expr, kind.value.constantKind);
      case "identExpr":
      case "selectExpr":
        return this.#name(expr, depth);
      case "callExpr":
        return this.#call(expr, depth);
      case "listExpr":
        return this.#list(expr, kind.value.elements, depth);
      case "structExpr":
        return this.#map(expr, depth);
      case "comprehensionExpr":
        return this.#macro(expr, depth);
      default:
        return this.#fail(expr, "this expression is not supported");
    }
  }

  #fail(expr: Expr, message: string): never {
    throw new ConditionError(this.#at(expr), message);
  }

  #at(expr: Expr): number {
    return this.#parsed.positions[String(expr.id)] ?? 0;
  }

  #node(expr: Expr, type: Type, shape: Shape): Node {
    return fold({ ...shape, type, at: this.#at(expr) });
  }

  #constant(expr: Expr, constant: Constant): Node {
    const make = (type: Type, value: Value): Node => this.#node(expr, type, { op: "constant", value });
    try {
      switch (constant.case) {
        case "boolValue":
          return make(BOOL, constant.value);
        case "int64Value":
          return make(INT, INT_MATH.from(constant.value));
        case "uint64Value":
          return make(UINT, UINT_MATH.from(constant.value));
        case "doubleValue":
          return make(DOUBLE, constant.value);
        case "stringValue":
          return make(STRING, constant.value);
        default:
          return this.#fail(expr, "this kind of literal is not supported");
      }
    } catch (error) {
      if (error instanceof ConditionFault) this.#fail(expr, "the number does not fit into 64 bits");
      throw error;
    }
  }

  /** Declared names are resolved as far as their tree goes; what is left are fields of values. */
  #name(expr: Expr, depth: number): Node {
    const declared = this.#declared(expr);
    if (declared !== undefined) {
      const { names, path } = declared;
      if (names.kind === "names") return this.#fail(expr, `\`${path}\` is a group of names, not a value`);
      if (names.kind === "constant") return this.#node(expr, names.type, { op: "constant", value: names.value });
      return this.#node(expr, names.type, { op: "fact", path, read: names.read, domain: names.domain });
    }
    const kind = expr.exprKind;
    if (kind.case === "identExpr") {
      const local = this.#locals.get(kind.value.name);
      if (local === undefined) return this.#fail(expr, `unknown name \`${kind.value.name}\``);
      return this.#node(expr, local.type, { op: "local", slot: local.slot, name: kind.value.name });
    }
    if (kind.case !== "selectExpr" || kind.value.operand === undefined) return this.#fail(expr, "a select is broken");
    return this.#select(
      expr,
      { operand: kind.value.operand, name: kind.value.field, test: kind.value.testOnly },
      depth,
    );
  }

  #select(expr: Expr, select: { operand: Expr; name: string; test: boolean }, depth: number): Node {
    const group = this.#declared(select.operand);
    if (group?.names.kind === "names") {
      const path = `${group.path}.${select.name}`;
      if (!Object.hasOwn(group.names.of, select.name)) return this.#fail(expr, `unknown name \`${path}\``);
      return this.#node(expr, BOOL, { op: "constant", value: true }); // has() of a declared name
    }
    const of = this.check(select.operand, depth + 1);
    if (of.type.kind === "object") {
      const field = Object.hasOwn(of.type.fields, select.name) ? of.type.fields[select.name] : undefined;
      if (field === undefined) return this.#fail(expr, `unknown name \`${select.name}\` of ${of.type.name}`);
      if (select.test) return this.#node(expr, BOOL, { op: "constant", value: true });
      return this.#node(expr, field, { op: "field", of, name: select.name });
    }
    if (of.type.kind !== "map" || commonType(of.type.key, STRING) === undefined) {
      return this.#fail(expr, `${typeText(of.type)} has no field \`${select.name}\``);
    }
    if (select.test) return this.#node(expr, BOOL, { op: "has", of, key: select.name });
    const key: Node = { op: "constant", value: select.name, type: STRING, at: this.#at(expr) };
    return this.#node(expr, of.type.value, { op: "index", of, key });
  }

  /** The declaration that a chain of plain names stands for, unless a local name hides it. */
  #declared(expr: Expr): { names: Names; path: string } | undefined {
    const kind = expr.exprKind;
    if (kind.case === "identExpr") {
      const name = kind.value.name;
      if (this.#locals.has(name)) return undefined;
      const names = member(this.#names, name);
      return names && { names, path: name };
    }
    if (kind.case !== "selectExpr" || kind.value.testOnly || kind.value.operand === undefined) return undefined;
    const outer = this.#declared(kind.value.operand);
    const names = outer && member(outer.names, kind.value.field);
    if (outer?.names.kind === "names" && names === undefined) {
      this.#fail(expr, `unknown name \`${outer.path}.${kind.value.field}\``);
    }
    return names && { names, path: `${outer?.path}.${kind.value.field}` };
  }

  #call(expr: Expr, depth: number): Node {
    if (expr.exprKind.case !== "callExpr") return this.#fail(expr, "a call is broken");
    const { function: name, target, args: argExprs } = expr.exprKind.value;
    if (name === "_&&_" || name === "_||_") return this.#logic(expr, name, depth);
    const args = (target === undefined ? argExprs : [target, ...argExprs]).map((arg) => this.check(arg, depth + 1));
    if (target !== undefined) return this.#function(expr, `.${name}`, args);
    const [first, second, third] = args;
    if (name === "!_" && first !== undefined) {
      this.#expectBool(first, "`!`");
      return this.#node(expr, BOOL, { op: "not", of: first });
    }
    if (name === "_?_:_" && first !== undefined && second !== undefined && third !== undefined) {
      this.#expectBool(first, "the condition of `?:`");
      const type = commonType(second.type, third.type);
      if (type === undefined) return this.#mismatch(expr, "?:", [second, third]);
      return this.#node(expr, type, { op: "if", when: first, yes: second, no: third });
    }
    if (name === "_[_]" && first !== undefined && second !== undefined) return this.#index(expr, first, second);
    if (name === "_==_" || name === "_!=_") return this.#equality(expr, name, args);
    if (name === "@in") return this.#membership(expr, args);
    return this.#function(expr, name, args);
  }

  /** A chain of one operator is one node, whatever its nesting: the library reads it to the left. */
  #logic(expr: Expr, name: "_&&_" | "_||_", depth: number): Node {
    const args: Node[] = [];
    const pending: Expr[] = [expr];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const kind = next.exprKind;
      if (kind.case === "callExpr" && kind.value.function === name) {
        pending.push(...kind.value.args.toReversed());
        continue;
      }
      const arg = this.check(next, depth + 1);
      this.#expectBool(arg, name === "_&&_" ? "`&&`" : "`||`");
      args.push(arg);
    }
    return this.#node(expr, BOOL, { op: name === "_&&_" ? "and" : "or", args });
  }

  #function(expr: Expr, name: string, args: readonly Node[]): Node {
    const overload = findOverload(
      name,
      args.map((arg) => arg.type),
    );
    if (overload === undefined) return isFunction(name) ? this.#mismatch(expr, name, args) : this.#unknown(expr, name);
    if (overload.prepare === undefined) return this.#node(expr, overload.result, { op: "call", overload, args });
    const last = args.at(-1);
    if (last?.op !== "constant") {
      throw new ConditionError(last?.at ?? 0, `the last argument of \`${plain(name)}\` must be a constant`);
    }
    const prepared = overload.prepare(last.value);
    if (typeof prepared === "string") throw new ConditionError(last.at, prepared);
    const rest = args.slice(0, -1);
    return this.#node(expr, overload.result, { op: "call", overload: { ...overload, run: prepared }, args: rest });
  }

  #unknown(expr: Expr, name: string): never {
    return this.#fail(expr, `unknown or unsupported function \`${plain(name)}\``);
  }

  #mismatch(expr: Expr, name: string, args: readonly Node[]): never {
    const kinds = args.map((arg) => arg.type.kind);
    const mixed = kinds.includes("double") && kinds.includes("int");
    const hint = mixed ? " (write whole doubles as `1.0`, or convert with `double(…)`)" : "";
    return this.#fail(
      expr,
      `\`${plain(name)}\` does not take ${args.map((arg) => typeText(arg.type)).join(" and ")}${hint}`,
    );
  }

  #expectBool(node: Node, where: string): void {
    if (node.type.kind !== "bool") throw new ConditionError(node.at, `${where} takes bool, not ${typeText(node.type)}`);
  }

  #equality(expr: Expr, name: "_==_" | "_!=_", args: readonly Node[]): Node {
    const [a, b] = args as [Node, Node];
    const type = commonType(a.type, b.type);
    if (type === undefined || !isComparable(type)) return this.#mismatch(expr, name, args);
    const deep = type.kind === "list" || type.kind === "map";
    const equal = deep ? valuesEqual : (x: Value, y: Value): boolean => x === y;
    const run = name === "_==_" ? equal : (x: Value, y: Value): boolean => !equal(x, y);
    const overload = makeOverload(name, [a.type.kind, b.type.kind], run);
    return this.#node(expr, BOOL, { op: "call", overload, args });
  }

  #membership(expr: Expr, args: readonly Node[]): Node {
    const [item, within] = args as [Node, Node];
    const of = within.type.kind === "list" ? within.type.of : within.type.kind === "map" ? within.type.key : undefined;
    const type = of && commonType(item.type, of);
    if (type === undefined || !isComparable(type)) return this.#mismatch(expr, "@in", args);
    const params = [item.type.kind, within.type.kind];
    const make = (run: (a: never, b: never) => boolean): Node =>
      this.#node(expr, BOOL, { op: "call", overload: makeOverload("@in", params, run), args });
    if (within.type.kind === "map") return make((key: Value, map: ReadonlyMap<Value, Value>) => map.has(key));
    // A set finds NaN in itself, which no comparison does: doubles are compared one by one.
    if (within.op === "constant" && type.kind !== "list" && type.kind !== "map" && type.kind !== "double") {
      const set = new Set(within.value as readonly Value[]);
      return make((value: Value) => set.has(value));
    }
    return make((value: Value, list: readonly Value[]) => list.some((other) => valuesEqual(value, other)));
  }

  #index(expr: Expr, of: Node, key: Node): Node {
    if (of.type.kind === "list" && key.type.kind === "int")
      return this.#node(expr, of.type.of, { op: "index", of, key });
    if (of.type.kind === "map" && commonType(of.type.key, key.type) !== undefined) {
      return this.#node(expr, of.type.value, { op: "index", of, key });
    }
    return this.#mismatch(expr, "_[_]", [of, key]);
  }

  #list(expr: Expr, elements: readonly Expr[], depth: number): Node {
    const items = elements.map((element) => this.check(element, depth + 1));
    return this.#node(expr, { kind: "list", of: this.#common(items, "a list") }, { op: "list", items });
  }

  #map(expr: Expr, depth: number): Node {
    if (expr.exprKind.case !== "structExpr") return this.#fail(expr, "a map is broken");
    const { messageName, entries: parts } = expr.exprKind.value;
    if (messageName !== "") return this.#fail(expr, `unknown type \`${messageName}\``);
    const entries = parts.map((part): readonly [Node, Node] => {
      if (part.keyKind.case !== "mapKey" || part.value === undefined) return this.#fail(expr, "a map entry is broken");
      return [this.check(part.keyKind.value, depth + 1), this.check(part.value, depth + 1)];
    });
    const key = this.#common(
      entries.map((entry) => entry[0]),
      "the keys of a map",
    );
    const value = this.#common(
      entries.map((entry) => entry[1]),
      "the values of a map",
    );
    if (!isMapKey(key)) return this.#fail(expr, `${typeText(key)} cannot be the key of a map`);
    return this.#node(expr, { kind: "map", key, value }, { op: "map", entries });
  }

  #common(nodes: readonly Node[], what: string): Type {
    let type: Type = NOTHING;
    for (const node of nodes) {
      const next = commonType(type, node.type);
      if (next === undefined) {
        throw new ConditionError(
          node.at,
          `${what} must be of one type, not ${typeText(type)} and ${typeText(node.type)}`,
        );
      }
      type = next;
    }
    return type;
  }

  /** The parser has expanded list macros into folds; only folds it made are recognised. */
  #macro(expr: Expr, depth: number): Node {
    const fold = expr.exprKind.case === "comprehensionExpr" ? expr.exprKind.value : undefined;
    const macro = this.#parsed.macros[String(expr.id)];
    const parts = fold?.loopStep && macro && macroParts(macro, fold.loopStep);
    if (fold?.iterRange === undefined || macro === undefined || parts === undefined) {
      return this.#fail(expr, "this macro is not supported");
    }
    const range = this.check(fold.iterRange, depth + 1);
    const itemType =
      range.type.kind === "list" ? range.type.of : range.type.kind === "map" ? range.type.key : undefined;
    if (itemType === undefined)
      return this.#fail(expr, `\`${macro}\` goes over lists and maps, not ${typeText(range.type)}`);
    const hidden = this.#locals.get(fold.iterVar);
    const slot = this.#slots++;
    this.#locals.set(fold.iterVar, { type: itemType, slot });
    const visits = this.#visits;
    this.#visits *= Math.max(1, itemsMax(range));
    if (this.#visits > ITEMS_VISITED_MAX) this.#fail(expr, "list macros inside each other visit too many items");
    const where = parts.where && this.check(parts.where, depth + 1);
    const body = parts.body && this.check(parts.body, depth + 1);
    this.#visits = visits;
    if (hidden === undefined) this.#locals.delete(fold.iterVar);
    else this.#locals.set(fold.iterVar, hidden);
    if (where !== undefined) this.#expectBool(where, `\`${macro}\``);
    const of = macro === "filter" ? itemType : macro === "map" ? body?.type : undefined;
    return this.#node(expr, of ? { kind: "list", of } : BOOL, { op: "each", macro, range, slot, where, body });
  }
}

/** How many items a list or map can have. */
function itemsMax(node: Node): number {
  switch (node.op) {
    case "list":
      return node.items.length;
    case "map":
      return node.entries.length;
    case "constant":
      return Array.isArray(node.value) ? node.value.length : TEXT_ITEMS_MAX;
    case "each":
      return itemsMax(node.range);
    case "if":
      return Math.max(itemsMax(node.yes), itemsMax(node.no));
    case "fact":
      return FACT_ITEMS_MAX;
    default:
      return TEXT_ITEMS_MAX;
  }
}

type Constant = Extract<Expr["exprKind"], { case: "constExpr" }>["value"]["constantKind"];

function member(names: Names, name: string): Names | undefined {
  return names.kind === "names" && Object.hasOwn(names.of, name) ? names.of[name] : undefined;
}

/** Predicate and result inside the step of an expanded macro; undefined when the step is not what the parser makes. */
function macroParts(macro: Macro, step: Expr): { where?: Expr; body?: Expr } | undefined {
  if (step.exprKind.case !== "callExpr") return undefined;
  const [first, second] = step.exprKind.value.args;
  if (first === undefined || second === undefined) return undefined;
  if (macro === "exists" || macro === "all") return { where: second };
  if (macro === "exists_one" || macro === "filter") return { where: first };
  if (step.exprKind.value.function !== "_?_:_") return appended(second);
  const body = second.exprKind.case === "callExpr" ? second.exprKind.value.args[1] : undefined;
  const inner = body && appended(body);
  return inner && { where: first, ...inner };
}

/** The one element of the list that a `map` step appends. */
function appended(list: Expr): { body: Expr } | undefined {
  const body = list.exprKind.case === "listExpr" ? list.exprKind.value.elements[0] : undefined;
  return body && { body };
}

function plain(name: string): string {
  return (
    OPERATORS[name] ??
    name.replace(/^\./, "").replaceAll("_", (_, at: number) => (at === 0 || at === name.length - 1 ? "" : "_"))
  );
}
