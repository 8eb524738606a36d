// The bounded map that forgets what was unused for longest.

import assert from "node:assert/strict";
import { test } from "node:test";
import { RecentMap } from "../../src/core/recent-map.ts";

const entry = (name: string): { name: string } => ({ name });

test("the entry unused for longest leaves first", () => {
  const map = new RecentMap<{ name: string }>(2);
  map.set("a", entry("a"));
  map.set("b", entry("b"));
  assert.equal(map.get("a")?.name, "a");
  assert.equal(map.get("a")?.name, "a");
  map.set("c", entry("c"));
  assert.equal(map.get("b"), undefined);
  assert.equal(map.get("a")?.name, "a");
  assert.equal(map.get("c")?.name, "c");
});

test("what is removed is gone, also when it was the last one used", () => {
  const map = new RecentMap<{ name: string }>(8);
  for (const name of ["a", "b"]) map.set(name, entry(name));
  map.delete("b");
  assert.equal(map.get("b"), undefined);
  assert.equal(map.get("a")?.name, "a");
  map.clear();
  assert.equal(map.get("a"), undefined);
});

test("a key that is set again has its new value", () => {
  const map = new RecentMap<{ name: string }>(8);
  map.set("a", entry("old"));
  map.set("a", entry("new"));
  assert.equal(map.get("a")?.name, "new");
  map.set("", entry("empty"));
  assert.equal(map.get("")?.name, "empty");
});
