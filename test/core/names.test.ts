// Plain names: what may be the name of a service, an environment or a component.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isPlainName, plainName } from "../../src/core/names.ts";

test("ordinary names are accepted and come back in lower case without outer blanks", () => {
  assert.equal(plainName("cart"), "cart");
  assert.equal(plainName(" Checkout-API "), "checkout-api");
  assert.equal(plainName("team/cart.v2"), "team/cart.v2");
  assert.equal(plainName("node_exporter"), "node_exporter");
  assert.equal(plainName("9p"), "9p");
  assert.equal(plainName("x".repeat(128)), "x".repeat(128));
});

test("invisible, bidirectional, look-alike and structural characters are refused", () => {
  const suspicious = [
    "",
    " ",
    "-cart",
    ".hidden",
    "cart\u200b",
    "\ufeffcart",
    "\u00a0cart",
    "\u202egnirts",
    "c\u0430rt", // Cyrillic a
    "\u212a8s", // Kelvin sign, which toLowerCase turns into k
    "ｃａｒｔ",
    "cart\u0000",
    "cart\n",
    "cart service",
    "cart\ud800",
    "cärt",
    "cart;drop",
    "x".repeat(129),
    " ".repeat(1_000_000),
  ];
  for (const text of suspicious) assert.equal(isPlainName(text), false, JSON.stringify(text.slice(0, 40)));
});

test("whatever is accepted is ASCII, bounded, and its own canonical form", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const name = plainName(text);
      if (name === undefined) return;
      assert.match(name, /^[a-z0-9][a-z0-9._/-]{0,127}$/);
      assert.equal(plainName(name), name);
    }),
    { numRuns: 500 },
  );
});
