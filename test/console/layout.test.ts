// Where the nodes of a drawn graph stand.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { layOut } from "../../src/console/model/layout.ts";

describe("the drawing of a graph", () => {
  it("has users left and what is used right, whatever goes around in circles", () => {
    const edges = [
      { from: "a", to: "b" },
      { from: "b", to: "c" },
      { from: "c", to: "a" },
      { from: "b", to: "b" },
      { from: "b", to: "elsewhere" },
    ];
    const { places, leftOut } = layOut("b", ["c", "a", "b", "alone"], edges);
    const x = (id: string): number => places.get(id)?.x ?? Number.NaN;
    assert.ok(x("a") < x("b") && x("b") < x("c") && x("c") < x("alone"));
    assert.deepEqual([places.size, leftOut], [4, 0]);
  });

  it("stays readable however much there is, and counts what it leaves out", () => {
    const names = Array.from({ length: 2_000 }, (_, i) => `n${i}`);
    const edges = names.slice(1).map((name, i) => ({ from: i % 3 === 0 ? name : "n0", to: i % 3 === 0 ? "n0" : name }));
    const { places, leftOut } = layOut("n0", names, edges);
    assert.ok(places.has("n0") && places.size <= 150);
    assert.equal(places.size + leftOut, names.length);
    const spots = new Set([...places.values()].map(({ x, y }) => `${x} ${y}`));
    assert.equal(spots.size, places.size, "no two stand in one place");
    const { width, height } = layOut("gone", [], []);
    assert.deepEqual([width, height], [0, 0]);
  });
});
