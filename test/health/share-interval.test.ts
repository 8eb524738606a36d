// The interval of a share: it holds the true one at every look at once, and narrows as requests come.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { shareInterval } from "../../src/adapters/health/share-interval.ts";

/** xorshift32, between 0 and 1. */
function random(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

describe("the interval of a share", () => {
  it("leaves the true share out in fewer runs than the error says, though looked at after every tenth request", () => {
    const runs = 600;
    for (const truth of [0.002, 0.05, 0.5]) {
      const next = random(20_261_121);
      let wrong = 0;
      for (let run = 0; run < runs; run++) {
        let bad = 0;
        for (let all = 1; all <= 1_000; all++) {
          if (next() < truth) bad++;
          if (all % 10 !== 0) continue;
          const { low, high } = shareInterval({ bad, all }, 0.05);
          if (truth >= low && truth <= high) continue;
          wrong++;
          break;
        }
      }
      assert.ok(wrong <= 0.05 * runs, `${truth}: ${wrong} of ${runs}`);
    }
  });

  it("would be left by an interval for one look only", () => {
    const runs = 600;
    const next = random(20_261_121);
    let wrong = 0;
    for (let run = 0; run < runs; run++) {
      let bad = 0;
      for (let all = 1; all <= 1_000; all++) {
        if (next() < 0.5) bad++;
        const half = 1.96 * Math.sqrt(0.25 / all);
        if (all < 30 || all % 10 !== 0 || Math.abs(bad / all - 0.5) <= half) continue;
        wrong++;
        break;
      }
    }
    assert.ok(wrong > 0.1 * runs, `${wrong} of ${runs}: looking again and again is no problem after all`);
  });

  it("holds what was seen, narrows, and says nothing of nothing", () => {
    assert.deepEqual(shareInterval({ bad: 0, all: 0 }, 0.05), { low: 0, high: 1 });
    let width = 1;
    for (const all of [10, 100, 1_000, 100_000, 10_000_000]) {
      const { low, high } = shareInterval({ bad: all / 10, all }, 0.05);
      assert.ok(low < 0.1 && high > 0.1 && high - low < width, JSON.stringify({ all, low, high }));
      width = high - low;
    }
    assert.equal(shareInterval({ bad: 0, all: 500 }, 0.05).low, 0);
    assert.equal(shareInterval({ bad: 500, all: 500 }, 0.05).high, 1);
  });

  it("is Robbins' own: where the mixture's Bayes factor is 1/error", () => {
    // Of nothing bad in n: (n+1) (1-p)^n = error, solved by hand.
    const { high } = shareInterval({ bad: 0, all: 99 }, 0.05);
    assert.ok(Math.abs(high - (1 - (0.05 / 100) ** (1 / 99))) < 1e-9, String(high));
  });
});
