// Which versions of Node.js are new enough.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { NODE_OLDEST, isNodeNewEnough } from "../../scripts/node-version.mjs";

const version = fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99));

test("versions compare part by part, as numbers", () => {
  fc.assert(
    fc.property(version, version, (have, want) => {
      const order = have[0] - want[0] || have[1] - want[1] || have[2] - want[2];
      assert.equal(isNodeNewEnough(`v${have.join(".")}`, want.join(".")), order >= 0);
    }),
  );
});

test("the machine's Node.js 20 is too old, the pinned one is not", () => {
  assert.equal(isNodeNewEnough("v20.20.2"), false);
  assert.equal(isNodeNewEnough("v24.14.1"), false);
  assert.equal(isNodeNewEnough("v24.15.0"), true);
  assert.equal(isNodeNewEnough("v26.10.0"), true);
  assert.equal(isNodeNewEnough("nonsense"), false);
});

test("package.json, the scripts and the pinned version agree", () => {
  const text = readFileSync(join(import.meta.dirname, "..", "..", "package.json"), "utf8");
  const { engines, devDependencies } = JSON.parse(text) as {
    engines: { node: string };
    devDependencies: { node: string };
  };
  assert.ok(NODE_OLDEST.startsWith(engines.node.replace(">=", "")));
  assert.ok(isNodeNewEnough(devDependencies.node));
});
