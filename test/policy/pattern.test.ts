// Patterns of `matches`: what is refused, and that no text makes one explode.

import assert from "node:assert/strict";
import { test } from "node:test";
import { compilePattern, PatternError } from "../../src/policy/cel/pattern.ts";

const REFUSED = [
  "(a",
  "a)",
  "[a",
  "*a",
  "a**",
  "a{3}{2}",
  "a{2,1}",
  "a{101}",
  "a{",
  "\\",
  "\\b",
  "\\1",
  "\\pL",
  "(?i)a",
  "(?=a)",
  "(?P<n>a)",
  "(?<n>a)",
  "[[:alpha:]]",
  "[b-a]",
  "[\\d-z]",
  "^*",
  "$+",
  "((a{100}){100}){100}",
  `${"(".repeat(40)}a${")".repeat(40)}`,
  "x".repeat(501),
  "\\é",
];

test("what is malformed, unsupported or too large does not compile", () => {
  for (const pattern of REFUSED) assert.throws(() => compilePattern(pattern), PatternError, pattern);
});

test("patterns that make backtracking engines explode are followed in one pass", () => {
  const text = `${"a".repeat(20_000)}!`;
  assert.equal(compilePattern("^(a+)+$")(text), false);
  assert.equal(compilePattern("^(a|a)*$")(text), false);
  assert.equal(compilePattern("^(a*)*b$")(text), false);
  assert.equal(compilePattern("(a?){50}a{50}!")(text), true);
});

test("characters are code points, and the dot leaves out newlines", () => {
  assert.equal(compilePattern("^.$")("\u{1F600}"), true);
  assert.equal(compilePattern("^.$")("\n"), false);
  assert.equal(compilePattern("a$")("a\n"), false);
  assert.equal(compilePattern("[^\\d\\-]")("-1"), false);
});
