// The binary logarithm without the standard library's.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { doublingsOf } from "../../src/core/doublings.ts";

test("doublings are the binary logarithm to about a millionth", () => {
  assert.deepEqual([1, 2, 8, 0.5, 0.125].map(doublingsOf), [0, 1, 3, -1, -3]);
  fc.assert(
    fc.property(fc.double({ min: 1e-12, max: 1e12, noNaN: true }), (ratio) => {
      assert.ok(Math.abs(doublingsOf(ratio) - Math.log2(ratio)) < 2e-6);
    }),
  );
});

test("what is not a ratio has no doublings", () => {
  assert.deepEqual([0, -1, Number.NaN].map(doublingsOf), [-Infinity, -Infinity, -Infinity]);
  assert.equal(doublingsOf(Infinity), Infinity);
});
