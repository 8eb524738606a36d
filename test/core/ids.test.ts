// Identifiers made from sequence numbers.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InvariantError } from "../../src/core/assert.ts";
import { idFromSeq, seqFromId } from "../../src/core/ids.ts";

const SEQ_END = 2 ** 45; // nine digits of five bits
const seq = fc.integer({ min: 0, max: SEQ_END - 1 });
const index = fc.integer({ min: 0, max: 65_535 });

test("ids are prefix, underscore and nine digits of Crockford's base 32", () => {
  assert.equal(idFromSeq("act", 0), "act_000000000");
  assert.equal(idFromSeq("act", 34), "act_000000012");
  assert.equal(idFromSeq("sig", SEQ_END - 1), "sig_zzzzzzzzz");
  assert.equal(idFromSeq("act", 34, 2), "act_000000012.2");
});

test("the sequence is read back from every id, and from no other kind's", () => {
  fc.assert(
    fc.property(seq, index, (value, at) => {
      const id = idFromSeq("run", value, at);
      assert.equal(seqFromId("run", id), value);
      assert.equal(seqFromId("act", id), undefined);
    }),
  );
});

test("ids sort as their sequences do", () => {
  fc.assert(
    fc.property(seq, seq, (a, b) => {
      assert.equal(idFromSeq("act", a) < idFromSeq("act", b), a < b);
    }),
  );
});

test("different sequences or indexes have different ids", () => {
  fc.assert(
    fc.property(seq, index, seq, index, (a, i, b, j) => {
      assert.equal(idFromSeq("act", a, i) === idFromSeq("act", b, j), a === b && i === j);
    }),
  );
});

test("text that no id looks like has no sequence", () => {
  for (const text of [
    "",
    "act",
    "act_",
    "act_00000001",
    "act_0000000012",
    "act_00000001I",
    "act_00000001u",
    "ACT_000000012",
    "act_000000012 ",
    "act_000000012.",
    "act_000000012.0",
    "act_000000012.01",
    "act_000000012.x",
    "act_000000012.1.2",
    "act_000000012.99999999",
    "act_00000001２",
    "run_000000012",
  ]) {
    assert.equal(seqFromId("act", text), undefined, JSON.stringify(text));
  }
});

test("whatever is accepted is written back as it was", () => {
  const digitsLike = fc.string({ unit: fc.constantFrom(..."0129abhiloz._"), maxLength: 14 });
  fc.assert(
    fc.property(digitsLike, (body) => {
      const found = seqFromId("act", `act_${body}`);
      if (found === undefined) return;
      const at = Number(body.split(".")[1] ?? "0");
      assert.equal(idFromSeq("act", found, at), `act_${body}`);
    }),
  );
});

test("a sequence or index that no id can hold is refused, not cut", () => {
  for (const value of [-1, 0.5, Number.NaN, SEQ_END, Number.MAX_SAFE_INTEGER]) {
    assert.throws(() => idFromSeq("act", value), InvariantError, String(value));
  }
  for (const value of [-1, 0.5, Number.NaN, 1_000_000]) {
    assert.throws(() => idFromSeq("act", 1, value), InvariantError, String(value));
  }
});
