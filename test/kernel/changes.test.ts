// Taking back what cannot tell what changed since: never over a later change that was made here.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import type { CommandInputs } from "../../src/kernel/command.ts";
import { LIMITS } from "../../src/kernel/limits.ts";
import { assertReplays } from "./alerts.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

const INVERSE = { kind: "test.undo", repeat: "idempotent", hash: hash("sha256", "inverse"), blind: true } as const;

type Of = Partial<CommandInputs["propose-action"]>;

async function opened(): Promise<Rig> {
  const rig = await Rig.open();
  await rig.register("agent:one"); // by the real way: what is recorded is decided again
  return rig;
}

async function begun(rig: Rig, of: Of): Promise<string> {
  const { subject: id } = await rig.propose(of);
  assert.equal((await rig.begin(id)).result, "started", JSON.stringify(rig.action(id).verdicts));
  return id;
}

async function done(rig: Rig, of: Of = {}): Promise<string> {
  const id = await begun(rig, { kind: "test.checked", ...of });
  await rig.finish(id, "succeeded");
  return id;
}

/** It fails its checks, and what takes it back is about to begin. */
async function takenBack(rig: Rig, id: string): Promise<{ readonly revert: string; readonly result: string }> {
  for (let sample = 1; sample <= 2; sample++) {
    await rig.ask("report-health", { action: id, sample, result: "fail", failed: ["front"] });
  }
  const revert = [...rig.state.reverts].find(([, of]) => of === id)?.[0] ?? "";
  await rig.plan(revert);
  return { revert, result: (await rig.begin(revert)).result };
}

/** What happens between the end of the change and its taking back. */
type Meanwhile = (rig: Rig) => Promise<unknown>;

async function after(meanwhile: Meanwhile, inverse: Of["inverse"] = INVERSE): Promise<{ rig: Rig; result: string }> {
  const rig = await opened();
  const id = await done(rig, { inverse, resource: "flags" });
  await meanwhile(rig);
  const { result } = await takenBack(rig, id);
  assertReplays(rig);
  return { rig, result };
}

describe("what cannot tell what changed since", () => {
  it("is not taken back over a later change of its target: it is left to people, and the service closed", async () => {
    const { rig, result } = await after((at) => done(at, { resource: "flags", requestHash: "later" }));
    assert.equal(result, "refused");
    assert.equal(rig.all("action.refused").at(-1)?.facts.code, "target-moved");
    assert.equal(rig.all("action.completed").at(-1)?.facts.code, "revert-failed");
    assert.equal(rig.state.blocked.size, 1);
  });

  it("nor over one that is under way, may have taken effect, or is of the service as a whole", async () => {
    const underWay = await after((at) => begun(at, { kind: "test.checked", resource: "flags" }));
    const unknown = await after(async (at) => {
      const id = await begun(at, { kind: "test.checked", resource: "flags", repeat: "neither" });
      await at.finish(id, "unknown");
    });
    const whole = await after((at) => done(at, { resource: null }));
    const named = await after((at) => done(at, { resource: "limits" }));
    const undo = await after((at) => begun(at, { kind: "test.free", resource: "flags" }), {
      ...INVERSE,
      kind: "test.free",
    });
    const once = await after((at) => begun(at, { kind: "test.free", resource: "flags" }), {
      ...INVERSE,
      kind: "test.free-once",
    });
    assert.deepEqual(
      [underWay, unknown, whole, named, undo, once].map(({ result }) => result),
      Array(6).fill("refused"),
    );
  });

  it("is taken back where the later change is of something else, had no effect, or was taken back itself", async () => {
    const results = [
      await after(() => Promise.resolve()),
      await after((at) => done(at, { resource: "flags", service: "search" })),
      await after((at) => begun(at, { kind: "test.free", resource: "flags" })),
      await after(async (at) => at.finish(await begun(at, { kind: "test.checked", resource: "flags" }), "failed")),
      await after(async (at) => {
        const { revert } = await takenBack(at, await done(at, { resource: "flags", inverse: INVERSE }));
        await at.finish(revert, "succeeded");
      }),
    ];
    assert.deepEqual(
      results.map(({ result }) => result),
      Array(5).fill("started"),
    );
  });

  it("and what can tell looks for itself", async () => {
    const { blind: _blind, ...seeing } = INVERSE;
    const { result } = await after((at) => done(at, { resource: "flags" }), seeing);
    assert.equal(result, "started");
  });

  it("is held to the same where a person asks for it, and goes once the later one is undone", async () => {
    const rig = await opened();
    const [first, second] = [await done(rig, { kind: "test.free" }), await done(rig, { kind: "test.free" })];
    const undoing = async (undoes: string): Promise<string> => {
      const asked = { kind: "test.free", agentKind: "person", person: "ada", blind: true, undoes } as const;
      const { subject } = await rig.propose(asked, "person:ada");
      const { result } = await rig.begin(subject);
      if (result === "started") await rig.finish(subject, "succeeded");
      return result;
    };
    assert.equal(await undoing(first), "refused");
    assert.equal(await undoing(second), "started");
    assert.equal(await undoing(first), "started");
    assert.equal(await undoing("act_0000000zz"), "refused", "nobody knows what came after it");
  });

  it("is not tried again over a change that came between two attempts, whatever the first one did", async () => {
    for (const [attempt, result, code] of [
      ["retry", "refused", "revert-failed"],
      ["unknown", "needs-attention", "unsettled"],
    ] as const) {
      const rig = await opened();
      const { revert, result: first } = await takenBack(rig, await done(rig, { inverse: INVERSE, resource: "flags" }));
      assert.equal(first, "started");
      assert.equal((await rig.finish(revert, attempt)).result, "retrying");
      await done(rig, { resource: "flags", requestHash: "later" });
      rig.pass(MINUTE_MS / 2);
      assert.equal((await rig.begin(revert)).result, result);
      assert.ok(rig.all("action.completed").some(({ facts }) => facts.code === code));
      assert.equal(rig.state.blocked.size, 1);
      assertReplays(rig);
    }
  });

  it("nor over a change that began earlier and took effect later: each of its calls counts", async () => {
    for (const attempt of ["retry", "unknown"] as const) {
      const rig = await opened();
      const earlier = await begun(rig, { kind: "test.checked", resource: "flags", requestHash: "earlier" });
      assert.equal((await rig.finish(earlier, attempt)).result, "retrying");
      const id = await done(rig, { inverse: INVERSE, resource: "flags" });
      rig.pass(MINUTE_MS / 2);
      assert.equal((await rig.begin(earlier)).result, "started");
      await rig.finish(earlier, "succeeded");
      assert.equal((await takenBack(rig, id)).result, "refused");
      assertReplays(rig);
    }
  });

  it("is tried as long as there is a right to it where nothing was called, and then left to people", async () => {
    const rig = await opened();
    const { revert } = await takenBack(rig, await done(rig, { inverse: INVERSE }));
    await rig.ask("finish-step", {
      action: revert,
      attempt: 1,
      status: "failed",
      code: "credential-missing",
      afterMs: 0,
    });
    let tries = 1;
    for (; rig.state.actions.has(revert); tries++) {
      rig.pass(MINUTE_MS / 2);
      if ((await rig.begin(revert)).result === "started") await rig.finish(revert, "retry");
    }
    assert.ok(tries > LIMITS.stepAttemptsMax, `${tries} tries`);
    assert.equal(rig.all("action.expired").at(-1)?.subject, revert);
    assert.equal(rig.state.blocked.size, 1);
    assertReplays(rig);
  });

  it("is tried as long as there is a right to it also where nobody saw what its calls did, and then left to people", async () => {
    const rig = await opened();
    const { revert } = await takenBack(rig, await done(rig, { inverse: INVERSE }));
    let tries = 0;
    for (; rig.state.actions.has(revert); tries++) {
      const status = tries % 2 === 0 ? "unknown" : "partial";
      const step = { action: revert, attempt: rig.action(revert).attempt, status, code: "", afterMs: 1_000 } as const;
      assert.equal((await rig.ask("finish-step", step)).result, "retrying");
      rig.pass(MINUTE_MS / 2);
      await rig.begin(revert);
    }
    assert.ok(tries > LIMITS.stepAttemptsMax, `${tries} tries`);
    assert.equal(rig.all("action.completed").find(({ subject }) => subject === revert)?.facts.code, "unsettled");
    assert.equal(rig.state.blocked.size, 1);
    assertReplays(rig);
  });

  it("what takes something back is stopped by no agent, whatever scopes it has: only by a person", async () => {
    const rig = await opened();
    const { revert } = await takenBack(rig, await done(rig, { inverse: INVERSE }));
    const { id: grant } = rig.action(revert).grant ?? assert.fail();
    for (const by of ["agent:one", "agent:two"]) {
      await assert.rejects(rig.ask("revoke-grant", { grant }, by), { code: "scope-insufficient" });
    }
    await rig.finish(revert, "retry");
    await assert.rejects(rig.ask("revoke-grant", { grant }, "agent:one"), { code: "scope-insufficient" });
    assert.equal((await rig.ask("revoke-grant", { grant }, "person:ada")).result, "cancelled");
    const second = await done(rig, { inverse: INVERSE, service: "search" });
    for (let sample = 1; sample <= 2; sample++) {
      await rig.ask("report-health", { action: second, sample, result: "fail", failed: ["front"] });
    }
    const cancel = { action: [...rig.state.reverts].find(([, of]) => of === second)?.[0] ?? "", code: "x" };
    await assert.rejects(rig.ask("cancel-action", cancel, "agent:one"), { code: "scope-insufficient" });
    assert.equal((await rig.ask("cancel-action", cancel, "person:ada")).result, "cancelled");
    assertReplays(rig);
  });

  it("is not taken back where later changes pushed it out of memory", async () => {
    const { rig, result } = await after(async (at) => {
      for (let i = 0; i <= LIMITS.changesMax; i++) await done(at, { kind: "test.free", resource: `other-${i}` });
    });
    assert.equal(result, "refused");
    assert.equal(rig.state.changes.get("production|cart")?.length, LIMITS.changesMax);
  });
});
