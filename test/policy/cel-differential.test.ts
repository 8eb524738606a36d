// Compiled conditions against the CEL library's own evaluation, over generated expressions and facts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type CelInput, celEnv, isCelError, parse, plan } from "@bufbuild/cel";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import type { PolicyFacts } from "../../src/wire/types/policy-facts.ts";
import { checkCondition } from "../../src/policy/cel/check.ts";
import { compileNode } from "../../src/policy/cel/compile.ts";
import { ConditionFault } from "../../src/policy/cel/fault.ts";
import { compilePattern } from "../../src/policy/cel/pattern.ts";
import { parseCondition } from "../../src/policy/cel/parse.ts";
import { FACT_NAMES } from "../../src/policy/fact-names.ts";
import { ANYTHING, assume } from "../../src/policy/satisfiable.ts";
import { selectedTexts } from "../../src/policy/selectors.ts";
import { factsWith } from "./pack.ts";

const RUNS = Number(process.env["CEL_FUZZ_RUNS"] ?? 2_000);

// The library reads calendar parts through local time, which skips hours where clocks are changed.
process.env["TZ"] = "UTC";

const env = celEnv();

/** The facts as the library takes them: ints as bigints, records as maps. */
function bindings(facts: PolicyFacts): Record<string, CelInput> {
  const record = (from: object, ints: readonly string[] = []): CelInput =>
    new Map(
      Object.entries(from).map(([key, value]) => [
        key,
        ints.includes(key) ? BigInt(value as number) : (value as string),
      ]),
    );
  return {
    action: record(facts.action),
    agent: record(facts.agent),
    classification: record(facts.classification, ["severity"]),
    incident: record(facts.incident),
    signals: facts.signals.map((signal) => record(signal)),
    now: timestampFromMs(facts.timeMs),
    severity: record({ low: 0, medium: 1, high: 2, sev1: 3 }, ["low", "medium", "high", "sev1"]),
  };
}

function byLibrary(text: string, facts: PolicyFacts): boolean | "error" {
  const result = plan(env, parse(text))(bindings(facts));
  if (isCelError(result)) return "error";
  assert.equal(typeof result, "boolean");
  return result as boolean;
}

function byUs(text: string, facts: PolicyFacts): boolean | "error" {
  try {
    return compileNode(checkCondition(parseCondition(text), FACT_NAMES)).run({ root: facts, slots: [] }) as boolean;
  } catch (error) {
    if (error instanceof ConditionFault) return "error";
    throw error;
  }
}

const TEXTS = ["", "cart", "production", "prod", "pagerduty.trigger", "a\u{1F600}b", "é", "agent", "x.y"];
const text = fc.constantFrom(...TEXTS);
const quoted = text.map((value) => JSON.stringify(value));

const INTS = ["0", "1", "2", "3", "-1", "7", "9007199254740991", "9007199254740992", "-9007199254740993"];
const EDGES = ["9223372036854775807", "-9223372036854775808", "4611686018427387904", "3037000500"];

const grammar = fc.letrec<Record<"bool" | "int" | "uint" | "double" | "str" | "time" | "span" | "ints", string>>(
  (tie) => {
    const two = (names: "bool" | "int" | "uint" | "double" | "str" | "time" | "span", operators: readonly string[]) =>
      fc.tuple(tie(names), fc.constantFrom(...operators), tie(names)).map(([a, op, b]) => `(${a} ${op} ${b})`);
    const compare = ["<", "<=", ">", ">=", "==", "!="];
    const size = { maxDepth: 4, depthSize: "small" } as const;
    return {
      bool: fc.oneof(
        size,
        fc.constantFrom(
          "true",
          "false",
          "classification.known",
          "action.reversible",
          "has(action.kind)",
          "incident.known",
        ),
        fc.oneof(two("int", compare), two("uint", compare), two("double", compare), two("str", compare)),
        fc.oneof(two("time", compare), two("span", compare), two("bool", ["==", "!=", "<", ">="])),
        two("bool", ["&&", "||"]),
        two("bool", ["&&", "||"]),
        tie("bool").map((a) => `!${a}`),
        fc.tuple(tie("bool"), tie("bool"), tie("bool")).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
        fc
          .tuple(tie("str"), fc.constantFrom("startsWith", "endsWith", "contains"), tie("str"))
          .map(([a, f, b]) => `${a}.${f}(${b})`),
        fc
          .tuple(tie("str"), fc.constantFrom("^a.*", "c(ar|at)+$", "[^a-c]x?", "\\\\d{1,2}|prod"))
          .map(([a, p]) => `${a}.matches("${p}")`),
        fc.tuple(tie("str"), fc.array(quoted, { maxLength: 3 })).map(([a, list]) => `(${a} in [${list.join()}])`),
        fc.tuple(tie("int"), tie("ints")).map(([a, list]) => `(${a} in ${list})`),
        fc.tuple(tie("ints"), tie("ints")).map(([a, b]) => `(${a} == ${b})`),
        fc
          .tuple(fc.constantFrom("exists", "all", "exists_one"), tie("bool"))
          .map(([m, b]) => `signals.${m}(s, s.derived || ${b})`),
        fc
          .tuple(tie("ints"), fc.constantFrom("exists", "all", "exists_one"), tie("int"))
          .map(([l, m, i]) => `${l}.${m}(i, 7 / i > ${i})`),
        tie("str").map((s) => `signals.filter(s, s.source == ${s}).map(s, s.detector).exists(d, d == "errors")`),
        quoted.map((key) => `({"cart": 1, "é": 2}[${key}] == 1)`),
        quoted.map((key) => `(${key} in {"cart": 1})`),
      ),
      int: fc.oneof(
        size,
        fc.constantFrom(
          "classification.severity",
          "severity.high",
          "signals.size()",
          "size(action.service)",
          ...INTS,
          ...EDGES,
        ),
        two("int", ["+", "-", "*", "/", "%"]),
        tie("int").map((a) => `-(${a})`),
        tie("double").map((a) => `int(${a})`),
        tie("uint").map((a) => `int(${a})`),
        fc.tuple(tie("ints"), tie("int")).map(([list, i]) => `${list}[${i}]`),
        fc.tuple(tie("bool"), tie("int"), tie("int")).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
        fc
          .tuple(
            tie("time"),
            fc.constantFrom("getHours", "getDayOfWeek", "getFullYear", "getDate", "getMonth", "getMinutes"),
          )
          .map(([t, f]) => `${t}.${f}()`),
        fc.constantFrom(
          "now.getHours('+02:00')",
          "now.getDayOfYear()",
          "now.getMilliseconds()",
          "int(now)",
          "now.getDayOfMonth('-11:30')",
        ),
        tie("span").map((s) => `${s}.getMinutes()`),
      ),
      uint: fc.oneof(
        size,
        fc.constantFrom("0u", "1u", "9u", "18446744073709551615u", "9007199254740993u"),
        // Not `/`: the library checks its result against the range of int.
        two("uint", ["+", "-", "*", "%"]),
        tie("int").map((a) => `uint(${a})`),
      ),
      double: fc.oneof(
        size,
        fc.constantFrom("classification.confidence", "0.0", "0.5", "0.8", "1.0", "-1.5", "1e300", "9.3e18"),
        two("double", ["+", "-", "*", "/"]),
        tie("int").map((a) => `double(${a})`),
        tie("double").map((a) => `-(${a})`),
      ),
      str: fc.oneof(
        size,
        fc.constantFrom("action.kind", "action.service", "action.environment", "agent.kind", "classification.team"),
        quoted,
        two("str", ["+"]),
        tie("int").map((a) => `string(${a})`),
      ),
      time: fc.oneof(
        size,
        fc.constantFrom(
          "now",
          'timestamp("2026-02-28T23:59:59.5Z")',
          'timestamp("9999-12-31T23:59:59Z")',
          'timestamp("2024-02-29T00:00:00+05:30")',
        ),
        fc.tuple(tie("time"), fc.constantFrom("+", "-"), tie("span")).map(([a, op, b]) => `(${a} ${op} ${b})`),
      ),
      span: fc.oneof(
        size,
        fc.constantFrom('duration("1h30m")', 'duration("-1.5s")', 'duration("2562047h")', 'duration("0")'),
        two("span", ["+", "-"]),
        two("time", ["-"]),
      ),
      ints: fc.oneof(
        size,
        fc.array(tie("int"), { minLength: 1, maxLength: 3 }).map((items) => `[${items.join()}]`),
        fc.constantFrom(
          "[0, 1, 2]",
          "[1, 2].map(i, i * 2)",
          "[3, 4, 5].filter(i, i % 2 == 1)",
          "[1, 2].map(i, i > 1, i + 1)",
        ),
      ),
    };
  },
);

const signal = fc.record({
  id: fc.constant("s"),
  source: fc.constantFrom("a", "cart"),
  detector: fc.constantFrom("errors", "x"),
  derived: fc.boolean(),
});
const someFacts = fc
  .record({
    text: fc.tuple(text, text, text, text),
    severity: fc.integer({ min: 0, max: 3 }),
    confidence: fc.oneof(fc.constantFrom(0, 0.5, 0.8, 1), fc.double({ min: 0, max: 1, noNaN: true })),
    flags: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
    signals: fc.array(signal, { maxLength: 3 }),
    timeMs: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  })
  .map(({ text: [kind, service, environment, team], flags, ...rest }) =>
    factsWith({
      action: { kind, service, environment, reversible: flags[0] },
      classification: { known: flags[1], severity: rest.severity, confidence: rest.confidence, team },
      incident: { known: flags[2] },
      signals: rest.signals,
      timeMs: rest.timeMs,
    }),
  );

/** Short enough, and none that does not load because its macros visit too much: that bound is ours, not the library's. */
function isWithinBounds(condition: string): boolean {
  if (condition.length >= 1_500) return false;
  try {
    checkCondition(parseCondition(condition), FACT_NAMES);
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.includes("visit too many items")) return false;
    throw error;
  }
}

test("a compiled condition answers what the CEL library answers, errors included", () => {
  const seen = { true: 0, false: 0, error: 0 };
  const property = fc.property(grammar.bool, someFacts, (condition, facts) => {
    fc.pre(isWithinBounds(condition));
    const expected = byLibrary(condition, facts);
    assert.equal(byUs(condition, facts), expected, condition);
    seen[`${expected}`]++;
  });
  fc.assert(property, { numRuns: RUNS });
  assert.ok(Math.min(seen.true, seen.false, seen.error) > RUNS / 50, JSON.stringify(seen));
});

test("a condition that is called impossible, true or false, never is", () => {
  let impossible = 0;
  const property = fc.property(grammar.bool, someFacts, (condition, facts) => {
    fc.pre(isWithinBounds(condition));
    const node = checkCondition(parseCondition(condition), FACT_NAMES);
    const answer = byUs(condition, facts);
    for (const truth of [true, false]) {
      if (assume(node, truth, [ANYTHING]).length > 0) continue;
      impossible++;
      // A generated environment may be an alias, which real facts never are.
      if (!condition.includes("action.environment") && !condition.includes("agent.kind"))
        assert.notEqual(answer, truth, condition);
    }
  });
  fc.assert(property, { numRuns: RUNS });
  assert.ok(impossible > 0);
});

test("outside of the texts that index a rule its condition is false, and not an error", () => {
  let indexed = 0;
  const property = fc.property(grammar.bool, grammar.bool, quoted, someFacts, (left, right, service, facts) => {
    const condition = `${left} && action.service == ${service} || action.service in ["x.y"] && ${right}`;
    fc.pre(condition.length < 1_900);
    const texts = selectedTexts(checkCondition(parseCondition(condition), FACT_NAMES), "service");
    if (texts === null || texts.has(facts.action.service)) return;
    indexed++;
    assert.equal(byUs(condition, facts), false, condition);
  });
  fc.assert(property, { numRuns: RUNS / 4 });
  assert.ok(indexed > 0);
});

const piece = fc.constantFrom(
  "a",
  "b",
  ".",
  "[ab]",
  "[^a]",
  "\\d",
  "\\w",
  "(a|b)",
  "(?:ab)",
  "^",
  "$",
  "\\.",
  "[a-c-]",
  "é",
);
const pattern = fc
  .array(fc.tuple(piece, fc.constantFrom("", "", "*", "+", "?", "{2}", "{1,3}", "{0,}", "*?", "|")), { maxLength: 6 })
  .map((parts) => parts.map(([atom, count]) => (atom === "^" || atom === "$" ? atom : atom + count)).join(""));

test("a pattern finds what RE2 finds", () => {
  const matches = plan(env, parse("text.matches(pattern)"));
  const property = fc.property(
    pattern,
    fc.array(fc.constantFrom("a", "b", "c", "1", ".", "\n", "é", "\u{1F600}"), { maxLength: 8 }),
    (source, chars) => {
      const found = compilePattern(source)(chars.join(""));
      assert.equal(
        found,
        matches({ text: chars.join(""), pattern: source }),
        `${source} on ${JSON.stringify(chars.join(""))}`,
      );
    },
  );
  fc.assert(property, { numRuns: RUNS / 2 });
});

test("a uint beyond int is divided as a uint, where the library sees an int overflow", () => {
  assert.equal(byUs("18446744073709551615u / 1u == 18446744073709551615u", factsWith()), true);
  assert.equal(byLibrary("18446744073709551615u / 1u == 18446744073709551615u", factsWith()), "error");
});
