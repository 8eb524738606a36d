// Invariants stop the work.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as assertInvariant, InvariantError, unreachable } from "../../src/core/assert.ts";
import { isAppError } from "../../src/core/errors.ts";

test("an invariant that holds is silent, one that does not is named", () => {
  assertInvariant(true, "water is wet");
  assert.throws(() => assertInvariant(false, "water is wet"), {
    name: "InvariantError",
    message: "invariant: water is wet",
  });
});

test("a value that the types exclude is named, whatever it is", () => {
  for (const value of ["other", { kind: "other" }, undefined, null, 7]) {
    assert.throws(() => unreachable(value as never), InvariantError);
  }
});

test("a programmer's error is none that a caller can act on", () => {
  assert.ok(!isAppError(new InvariantError("x")));
});
