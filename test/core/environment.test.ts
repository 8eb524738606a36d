// Environment names and their aliases.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalEnvironment } from "../../src/core/environment.ts";

test("production has one name, however it is written", () => {
  for (const name of ["production", "Production", "PROD", " prod ", "prd", "live", "\tProd\n"]) {
    assert.equal(canonicalEnvironment(name), "production", JSON.stringify(name));
  }
});

test("what only resembles production is something else", () => {
  for (const name of [
    "preprod",
    "pre-production",
    "nonprod",
    "prod-eu",
    "reproduction",
    "prod.",
    "рrod",
    "p rod",
    "",
  ]) {
    assert.notEqual(canonicalEnvironment(name), "production", JSON.stringify(name));
  }
});

test("every alias leads to a name that stays as it is", () => {
  for (const [alias, name] of [
    ["stg", "staging"],
    ["preprod", "staging"],
    ["devel", "development"],
    ["qa", "test"],
    ["testing", "test"],
    ["sandbox-7", "sandbox-7"],
  ] as const) {
    assert.equal(canonicalEnvironment(alias), name);
    assert.equal(canonicalEnvironment(name), name);
  }
});

test("the canonical name of a canonical name is itself", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (name) => {
      const once = canonicalEnvironment(name);
      assert.equal(canonicalEnvironment(once), once);
    }),
  );
});
