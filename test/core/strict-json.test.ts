// Strict JSON: names given twice and deep nesting are found, everything else reads as JSON.parse reads it.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isAppError } from "../../src/core/errors.ts";
import { parseStrictJson } from "../../src/core/strict-json.ts";

const isMalformed = (error: unknown): boolean => isAppError(error, "body-malformed");

test("an object that names a member twice is refused, at any depth and in any spelling", () => {
  const twice = [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '[[{"b":{"a":1,"b":{},"a":2}}]]',
    '{"":1,"":2}',
    '{"a\\"":1,"a\\"":2}',
    '{"__proto__":1,"__proto__":2}',
    '{"a":[],"b":{},"a":[1]}',
    '{ "a" : "x,\\"a\\":" , "a" : 2 }',
  ];
  for (const text of twice) assert.throws(() => parseStrictJson(text), isMalformed, text);
});

test("one name in different objects, or as a value, is not twice", () => {
  const once = [
    '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}',
    '["a","a"]',
    '{"a":"a","b":"a"}',
    '{"a":"{\\"a\\":1,\\"a\\":1}"}',
    '{"a\\\\":1,"a":2}',
    '{"a":["x","a","a"],"b":1}',
    '"a"',
    "null",
    " 1 ",
  ];
  for (const text of once) assert.deepEqual(parseStrictJson(text), JSON.parse(text));
});

test("what is not JSON is refused", () => {
  for (const text of ["", "{", "[1,]", "{'a':1}", "NaN", "\ufeff{}", "{}{}", '"\n"', "01"]) {
    assert.throws(() => parseStrictJson(text), isMalformed, text);
  }
});

test("nesting is bounded", () => {
  const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  assert.doesNotThrow(() => parseStrictJson(nested(64)));
  assert.throws(() => parseStrictJson(nested(65)), isMalformed);
  assert.throws(() => parseStrictJson(nested(100_000)), isMalformed);
  assert.throws(() => parseStrictJson('{"a":'.repeat(5) + "1" + "}".repeat(5), 4), isMalformed);
});

test("every JSON value reads as JSON.parse reads it, and with one more of its own names it is refused", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.string(), (value, name) => {
      for (const text of [JSON.stringify(value), JSON.stringify(value, null, 1)]) {
        assert.deepEqual(parseStrictJson(text), JSON.parse(text));
      }
      const member = JSON.stringify(name);
      assert.throws(() => parseStrictJson(`{${member}:${JSON.stringify(value)},${member}:0}`), isMalformed);
    }),
  );
});
