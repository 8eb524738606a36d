// Ids remembered until they expire: bounds, restarts, torn files.

import assert from "node:assert/strict";
import { appendFileSync, chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ExpiringSet } from "../../src/adapters/identity/expiring-set.ts";
import { isAppError } from "../../src/core/errors.ts";
import { temporaryFolder, TestClock } from "./fixture.ts";

const SECOND = 1000;

function openSet(dir: string, clock: TestClock, bounds = { idsMax: 10, groupIdsMax: 5 }): ExpiringSet {
  return new ExpiringSet({ path: join(dir, "set"), clock, ...bounds });
}

test("an id is added once, and a group's ids are its own", (t) => {
  const clock = new TestClock();
  const set = openSet(temporaryFolder(t), clock);
  assert.equal(set.add("a", "1", clock.nowMs() + SECOND), "added");
  assert.equal(set.add("a", "1", clock.nowMs() + SECOND), "present");
  assert.equal(set.add("b", "1", clock.nowMs() + SECOND), "added");
  assert.ok(!set.has("a", "2"));
});

test("a full group, and a full set, take no more until ids have expired", (t) => {
  const clock = new TestClock();
  const set = openSet(temporaryFolder(t), clock);
  for (let i = 0; i < 5; i++) assert.equal(set.add("a", String(i), clock.nowMs() + SECOND), "added");
  assert.equal(set.add("a", "5", clock.nowMs() + SECOND), "full");
  for (let i = 0; i < 5; i++) assert.equal(set.add("b", String(i), clock.nowMs() + SECOND), "added");
  assert.equal(set.add("c", "0", clock.nowMs() + SECOND), "full");
  assert.ok(set.has("a", "0"));
  clock.advance(62 * SECOND);
  assert.equal(set.add("c", "0", clock.nowMs() + SECOND), "added");
  assert.ok(!set.has("a", "0"));
});

test("an id is kept a minute beyond its expiry, so that a clock set back revives none", (t) => {
  const dir = temporaryFolder(t);
  const clock = new TestClock();
  openSet(dir, clock).add("a", "1", clock.nowMs() + SECOND);
  clock.advance(60 * SECOND);
  assert.ok(openSet(dir, clock).has("a", "1"));
  clock.advance(SECOND);
  assert.ok(!openSet(dir, clock).has("a", "1"));
});

test("every id outlives a restart, whatever it is made of", (t) => {
  const dir = temporaryFolder(t);
  const clock = new TestClock();
  const ids = ["plain", 'quo"te', "line\nfeed", "nul\0", "__proto__", "é", "\u2028", "]"];
  const set = openSet(dir, clock, { idsMax: 100, groupIdsMax: 100 });
  for (const id of ids) assert.equal(set.add("a", id, clock.nowMs() + SECOND), "added");
  const again = openSet(dir, clock, { idsMax: 100, groupIdsMax: 100 });
  for (const id of ids) assert.equal(again.add("a", id, clock.nowMs() + SECOND), "present", id);
  assert.equal(statSync(join(dir, "set")).mode & 0o777, 0o600);
});

test("a torn last line is an add that never returned; damage anywhere else stops the start", (t) => {
  const dir = temporaryFolder(t);
  const clock = new TestClock();
  openSet(dir, clock).add("a", "1", clock.nowMs() + SECOND);
  appendFileSync(join(dir, "set"), '["a","2",17');
  const set = openSet(dir, clock);
  assert.ok(set.has("a", "1"));
  assert.equal(set.add("a", "3", clock.nowMs() + SECOND), "added");
  assert.ok(openSet(dir, clock).has("a", "3"));
  const whole = readFileSync(join(dir, "set"), "utf8");
  for (const damage of [`{}\n${whole}`, `\n${whole}`, `["a",1,2]\n${whole}`, `["a","1"\n${whole}`]) {
    writeFileSync(join(dir, "set"), damage);
    assert.throws(
      () => openSet(dir, clock),
      (error) => isAppError(error, "config-invalid"),
    );
  }
});

test("an id that cannot be written is not taken, and the set goes on once it can be", (t) => {
  const dir = temporaryFolder(t);
  const clock = new TestClock();
  const set = openSet(dir, clock);
  const path = join(dir, "set");
  rmSync(path);
  mkdirSync(path);
  assert.throws(
    () => set.add("a", "1", clock.nowMs() + SECOND),
    (error) => isAppError(error, "store-unavailable"),
  );
  assert.ok(!set.has("a", "1"));
  rmSync(path, { recursive: true });
  assert.equal(set.add("a", "1", clock.nowMs() + SECOND), "added");
  assert.ok(openSet(dir, clock).has("a", "1"));
  chmodSync(path, 0o600);
});

test("the file does not grow without end", (t) => {
  const dir = temporaryFolder(t);
  const clock = new TestClock();
  const path = join(dir, "set");
  const line = `${JSON.stringify(["a", "old", clock.nowMs() + SECOND])}\n`;
  const set = openSet(dir, clock);
  let largest = 0;
  for (let i = 0; i < 1200; i++) {
    assert.equal(set.add("a", `id${i}`, clock.nowMs() + SECOND), "added");
    clock.advance(62 * SECOND);
    largest = Math.max(largest, statSync(path).size);
  }
  assert.ok(largest < 1100 * line.length * 2);
});
