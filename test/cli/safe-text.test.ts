// Nothing that others wrote can act on a terminal, and what programs read keeps its value.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import type { Json } from "../../src/core/json.ts";
import { Fields } from "../../src/cli/fields.ts";
import { escapeLine, escapeLines, safeJson, safeYaml } from "../../src/cli/safe-text.ts";

const UNSAFE = /[\p{C}\p{Zl}\p{Zp}]/u;
const nasty = fc.constantFrom(
  "\u001b",
  "\u009b",
  "\u0007",
  "\r",
  "\n",
  "\t",
  "\u202e",
  "\u200b",
  "\u2028",
  "\u{e0041}",
  "\ufeff",
);
const text = fc
  .array(fc.oneof(nasty, fc.string({ unit: "grapheme", maxLength: 4 }), fc.string({ unit: "binary", maxLength: 3 })))
  .map((parts) => parts.join(""));
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(text, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value as fc.Arbitrary<Json>;

test("escaped lines hold nothing that a terminal acts on", () => {
  fc.assert(
    fc.property(text, (value) => {
      assert.doesNotMatch(escapeLine(value), UNSAFE);
      assert.doesNotMatch(escapeLines(value).replaceAll("\n", ""), UNSAFE);
    }),
  );
  assert.equal(escapeLine("a\u001b[31mb\u202ec\n\td"), "a\\x1b[31mb\\u{202e}c\\n\\td");
  assert.equal(escapeLine("żółć 日本語 👍"), "żółć 日本語 👍");
});

test("JSON output is safe and has the same value", () => {
  fc.assert(
    fc.property(json, (value) => {
      const shown = safeJson(value);
      assert.doesNotMatch(shown.replaceAll("\n", ""), UNSAFE);
      assert.deepEqual(JSON.parse(shown), JSON.parse(JSON.stringify(value)));
      assert.doesNotMatch(safeJson(value, 0), UNSAFE);
    }),
  );
});

test("YAML output is safe and has the same value", () => {
  fc.assert(
    fc.property(json, (value) => {
      const shown = safeYaml(value);
      assert.doesNotMatch(shown.replaceAll("\n", ""), UNSAFE);
      assert.deepEqual(parse(shown), JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("lines of a text in YAML cannot pass for fields of ours: each is indented", () => {
  const shown = safeYaml({ reason: "ok\nstatus: approved\n" });
  assert.ok(
    shown
      .split("\n")
      .slice(1)
      .every((line) => line === "" || line.startsWith("  ")),
  );
});

test("a document of any shape is read without failing", () => {
  fc.assert(
    fc.property(json, text, (value, name) => {
      const fields = new Fields(value);
      for (const shown of [fields.text(name), fields.texts(name), fields.pairs(), fields.text("constructor")]) {
        assert.doesNotMatch(shown, UNSAFE);
      }
      assert.equal(typeof fields.exact(name), "string");
      assert.ok(Array.isArray(fields.list(name)));
    }),
  );
  assert.equal(new Fields({}).text("toString"), "-");
});
