// Many pieces of one request leave the thread free between any two, and what is the same is read once.

import assert from "node:assert/strict";
import { it } from "node:test";
import { SameCalls } from "../../src/http/access-plans.ts";
import { inTurn } from "../../src/http/in-turn.ts";

it("whatever else has come is done between any two pieces, and results stand in order", async () => {
  let others = 0;
  let isOver = false;
  const other = (): void => {
    others++;
    if (!isOver) setImmediate(other);
  };
  setImmediate(other);
  const seen: number[] = [];
  const one = async (item: number): Promise<number> => {
    seen.push(others);
    await Promise.resolve();
    return item * 2;
  };
  const results = await inTurn({ items: [1, 2, 3, 4], one, isLast: () => false });
  isOver = true;
  assert.deepEqual(results, [2, 4, 6, 8]);
  for (const [at, before] of seen.entries()) if (at > 0) assert.ok(before > (seen[at - 1] ?? 0), seen.join(" "));
});

it("what follows the last one is not begun", async () => {
  const begun: number[] = [];
  const one = (item: number): Promise<number> => Promise.resolve(begun.push(item) && item);
  assert.deepEqual(await inTurn({ items: [1, 2, 3], one, isLast: (result) => result === 2 }), [1, 2]);
  assert.deepEqual(begun, [1, 2]);
});

it("calls of the very same members are read once, and any other member makes another call", async () => {
  const same = new SameCalls<number>();
  let made = 0;
  const read = (item: Record<string, unknown>): Promise<number> => same.of(item, () => Promise.resolve(++made));
  const defaults = { subject: {}, action: {}, resource: {} };
  assert.deepEqual([await read({ ...defaults }), await read({ ...defaults, noted: 1 })], [1, 1]);
  for (const [at, name] of ["subject", "action", "resource", "context"].entries())
    assert.equal(await read({ ...defaults, [name]: {} }), at + 2, name);
  assert.equal(await read(defaults), 1);
});
