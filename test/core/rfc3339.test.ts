// Reading RFC 3339 instants without Date, held to Date.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { instantFromRfc3339 } from "../../src/core/rfc3339.ts";

const EARLIEST = Date.parse("0001-01-01T00:00:00Z");
const LATEST = Date.parse("9999-12-31T23:59:59.999Z");

test("every instant that Date writes is read back to the millisecond", () => {
  fc.assert(
    fc.property(fc.integer({ min: EARLIEST, max: LATEST }), (ms) => {
      assert.equal(instantFromRfc3339(new Date(ms).toISOString()), ms);
    }),
    { numRuns: 2000 },
  );
});

test("offsets shift the instant as Date shifts it", () => {
  const two = (n: number): string => String(n).padStart(2, "0");
  fc.assert(
    fc.property(
      fc.integer({ min: EARLIEST + 86_400_000, max: LATEST - 86_400_000 }),
      fc.integer({ min: 0, max: 23 }),
      fc.integer({ min: 0, max: 59 }),
      fc.constantFrom("+", "-"),
      (ms, hour, minute, sign) => {
        const text = new Date(ms).toISOString().replace("Z", `${sign}${two(hour)}:${two(minute)}`);
        assert.equal(instantFromRfc3339(text), Date.parse(text), text);
      },
    ),
    { numRuns: 2000 },
  );
});

test("digits below the millisecond are cut off, never rounded up", () => {
  assert.equal(instantFromRfc3339("1970-01-01T00:00:00.999999999Z"), 999);
  assert.equal(instantFromRfc3339("1970-01-01T00:00:01.5Z"), 1500);
  assert.equal(instantFromRfc3339("1969-12-31T23:59:59.9999Z"), -1);
  assert.equal(instantFromRfc3339("1970-01-01t00:00:00z"), 0);
});

test("dates that do not exist, leap seconds and other spellings are refused", () => {
  const refused = [
    "",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-00-10T00:00:00Z",
    "2026-13-10T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-04-00T00:00:00Z",
    "2026-04-10T24:00:00Z",
    "2026-04-10T23:60:00Z",
    "2016-12-31T23:59:60Z",
    "2026-04-10T00:00:00+24:00",
    "2026-04-10T00:00:00+01:60",
    "2026-04-10T00:00:00",
    "2026-04-10 00:00:00Z",
    "2026-04-10T00:00:00.Z",
    "2026-04-10T00:00:00.0000000001Z",
    "+002026-04-10T00:00:00Z",
    "2026-04-10T00:00:00Z\n",
    " 2026-04-10T00:00:00Z",
    "٢٠٢٦-04-10T00:00:00Z",
    "2026-4-1T00:00:00Z",
  ];
  for (const text of refused) assert.equal(instantFromRfc3339(text), undefined, JSON.stringify(text));
  assert.equal(instantFromRfc3339("2000-02-29T00:00:00Z"), Date.parse("2000-02-29T00:00:00Z"));
});

test("no text makes the reader throw or answer anything but a whole number", () => {
  const digitsLike = fc.string({ unit: fc.constantFrom(..."0123456789-:TZtz+. "), maxLength: 40 });
  fc.assert(
    fc.property(fc.oneof(fc.string(), digitsLike), (text) => {
      const instant = instantFromRfc3339(text);
      assert.ok(instant === undefined || Number.isSafeInteger(instant));
    }),
    { numRuns: 2000 },
  );
});
