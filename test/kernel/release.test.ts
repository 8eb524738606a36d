// Nothing leaves the kernel before it is durable, and nothing at all once an append may have failed.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AppError } from "../../src/core/errors.ts";
import { bundle, Rig, settle } from "./rig.ts";

function watch(promise: Promise<unknown>): { word: string } {
  const seen = { word: "waits" };
  promise.then(
    () => (seen.word = "answered"),
    (error: unknown) => (seen.word = error instanceof AppError ? error.code : "threw"),
  );
  return seen;
}

describe("release", () => {
  it("answers, refuses and tells listeners only once what they saw is durable", async () => {
    const rig = await Rig.open();
    rig.admit("agent:one");
    const heard: number[] = [];
    rig.kernel.onDurable((events) => heard.push(events.length));
    rig.writer.held = true;
    const reply = watch(rig.propose());
    const refusal = watch(rig.ask("cancel-action", { action: "act_000000000", code: "x" }));
    const drained = watch(rig.kernel.drain());
    await settle();
    assert.deepEqual([reply.word, refusal.word, drained.word], ["waits", "waits", "waits"]);
    assert.deepEqual(heard, []);
    rig.writer.end();
    await settle();
    assert.deepEqual([reply.word, refusal.word, drained.word], ["answered", "action-not-cancellable", "answered"]);
    assert.deepEqual(heard, [2]);
  });

  it("hands over at most three batches, collects the next meanwhile, and never splits a command", async () => {
    const rig = await Rig.open();
    rig.admit("agent:one");
    rig.writer.held = true;
    const asked: { word: string }[] = [];
    for (let i = 0; i < 3; i++) {
      asked.push(watch(rig.propose()));
      await settle();
    }
    asked.push(watch(rig.propose()), watch(rig.propose({ kind: "test.free" })));
    await settle();
    assert.equal(rig.writer.waiting.length, 3);
    rig.writer.end();
    await settle();
    assert.deepEqual(
      asked.map(({ word }) => word),
      ["answered", "waits", "waits", "waits", "waits"],
    );
    assert.equal(rig.writer.waiting[2]?.events.length, 4, "both commands that came meanwhile, whole");
    for (let i = 0; i < 3; i++) rig.writer.end();
    await settle();
    assert.ok(asked.every(({ word }) => word === "answered"));
  });

  it("keeps commands whole when a batch is full", async () => {
    const rig = await Rig.open();
    rig.admit("agent:one");
    rig.writer.held = true;
    void rig.propose();
    await settle();
    const waiting = Array.from({ length: 1_500 }, () => rig.propose({ kind: "test.free" }));
    rig.writer.held = false;
    rig.writer.end();
    await Promise.all(waiting);
    const sizes = rig.writer.batches.map((batch) => batch.length);
    assert.deepEqual(sizes.slice(-2), [2_048, 952]);
    for (const batch of rig.writer.batches) assert.equal(batch[0]?.command, batch[0]?.seq);
  });

  it("is poisoned by an append of unknown outcome", async () => {
    const rig = await Rig.open();
    rig.admit("agent:one");
    rig.writer.held = true;
    const heard: number[] = [];
    rig.kernel.onDurable((events) => heard.push(events.length));
    const writing = watch(rig.propose());
    await settle();
    const next = watch(rig.propose());
    await settle();
    rig.writer.end(new Error("the disk did not say"));
    await settle();
    assert.deepEqual([writing.word, next.word], ["commit-unknown", "commit-unknown"]);
    rig.writer.waiting.shift(); // handed over before anybody knew
    assert.deepEqual(
      rig.fatal.map((error) => error.code),
      ["commit-unknown"],
    );
    const later = watch(rig.propose());
    const tick = rig.kernel.tick();
    await settle();
    await tick;
    assert.equal(later.word, "commit-unknown");
    assert.equal(rig.writer.waiting.length, 0, "no further append");
    assert.deepEqual(heard, []);
    assert.equal(rig.fatal.length, 1);
  });

  it("keeps the name of a conflict: another writer is known, not unknown", async () => {
    const rig = await Rig.open();
    rig.admit("agent:one");
    rig.writer.held = true;
    const writing = watch(rig.propose());
    await settle();
    rig.writer.end(new AppError("store-conflict", "somebody else wrote"));
    await settle();
    assert.equal(writing.word, "store-conflict");
  });

  it("stops when a writer ends elsewhere than the batch", async () => {
    const rig = await Rig.open();
    rig.admit("agent:one");
    rig.writer.kept.pop();
    await assert.rejects(rig.propose(), { code: "commit-unknown" });
    assert.equal(rig.fatal.length, 1);
  });

  it("stops at a command that fails half-way: nothing of it becomes durable", async () => {
    const throwing = {
      ...bundle,
      get routes(): never {
        throw new AppError("internal", "after the proposal");
      },
    };
    const rig = await Rig.open({ version: "test/1", policy: () => throwing });
    const before = rig.writer.kept.length;
    await assert.rejects(rig.propose(), { code: "commit-unknown" });
    assert.equal(rig.fatal.length, 1);
    await settle();
    assert.equal(rig.writer.kept.length, before);
  });

  it("refuses more than it can keep waiting, and goes on afterwards", async () => {
    const rig = await Rig.open();
    rig.admit("agent:one");
    rig.writer.held = true;
    void rig.propose();
    const many = Array.from({ length: 19_999 }, () => rig.ask("begin-step", { action: "none" }));
    await assert.rejects(rig.propose(), { code: "overloaded" });
    await settle();
    rig.writer.held = false;
    rig.writer.end();
    await Promise.all(many);
    await rig.propose();
  });
});
