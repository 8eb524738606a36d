// Proposed policies: many of them neither pile up nor push out the one that waits for its approval.

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadBundle } from "../../src/policy/load.ts";
import { engineWith } from "../history/fixed-policy.ts";
import { Recorder } from "../history/recorder.ts";

const BUNDLES = Array.from({ length: 200 }, (_, i) => i.toString(16).padStart(64, "0"));

function proposed(recorder: Recorder, bundleHash: string, actor = "agent:mallory"): string | undefined {
  const input = { bundleHash, mode: "governed", person: null, requestHash: bundleHash } as const;
  return recorder.submit({ type: "propose-policy", actor, input })?.subject;
}

function started(): Recorder {
  const recorder = new Recorder(engineWith("test", BUNDLES));
  const [first = ""] = BUNDLES;
  const input = { bundleHash: first, mode: "file", person: null, requestHash: first } as const;
  recorder.submit({ type: "propose-policy", actor: "system:kernel", input });
  return recorder;
}

test("a flood of proposed bundles leaves the one that waits approvable", () => {
  const recorder = started();
  const [, honest = "", ...others] = BUNDLES;
  const action = proposed(recorder, honest, "person:ada") ?? "";
  const taken = others.filter((bundle) => proposed(recorder, bundle) !== undefined);
  assert.ok(taken.length < 32, `${taken.length} were taken`);
  const bob = { id: "person:bob", kind: "person", person: "bob", roles: ["admin"], owner: null, models: [] } as const;
  const given = { answerer: bob, proposer: { owner: null, models: [] }, present: [] };
  const answer = { action, decision: "approve", planHash: honest, ...given } as const;
  const reply = recorder.submit({ type: "answer-hold", actor: "person:bob", input: answer });
  assert.equal(reply?.result, "succeeded");
  assert.equal(recorder.state.bundleHash, honest);
});

test("a bundle that waits already is not proposed again", () => {
  const recorder = started();
  const before = proposed(recorder, BUNDLES[1] ?? "");
  const events = recorder.groups.flat().length;
  assert.equal(proposed(recorder, BUNDLES[1] ?? "", "agent:other"), before);
  assert.equal(recorder.groups.flat().length, events);
});

test("a mapping of very many keys is refused like a short one", () => {
  const keys = Array.from({ length: 40_000 }, (_, i) => `k${i.toString(36)}:\n`).join("");
  const { bundle, problems } = loadBundle([{ path: "a.yaml", text: keys }]);
  assert.equal(bundle, null);
  assert.match(problems[0]?.message ?? "", /unknown field/);
});
