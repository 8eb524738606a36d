// Canonical JSON: the vectors of RFC 8785, agreement with its author's implementation, and what it refuses.

import { test } from "node:test";
import assert from "node:assert/strict";
import canonicalize from "canonicalize";
import fc from "fast-check";
import { canonicalJson, inCanonicalOrder } from "../../src/core/canonical-json.ts";
import type { Json } from "../../src/core/json.ts";

// RFC 8785 appendix B: IEEE 754 bits and their one form.
const NUMBERS = [
  ["0000000000000000", "0"],
  ["8000000000000000", "0"],
  ["0000000000000001", "5e-324"],
  ["8000000000000001", "-5e-324"],
  ["7fefffffffffffff", "1.7976931348623157e+308"],
  ["ffefffffffffffff", "-1.7976931348623157e+308"],
  ["4340000000000000", "9007199254740992"],
  ["c340000000000000", "-9007199254740992"],
  ["4430000000000000", "295147905179352830000"],
  ["44b52d02c7e14af5", "9.999999999999997e+22"],
  ["44b52d02c7e14af6", "1e+23"],
  ["44b52d02c7e14af7", "1.0000000000000001e+23"],
  ["444b1ae4d6e2ef4e", "999999999999999700000"],
  ["444b1ae4d6e2ef4f", "999999999999999900000"],
  ["444b1ae4d6e2ef50", "1e+21"],
  ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
  ["3eb0c6f7a0b5ed8d", "0.000001"],
  ["41b3de4355555553", "333333333.3333332"],
  ["41b3de4355555554", "333333333.33333325"],
  ["41b3de4355555555", "333333333.3333333"],
  ["41b3de4355555556", "333333333.3333334"],
  ["41b3de4355555557", "333333333.33333343"],
  ["becbf647612f3696", "-0.0000033333333333333333"],
  ["43143ff3c1cb0959", "1424953923781206.2"],
] as const;

test("numbers have the forms of RFC 8785 appendix B", () => {
  for (const [bits, text] of NUMBERS) assert.equal(canonicalJson(Buffer.from(bits, "hex").readDoubleBE(0)), text, bits);
});

test("the RFC's example of section 3.2.2 has the bytes of section 3.2.4", () => {
  const value = {
    numbers: [Number("333333333.33333329"), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/",
    literals: [null, true, false],
  };
  const text =
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}';
  assert.equal(canonicalJson(value), text);
});

test("names sort by UTF-16 code units, as in RFC 8785 section 3.2.3", () => {
  const value = { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\u{1f600}": 5, "\u0080": 6, "\u00f6": 7 };
  const order = [...canonicalJson(value).matchAll(/:(\d)/g)].map(([, digit]) => Number(digit));
  assert.deepEqual(order, [2, 4, 6, 7, 1, 5, 3]);
});

test("any JSON value is written as the author's implementation writes it, and reads back equal", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "grapheme-composite" }), (value) => {
      const text = canonicalJson(value as Json);
      assert.equal(text, canonicalize(value));
      assert.equal(canonicalJson(JSON.parse(text) as Json), text);
    }),
  );
});

test("a value put in order is written as before, keeps what it says, and comes back itself from then on", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "grapheme-composite" }), (value) => {
      const ordered = inCanonicalOrder(value as Json);
      assert.deepEqual(ordered, value);
      assert.equal(canonicalJson(ordered), canonicalJson(value as Json));
    }),
  );
  const ordered = inCanonicalOrder({ b: [{ d: 1, c: 2 }], a: { z: null, y: true } });
  assert.equal(JSON.stringify(ordered), '{"a":{"y":true,"z":null},"b":[{"c":2,"d":1}]}');
  assert.equal(inCanonicalOrder(ordered), ordered);
  const owned = JSON.parse('{"b":1,"__proto__":{"a":2}}') as Json;
  assert.equal(canonicalJson(inCanonicalOrder(owned)), '{"__proto__":{"a":2},"b":1}');
});

test("members that a value inherits are not written", () => {
  const inheriting = Object.create({ a: 1, z: 2 }) as Record<string, Json>;
  inheriting["m"] = 3;
  assert.equal(canonicalJson(inheriting), '{"m":3}');
});

test("what JSON cannot carry exactly is refused", () => {
  let deep: Json = null;
  for (let level = 0; level < 65; level++) deep = [deep];
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  for (const value of [
    NaN,
    Infinity,
    -Infinity,
    "\ud800",
    { "\udc00": 1 },
    [undefined],
    () => 1,
    1n,
    Symbol("a"),
    deep,
    cyclic,
  ]) {
    assert.throws(() => canonicalJson(value as Json), { code: "request-invalid" });
  }
});

test("a member that is undefined is absent, as JSON.stringify has it", () => {
  assert.equal(canonicalJson({ b: 1, a: undefined } as unknown as Json), '{"b":1}');
});
