// Stop reports: what a pause found in flight, how each of that ended, and how soon, from recorded facts.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CommandInputs } from "../../src/kernel/command.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

const NONE = { stopped: 0, finished: 0, partial: 0, unconfirmed: 0 };

async function running(rig: Rig, of: Partial<CommandInputs["propose-action"]> = {}): Promise<string> {
  const { subject } = await rig.propose({ kind: "test.free", ...of });
  await rig.begin(subject);
  return subject;
}

async function pause(rig: Rig, scope: object = {}): Promise<string> {
  return (await rig.ask("apply-brake", { mode: "pause", scope })).subject;
}

function finish(rig: Rig, action: string, of: Partial<CommandInputs["finish-step"]>) {
  const { attempt } = rig.action(action);
  return rig.ask("finish-step", { action, attempt, status: "unknown", code: "test", afterMs: 0, ...of });
}

describe("the report of a pause", () => {
  it("says at once that nothing was in flight", async () => {
    const rig = await Rig.open();
    const granted = (await rig.propose({ kind: "test.free" })).subject;
    const brake = await pause(rig);
    const applied = rig.last("brake.applied", brake);
    assert.deepEqual([applied.inFlight, applied.waiting, applied.counts.granted], [[], [granted], 1]);
    const { ends, open, propagationMs } = rig.last("brake.reported", brake);
    assert.deepEqual({ ends, open, propagationMs }, { ends: NONE, open: 0, propagationMs: 0 });
  });

  it("tells what had no effect, what took it, what did in part, and what nobody could tell", async () => {
    const rig = await Rig.open();
    const [stopped, finished, partial, unclear, elsewhere] = [
      await running(rig),
      await running(rig),
      await running(rig),
      await running(rig),
      await running(rig, { service: "search" }),
    ];
    const brake = await pause(rig, { service: "cart" });
    assert.deepEqual(rig.last("brake.applied", brake).inFlight, [stopped, finished, partial, unclear]);
    await finish(rig, stopped, { status: "retry", sinceStopMs: 4 });
    await finish(rig, elsewhere, { status: "succeeded" });
    await finish(rig, finished, { status: "succeeded", sinceStopMs: 9 });
    await finish(rig, partial, { status: "partial", sinceStopMs: 5 });
    assert.deepEqual(rig.all("brake.reported"), [], "one is open");
    await finish(rig, unclear, { sinceStopMs: 7 });
    const { ends, open, propagationMs, clock } = rig.last("brake.reported", brake);
    assert.deepEqual(ends, { stopped: 1, finished: 1, partial: 1, unconfirmed: 1 });
    assert.deepEqual({ open, propagationMs, clock }, { open: 0, propagationMs: 9, clock: "monotonic" });
    assert.deepEqual(rig.last("step.finished", stopped).stops, [{ brake, end: "stopped", afterMs: 4, clock }]);
    assert.equal(rig.last("step.finished", elsewhere).stops, undefined);
  });

  it("waits for the target's word on a step that cannot be repeated", async () => {
    const rig = await Rig.open();
    const asked = await running(rig, { repeat: "neither" });
    const brake = await pause(rig);
    await finish(rig, asked, { sinceStopMs: 3 });
    assert.deepEqual([rig.action(asked).status, rig.all("brake.reported").length], ["reconciling", 0]);
    await rig.reconcile(asked, "unclear", 1_000);
    assert.equal(rig.all("brake.reported").length, 0, "it may still say");
    rig.pass(2_000);
    await rig.ask("reconcile-step", { action: asked, attempt: 1, status: "absent", afterMs: 0, sinceStopMs: 2_004 });
    const { ends, propagationMs } = rig.last("brake.reported", brake);
    assert.deepEqual([ends, propagationMs], [{ ...NONE, stopped: 1 }, 2_004]);
  });

  it("an attempt without effect does not vouch for one before it", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose({ kind: "test.free" });
    await rig.begin(subject);
    await rig.finish(subject, "unknown");
    rig.pass(2_000);
    await rig.begin(subject);
    const brake = await pause(rig);
    await finish(rig, subject, { status: "retry", sinceStopMs: 1 });
    assert.deepEqual(rig.last("brake.reported", brake).ends, { ...NONE, unconfirmed: 1 });
  });

  it("after a restart the times of the events have to do, and it says so", async () => {
    const rig = await Rig.open();
    const asked = await running(rig);
    const brake = await pause(rig);
    rig.pass(1_500);
    await rig.reconcile(asked, "happened");
    const { ends, propagationMs, clock } = rig.last("brake.reported", brake);
    assert.deepEqual([ends, propagationMs, clock], [{ ...NONE, finished: 1 }, 1_500, "ledger"]);
  });

  it("is given after five minutes, or when the brake goes, with what is open; the rest stands on its action", async () => {
    const rig = await Rig.open();
    const [one, other] = [await running(rig), await running(rig, { service: "search" })];
    const late = await pause(rig, { service: "cart" });
    const lifted = await pause(rig, { service: "search" });
    const asked = await rig.ask("release-brake", { brake: lifted, person: "ben", requestHash: "r" }, "person:ben");
    await rig.answer(asked.subject, { roles: ["owner"] });
    assert.deepEqual(
      [rig.last("brake.reported", lifted).open, rig.last("brake.reported", lifted).propagationMs],
      [1, null],
    );
    await rig.passAndTick(5 * MINUTE_MS);
    assert.equal(rig.last("brake.reported", late).open, 1);
    await finish(rig, one, { status: "succeeded", sinceStopMs: 300_000 });
    await finish(rig, other, { status: "succeeded" });
    assert.equal(rig.all("brake.reported").length, 2, "each pause is reported once");
    assert.equal(rig.last("step.finished", one).stops?.[0]?.end, "finished");
    assert.equal(rig.last("step.finished", other).stops, undefined, "its brake is gone");
  });

  it("a step that began after a brake was lifted is none of its business", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose({ kind: "test.free" });
    await rig.begin(subject);
    const first = await pause(rig);
    const asked = await rig.ask("release-brake", { brake: first, person: "ben", requestHash: "r" }, "person:ben");
    await rig.answer(asked.subject, { roles: ["owner"] });
    await rig.finish(subject, "retry");
    rig.pass(2_000);
    await rig.begin(subject);
    const [one, two] = [await pause(rig), await pause(rig, { kind: "test.*" })];
    await finish(rig, subject, { status: "succeeded", sinceStopMs: 2 });
    assert.deepEqual(
      rig.last("step.finished", subject).stops?.map(({ brake }) => brake),
      [one, two],
    );
  });

  it("a dry run lets what runs go on and reports nothing", async () => {
    const rig = await Rig.open();
    const asked = await running(rig);
    const applied = await rig.ask("apply-brake", { mode: "dry-run", scope: {} });
    assert.deepEqual(rig.last("brake.applied", applied.subject).inFlight, [asked]);
    await rig.finish(asked, "succeeded");
    assert.equal(rig.last("step.finished", asked).stops, undefined);
    assert.deepEqual(rig.all("brake.reported"), []);
  });
});
