// The cases of the CEL specification that use what conditions support: each gives the answer the specification asks for.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect, isDeepStrictEqual } from "node:util";
import type { Type as DeclaredType } from "@bufbuild/cel-spec/cel/expr/checked_pb.js";
import type { Value as SpecValue } from "@bufbuild/cel-spec/cel/expr/value_pb.js";
import { getConformanceSuite } from "@bufbuild/cel-spec/testdata/tests.js";
import type { IncrementalTest, IncrementalTestSuite } from "@bufbuild/cel-spec/testdata/tests.js";
import { checkCondition } from "../../src/policy/cel/check.ts";
import { compileNode } from "../../src/policy/cel/compile.ts";
import { ConditionFault } from "../../src/policy/cel/fault.ts";
import { ConditionError, type Names } from "../../src/policy/cel/node.ts";
import { parseCondition } from "../../src/policy/cel/parse.ts";
import { BOOL, DOUBLE, INT, STRING, UINT } from "../../src/policy/cel/value-type.ts";
import { type Type, type Value, valuesEqual } from "../../src/policy/cel/value-type.ts";
import { INT_MATH, UINT_MATH } from "../../src/policy/cel/whole-numbers.ts";

/** Fewer than this and the suite was not read, or support was lost. */
const AGREEING_FLOOR = 600;

type Outcome = { kind: "value"; value: Value; type: Type } | { kind: "fault" } | { kind: "unsupported"; why: string };

function* allTests(suite: IncrementalTestSuite, path: string): Generator<[string, IncrementalTest]> {
  for (const item of suite.tests) yield [`${path}/${item.name}`, item];
  for (const inner of suite.suites) yield* allTests(inner, `${path}/${inner.name}`);
}

class Unsupported extends Error {}

function toValue(value: SpecValue | undefined): Value {
  const kind = value?.kind;
  switch (kind?.case) {
    case "boolValue":
    case "doubleValue":
    case "stringValue":
      return kind.value;
    case "int64Value":
      return INT_MATH.from(kind.value);
    case "uint64Value":
      return UINT_MATH.from(kind.value);
    case "listValue":
      return kind.value.values.map(toValue);
    case "mapValue":
      return new Map(kind.value.entries.map((entry) => [toValue(entry.key), toValue(entry.value)]));
    default:
      throw new Unsupported(`a value of kind ${kind?.case}`);
  }
}

const PRIMITIVES: Readonly<Record<number, Type>> = { 1: BOOL, 2: INT, 3: UINT, 4: DOUBLE, 5: STRING };

function toType(type: DeclaredType | undefined): Type {
  const kind = type?.typeKind;
  if (kind?.case === "primitive" && PRIMITIVES[kind.value] !== undefined) return PRIMITIVES[kind.value] as Type;
  if (kind?.case === "listType") return { kind: "list", of: toType(kind.value.elemType) };
  if (kind?.case === "mapType") {
    return { kind: "map", key: toType(kind.value.keyType), value: toType(kind.value.valueType) };
  }
  throw new Unsupported(`a type of kind ${kind?.case}`);
}

function declarations({ original }: IncrementalTest): Record<string, Names> {
  if (original.container !== "") throw new Unsupported("a container of names");
  const names: Record<string, Names> = {};
  for (const decl of original.typeEnv) {
    if (decl.declKind.case !== "ident") throw new Unsupported("a declared function");
    const bound = original.bindings[decl.name]?.kind;
    if (bound?.case !== "value") throw new Unsupported("a declared name without a value");
    const value = toValue(bound.value);
    names[decl.name] = { kind: "fact", type: toType(decl.declKind.value.type), read: () => value };
  }
  return names;
}

function evaluate(item: IncrementalTest): Outcome {
  try {
    const node = checkCondition(parseCondition(item.original.expr), declarations(item));
    wantedType(item);
    if (node.type.kind === "timestamp" || node.type.kind === "duration") throw new Unsupported("an instant as result");
    return { kind: "value", value: compileNode(node).run({ root: undefined, slots: [] }), type: node.type };
  } catch (error) {
    if (error instanceof ConditionFault) return { kind: "fault" };
    if (error instanceof ConditionError || error instanceof Unsupported)
      return { kind: "unsupported", why: error.message };
    throw error;
  }
}

/** The value that is asked for, and the type that was deduced where the case says which. */
function checkOutcome(item: IncrementalTest, outcome: Outcome): boolean {
  const matcher = item.original.resultMatcher;
  if (matcher.case === "evalError") return outcome.kind === "fault";
  if (outcome.kind !== "value") return false;
  if (matcher.case === undefined) return outcome.value === true;
  if (matcher.case === "value") return isValue(outcome.value, matcher.value);
  if (matcher.case !== "typedResult") return false;
  const { result } = matcher.value;
  const isSame = result === undefined || isValue(outcome.value, result);
  return isSame && isDeepStrictEqual(outcome.type, wantedType(item));
}

/** Throws for one that conditions do not have. */
function wantedType({ original: { resultMatcher } }: IncrementalTest): Type | undefined {
  return resultMatcher.case === "typedResult" ? toType(resultMatcher.value.deducedType) : undefined;
}

function isValue(value: Value, said: SpecValue): boolean {
  const expected = toValue(said);
  return valuesEqual(value, expected) || Object.is(value, expected);
}

test("conditions agree with every case of the CEL specification that they can express", (context) => {
  let agreeing = 0;
  let total = 0;
  const wrong: string[] = [];
  const why = new Map<string, number>();
  for (const [name, item] of allTests(getConformanceSuite(), "")) {
    total++;
    const outcome = evaluate(item);
    if (outcome.kind === "unsupported") {
      why.set(outcome.why, (why.get(outcome.why) ?? 0) + 1);
      continue;
    }
    if (checkOutcome(item, outcome)) agreeing++;
    else wrong.push(`${name}: ${item.original.expr} gave ${describe(outcome)}`);
  }
  context.diagnostic(`${agreeing} of ${total} cases apply and agree`);
  assert.deepEqual(wrong, []);
  assert.ok(agreeing >= AGREEING_FLOOR, `only ${agreeing} cases apply`);
  if (process.env["CEL_SPEC_REASONS"] !== undefined) {
    for (const [reason, count] of [...why].toSorted((a, b) => b[1] - a[1])) context.diagnostic(`${count} ${reason}`);
  }
});

function describe(outcome: Outcome): string {
  return outcome.kind === "value" ? `${typeof outcome.value} ${inspect(outcome.value)}` : outcome.kind;
}
