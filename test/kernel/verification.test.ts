// Health after an action: what counts as done, what is taken back, and what is left to people.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import { AppError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { CommandInputs } from "../../src/kernel/command.ts";
import type { KernelEvent } from "../../src/kernel/events.ts";
import { LIMITS, TERMS } from "../../src/kernel/limits.ts";
import { applyDomainReleased, closedDomains } from "../../src/kernel/reducers/verification.ts";
import { KERNEL_KINDS } from "../../src/wire/schemas/kernel-kinds.ts";
import type { HealthResult } from "../../src/wire/types/health.ts";
import { assertReplays } from "./alerts.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

const INVERSE = { kind: "test.undo", repeat: "idempotent", hash: hash("sha256", "inverse") } as const;

async function verifying(of: Partial<CommandInputs["propose-action"]> = { inverse: INVERSE }) {
  const rig = await Rig.open();
  await rig.register("agent:one"); // by the real way: what is recorded is decided again
  const { subject: id } = await rig.propose({ kind: "test.checked", ...of });
  await rig.begin(id);
  assert.equal((await rig.finish(id, "succeeded")).result, "verifying");
  return { rig, id };
}

function report(rig: Rig, id: string, result: HealthResult) {
  const sample = (rig.action(id).verifying?.sample ?? 0) + 1;
  return rig.ask("report-health", { action: id, sample, result, failed: result === "pass" ? [] : ["front"] });
}

/** The revert that is owed, planned as effects do. */
async function planRevert(rig: Rig): Promise<string> {
  const [revert] = [...rig.state.reverts.keys()];
  assert.ok(revert !== undefined);
  assert.equal((await rig.plan(revert)).result, "granted");
  return revert;
}

describe("an action with checks", () => {
  it("is done only when enough samples in a row have passed", async () => {
    const { rig, id } = await verifying();
    assert.equal((await report(rig, id, "pass")).result, "verifying");
    assert.equal((await report(rig, id, "fail")).result, "verifying", "one failure of two is borne");
    await report(rig, id, "pass");
    await report(rig, id, "pass");
    assert.equal((await report(rig, id, "pass")).result, "succeeded");
    assert.deepEqual(rig.last("action.verified", id), { samples: 5 });
    assertReplays(rig);
  });

  it("waits before the first sample and between samples", async () => {
    const { rig, id } = await verifying();
    assert.equal(rig.action(id).verifying?.nextAt, rig.state.time + 10_000);
    rig.pass(10_000);
    await report(rig, id, "pass");
    assert.equal(rig.action(id).verifying?.nextAt, rig.nowMs + 5_000);
  });

  it("counts a sample once, whoever reports it again", async () => {
    const { rig, id } = await verifying();
    const input = { action: id, sample: 1, result: "pass", failed: [] } as const;
    await rig.ask("report-health", input);
    assert.equal((await rig.ask("report-health", input)).repeated, true);
    assert.equal((await rig.ask("report-health", { ...input, sample: 7 })).repeated, true);
    assert.equal(rig.action(id).verifying?.passes, 1);
  });

  it("that fails is taken back under the grant that came with it", async () => {
    const { rig, id } = await verifying();
    await report(rig, id, "fail");
    assert.equal((await report(rig, id, "fail")).result, "reverting");
    const revert = await planRevert(rig);
    const { code, grant } = rig.last("action.reverting", id);
    assert.equal(code, "unhealthy");
    assert.equal(rig.last("action.granted", id).revertGrant, grant);
    assert.equal(rig.last("action.granted", revert).grant, grant);
    assert.equal(rig.last("action.granted", revert).expiresAt, rig.last("action.granted", id).expiresAt);
    assert.equal(rig.action(revert).requestHash, INVERSE.hash);
    await rig.begin(revert);
    await rig.finish(revert, "succeeded");
    assert.equal(rig.all("action.reverted").at(-1)?.subject, id);
    assert.equal(rig.state.actions.size, 0);
    assert.equal(rig.state.reverts.size, 0);
    assertReplays(rig);
  });

  it("of which nobody can tell is taken back like one that fails", async () => {
    const { rig, id } = await verifying();
    await report(rig, id, "unknown");
    await report(rig, id, "unknown");
    assert.equal(rig.last("action.reverting", id).code, "health-unknown");
  });

  it("that is not well in time is taken back though nobody reported", async () => {
    const { rig, id } = await verifying();
    await rig.passAndTick(2 * MINUTE_MS - 1);
    assert.equal(rig.action(id).status, "verifying");
    await rig.passAndTick(1);
    assert.equal(rig.last("action.reverting", id).code, "not-healthy-in-time");
  });

  it("is taken back under a pause of everything, begun before or after", async () => {
    const { rig, id } = await verifying();
    await rig.ask("apply-brake", { mode: "pause", scope: {} });
    await report(rig, id, "fail");
    await report(rig, id, "fail");
    const revert = await planRevert(rig);
    assert.equal((await rig.begin(revert)).result, "started");
    await rig.finish(revert, "succeeded");
    assert.equal(rig.all("action.reverted").length, 1);
  });

  it("is taken back in a freeze that began meanwhile, in which nothing else is let through", async () => {
    const rig = await Rig.open();
    rig.pass(Date.parse("2026-09-21T23:59:30Z") - rig.nowMs);
    const change = { kind: "test.frozen", inverse: INVERSE, person: "ada" };
    const { subject: id, result } = await rig.propose(change);
    assert.equal(result, "granted");
    const { subject: unbegun } = await rig.propose({ ...change, service: "poster", requestHash: "other" });
    await rig.begin(id);
    await rig.finish(id, "succeeded");
    await rig.passAndTick(MINUTE_MS);
    assert.equal((await rig.propose({ ...change, requestHash: "later" })).result, "refused");
    assert.equal(rig.last("action.refused").code, "frozen");
    assert.equal((await rig.begin(unbegun)).result, "refused", "granted before, and not begun");
    assert.equal(rig.last("action.refused", unbegun).code, "frozen");
    await report(rig, id, "fail");
    await report(rig, id, "fail");
    const revert = await planRevert(rig);
    assert.equal((await rig.begin(revert)).result, "started");
    await rig.finish(revert, "succeeded");
    assert.equal(rig.all("action.reverted").at(-1)?.subject, id);
  });

  it("keeps time for its revert, however late it began", async () => {
    const rig = await Rig.open();
    await rig.register("agent:one"); // by the real way: what is recorded is decided again
    const { subject: id } = await rig.propose({ kind: "test.checked", inverse: INVERSE });
    rig.pass(TERMS.grantMs - 1);
    await rig.begin(id);
    await rig.finish(id, "succeeded");
    await rig.passAndTick(2 * MINUTE_MS);
    const revert = await planRevert(rig);
    assert.ok((rig.action(revert).grant?.expiresAt ?? 0) - rig.nowMs >= TERMS.revertMs - 1);
    const late = await rig.propose({ kind: "test.checked", inverse: INVERSE });
    rig.pass(TERMS.grantMs);
    assert.equal((await rig.begin(late.subject)).result, "expired", "what is left is not for beginning");
  });

  it("that nothing takes back goes to people, and a page is asked for", async () => {
    const { rig, id } = await verifying({});
    await report(rig, id, "fail");
    await report(rig, id, "fail");
    assert.deepEqual(rig.last("action.completed", id).code, "unhealthy");
    assert.equal(rig.live("pagerduty.trigger")?.agent, "system:revert");
    assert.equal(rig.state.blocked.size, 0);
  });

  it("is never taken back where policy only wants a page", async () => {
    const rig = await Rig.open();
    await rig.register("agent:one"); // by the real way: what is recorded is decided again
    const { subject: id } = await rig.propose({ kind: "test.watched", inverse: INVERSE });
    await rig.begin(id);
    await rig.finish(id, "succeeded");
    await report(rig, id, "fail");
    assert.equal(rig.last("action.completed", id).code, "unhealthy");
    assert.equal(rig.state.reverts.size, 0);
  });

  it("whose step is only known by asking is verified too", async () => {
    const rig = await Rig.open();
    await rig.register("agent:one"); // by the real way: what is recorded is decided again
    const { subject: id } = await rig.propose({ kind: "test.checked", repeat: "conditional", inverse: INVERSE });
    await rig.begin(id);
    await rig.finish(id, "unknown");
    assert.equal((await rig.reconcile(id, "happened")).result, "verifying");
  });
});

describe("a revert that fails", () => {
  async function failed(how: (rig: Rig, revert: string) => Promise<unknown>) {
    const { rig, id } = await verifying();
    await report(rig, id, "fail");
    await report(rig, id, "fail");
    await how(rig, [...rig.state.reverts.keys()][0] ?? "");
    return { rig, id };
  }

  const WAYS: Readonly<Record<string, (rig: Rig, revert: string) => Promise<unknown>>> = {
    "no plan": (rig, revert) => rig.ask("plan-action", { action: revert, planHash: null, code: "target-moved" }),
    "a step without effect": async (rig, revert) => {
      await rig.plan(revert);
      await rig.begin(revert);
      await rig.finish(revert, "failed");
    },
    "no time": async (rig, revert) => {
      await rig.plan(revert);
      await rig.passAndTick(60 * MINUTE_MS);
    },
  };

  for (const [name, how] of Object.entries(WAYS)) {
    it(`leaves the action to people, asks for a page and closes the domain: ${name}`, async () => {
      const { rig, id } = await failed(how);
      assert.deepEqual(rig.last("action.completed", id), { code: "revert-failed", status: "needs-attention" });
      assert.equal(rig.live("pagerduty.trigger")?.agent, "system:revert");
      assert.equal(rig.state.reverts.size, 0);
      const { subject: next, result } = await rig.propose({ kind: "test.free" });
      assert.equal(result, "refused");
      assert.equal(rig.last("action.refused", next).code, "domain-blocked");
      assert.equal((await rig.propose({ kind: "test.free", service: "search" })).result, "granted");
      assertReplays(rig);
    });
  }

  it("closes everything once too many are closed, until that is released", async () => {
    const { rig } = await failed((of, revert) =>
      of.ask("plan-action", { action: revert, planHash: null, code: "gone" }),
    );
    for (let n = rig.state.blocked.size; n < LIMITS.blockedDomainsMax; n++)
      rig.state.blocked.set(`production|s${n}`, "");
    const { subject: id } = await rig.propose({ kind: "test.checked", inverse: INVERSE, service: "far-away" });
    await rig.begin(id);
    await rig.finish(id, "succeeded");
    await rig.passAndTick(2 * MINUTE_MS);
    await report(rig, id, "fail");
    await report(rig, id, "fail");
    await rig.ask("plan-action", { action: [...rig.state.reverts.keys()][0] ?? "", planHash: null, code: "gone" });
    assert.equal(rig.state.blocked.get("*"), id);
    assert.equal((await rig.propose({ kind: "test.free", service: "anything" })).result, "refused");
    assert.deepEqual(closedDomains(rig.state).at(-1), { environment: null, service: null, because: id });
    const release = KERNEL_KINDS.get("domain.release")?.operandOf({ environment: "*", service: "*" }) ?? "";
    applyDomainReleased(rig.state, { facts: { domain: release } } as KernelEvent<"domain.released">);
    assert.equal((await rig.propose({ kind: "test.free", service: "anything" })).result, "granted");
  });
});

describe("the name of a domain to release", () => {
  const operandOf = (args: JsonObject): unknown => KERNEL_KINDS.get("domain.release")?.operandOf(args);

  it("is the one that actions have, however it is written", () => {
    assert.equal(operandOf({ environment: "Prod", service: " Cart" }), "production|cart");
  });

  for (const service of ["*", "c|art", "c\u0430rt", "", "two words"]) {
    it(`is no other: ${JSON.stringify(service)}`, () => {
      assert.throws(() => operandOf({ environment: "production", service }), AppError);
    });
  }
});
