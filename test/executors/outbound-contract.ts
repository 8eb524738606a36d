// What executors with a target over HTTP must do: one effect whatever goes wrong, and truth about what nobody saw.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Failure, Mishap, Received } from "../../examples/stand-ins/stand-in.ts";
import type { Executor, Plan, Reconciliation, StepOutcome } from "../../src/wire/contracts/executor.ts";
import { executeRequest, kindOf, never, opened, type Listener, type Stage, type Subject } from "./contract.ts";

const ONE_DAY_MS = 86_400_000;

/** The part about targets over HTTP, for executors that have one. */
export function outboundContract(subject: Subject): void {
  testMishaps(subject);
  testRefusals(subject);
  testDeadlines(subject);
  testCrashes(subject);
  testSecrets(subject);
  testProbes(subject);
}

type Run = { readonly stage: Stage; readonly plan: Plan; readonly listener: Listener; readonly timeoutMs?: number };

/**
 * As the kernel drives a step: repeats what provably had no effect, asks about the rest, and gives up in the end. Each attempt has
 * twice the time of the one before: what hangs is left soon, and a slow machine gets there.
 */
async function drive(executor: Executor, { stage, plan, listener, timeoutMs = 400 }: Run): Promise<readonly string[]> {
  const seen: string[] = [];
  const { repeat } = kindOf(executor, stage.kind);
  for (let attempt = 0; attempt < 6; attempt++) {
    const request = executeRequest(plan, timeoutMs * 2 ** attempt);
    const outcome: StepOutcome = listener.hear(await executor.execute(request, never));
    seen.push(outcome.status);
    if (outcome.status === "retry") stage.clock.advance(outcome.afterMs);
    if (outcome.status === "succeeded" || outcome.status === "failed") return seen;
    if (outcome.status !== "unknown" || repeat === "idempotent") continue;
    for (let asked = 0; asked < 3; asked++) {
      const found: Reconciliation = listener.hear(await executor.reconcile(request, never));
      seen.push(found.status);
      if (found.status === "happened") return seen;
      if (found.status === "absent" || found.status === "partial") break;
      if (found.afterMs === undefined) return seen;
      stage.clock.advance(found.afterMs);
    }
  }
  return seen;
}

const PASSING: readonly Mishap[] = [
  "status-500",
  "rate-limit",
  "drop",
  "act-then-drop",
  "act-then-500",
  "garbage",
  "wrong-type",
  "huge",
  "cut-short",
  "slow",
  "hang",
  "act-then-hang",
];

function testMishaps(subject: Subject): void {
  for (const mode of PASSING) {
    test(`${subject.name}: after one ${mode} the work is done exactly once`, async (t) => {
      const { stage, executor, plan, listener } = await opened(subject, t);
      stage.standIn?.fail({ ...stage.write, mode });
      const seen = await drive(executor, { stage, plan, listener });
      assert.ok(["succeeded", "happened"].includes(seen.at(-1) ?? ""), seen.join(" "));
      assert.equal(await stage.effects(), 1);
      assert.deepEqual(stage.complaints(), []);
    });
  }

  test(`${subject.name}: whatever goes wrong, in whatever order, there is never a second effect`, async (t) => {
    const modes = fc.array(fc.constantFrom(...PASSING.filter((mode) => !mode.includes("hang"))), {
      minLength: 1,
      maxLength: 4,
    });
    const everywhere = fc.boolean();
    const property = fc.asyncProperty(modes, everywhere, async (failures, anyRequest) => {
      const { stage, executor, plan, listener } = await opened(subject, t);
      for (const mode of failures) stage.standIn?.fail({ ...(anyRequest ? {} : stage.write), mode });
      const seen = await drive(executor, { stage, plan, listener });
      assert.ok((await stage.effects()) <= 1, seen.join(" "));
      if (["succeeded", "happened"].includes(seen.at(-1) ?? "")) assert.equal(await stage.effects(), 1);
      if (seen.at(-1) === "failed") assert.equal(await stage.effects(), 0);
      await stage.close();
    });
    await fc.assert(property, { numRuns: 30 });
  });

  test(`${subject.name}: a request that arrives late is not joined by a second one`, async (t) => {
    const { stage, executor, plan, listener } = await opened(subject, t);
    stage.standIn?.fail({ ...stage.write, mode: "late" });
    const first = await executor.execute(executeRequest(plan), never);
    assert.equal(first.status, "unknown");
    const asked = await executor.reconcile(executeRequest(plan), never);
    assert.equal(asked.status, "unclear", "absence cannot be proved yet");
    assert.equal(await stage.standIn?.landLate(), 1);
    const seen = await drive(executor, { stage, plan, listener });
    assert.ok(["succeeded", "happened"].includes(seen.at(-1) ?? ""), seen.join(" "));
    assert.equal(await stage.effects(), 1);
  });
}

function testRefusals(subject: Subject): void {
  const refusals: readonly Mishap[] = ["status-400", "status-401", "redirect"];
  for (const mode of refusals) {
    test(`${subject.name}: a ${mode} is a failure without effect`, async (t) => {
      const { stage, executor, plan, listener } = await opened(subject, t);
      // Every write, and for 401 also the second try with a new token.
      stage.standIn?.fail({ ...stage.write, mode, times: 4 });
      const outcome = listener.hear(await executor.execute(executeRequest(plan), never));
      assert.equal(outcome.status, "failed", JSON.stringify(outcome));
      assert.equal(await stage.effects(), 0);
    });
  }

  test(`${subject.name}: redirects are not followed`, async (t) => {
    const { stage, executor, plan } = await opened(subject, t);
    const other = await subject.start();
    t.after(() => other.close());
    stage.standIn?.fail({ mode: "redirect", location: `${other.standIn?.url}${stage.write.path}`, times: 9 });
    await executor.execute(executeRequest(plan), never);
    assert.deepEqual(other.standIn?.received, []);
  });

  test(`${subject.name}: a plan for an origin that configuration does not name is not run`, async (t) => {
    const { stage, executor, plan } = await opened(subject, t);
    const other = await subject.start();
    t.after(() => other.close());
    const text = JSON.stringify(plan).replaceAll(stage.standIn?.url ?? "", other.standIn?.url ?? "");
    const outcome = await executor.execute(executeRequest(JSON.parse(text) as Plan), never);
    assert.equal(outcome.status, "failed");
    assert.deepEqual(other.standIn?.received, []);
  });

  const waits: readonly (readonly [string | undefined, number])[] = [
    [undefined, 5_000],
    ["7", 7_000],
    ["0", 1_000],
    ["999999999", 3_600_000],
    ["-5", 5_000],
    ["soon", 5_000],
    ["Mon, 21 Sep 2026 14:13:50 GMT", 30_000],
    ["Mon, 21 Sep 2020 14:13:50 GMT", 1_000],
  ];
  for (const [retryAfter, afterMs] of waits) {
    test(`${subject.name}: 429 with Retry-After ${retryAfter ?? "absent"} waits ${afterMs} ms`, async (t) => {
      const { stage, executor, plan } = await opened(subject, t);
      const failure: Failure = {
        ...stage.write,
        mode: "rate-limit",
        ...(retryAfter === undefined ? {} : { retryAfter }),
      };
      stage.standIn?.fail(failure);
      const outcome = await executor.execute(executeRequest(plan), never);
      assert.ok(outcome.status === "retry" && outcome.code === "rate-limited", JSON.stringify(outcome));
      assert.equal(outcome.afterMs, afterMs);
    });
  }
}

function testDeadlines(subject: Subject): void {
  test(`${subject.name}: a target that hangs leaves the outcome unknown when the time is up`, async (t) => {
    const { stage, executor, plan } = await opened(subject, t);
    stage.standIn?.fail({ ...stage.write, mode: "hang", times: 9 });
    let outcome: StepOutcome | undefined;
    // Until the time is enough to come as far as the write.
    for (let timeoutMs = 200; timeoutMs <= 12_800 && outcome?.status !== "unknown"; timeoutMs *= 2) {
      outcome = await executor.execute(executeRequest(plan, timeoutMs), never);
    }
    assert.deepEqual(outcome, { status: "unknown", code: "timeout", detail: null });
  });

  test(`${subject.name}: the brake ends a call in flight, and its outcome is unknown`, async (t) => {
    const { stage, executor, plan } = await opened(subject, t);
    stage.standIn?.fail({ ...stage.write, mode: "hang" });
    const brake = new AbortController();
    const running = executor.execute(executeRequest(plan), brake.signal);
    const isWrite = ({ method, path, query }: Received): boolean =>
      method === stage.write.method && path.startsWith(stage.write.path) && query.get("dryRun") === null;
    while (stage.standIn?.received.some(isWrite) !== true) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    brake.abort(new Error("stopped by the kill switch"));
    assert.deepEqual(await running, { status: "unknown", code: "aborted", detail: null });
  });

  test(`${subject.name}: a target that refuses connections was not reached, for certain`, async (t) => {
    const { stage, executor, plan } = await opened(subject, t);
    await stage.close();
    const outcome = await executor.execute(executeRequest(plan), never);
    assert.ok(outcome.status === "retry" && outcome.code === "unreachable", JSON.stringify(outcome));
  });
}

function testCrashes(subject: Subject): void {
  const moments: readonly { readonly name: string; readonly failure?: Mishap; readonly runs: boolean }[] = [
    { name: "before the call", runs: false },
    { name: "during the call, before the target acted", failure: "drop", runs: true },
    { name: "during the call, after the target acted", failure: "act-then-drop", runs: true },
    { name: "after the answer", runs: true },
  ];
  for (const { name, failure, runs } of moments) {
    test(`${subject.name}: a crash ${name} ends in one effect`, async (t) => {
      const { stage, executor, plan, listener } = await opened(subject, t);
      if (failure !== undefined) stage.standIn?.fail({ ...stage.write, mode: failure });
      if (runs) await executor.execute(executeRequest(plan), never);
      const acted = await stage.effects();
      const next = stage.build();
      let found = listener.hear(await next.reconcile(executeRequest(plan), never));
      if (kindOf(next, stage.kind).repeat === "conditional") {
        if (acted === 0) assert.equal(found.status, "unclear", "the predecessor's call may still be at work");
        stage.clock.advance(ONE_DAY_MS);
        found = await next.reconcile(executeRequest(plan), never);
        assert.equal(found.status, acted === 1 ? "happened" : "absent");
      }
      if (found.status !== "happened") await drive(next, { stage, plan, listener });
      assert.equal(await stage.effects(), 1);
    });
  }

  test(`${subject.name}: reconciling while the target is away settles nothing and changes nothing`, async (t) => {
    const { stage, executor, plan, listener } = await opened(subject, t);
    stage.clock.advance(ONE_DAY_MS);
    for (const mode of ["status-500", "garbage", "hang"] as const) {
      stage.standIn?.fail({ mode });
      const found = listener.hear(await executor.reconcile(executeRequest(plan, 200), never));
      assert.equal(found.status, "unclear");
    }
    assert.equal(await stage.effects(), 0);
  });
}

function testSecrets(subject: Subject): void {
  test(`${subject.name}: without its secret a step fails, names the reference, and calls nothing`, async (t) => {
    const { stage, plan, listener } = await opened(subject, t);
    const before = stage.standIn?.received.length;
    const outcome = listener.hear(await stage.buildWithoutSecrets().execute(executeRequest(plan), never));
    assert.ok(outcome.status === "failed" && outcome.code === "credential-missing", JSON.stringify(outcome));
    assert.equal(stage.standIn?.received.length, before);
  });
}

function testProbes(subject: Subject): void {
  test(`${subject.name}: what is wrong with a target is told apart: no credential, a refused one, no answer`, async (t) => {
    const { stage, executor, listener } = await opened(subject, t);
    const statuses = async (): Promise<readonly string[]> => [
      ...new Set(listener.hear(await executor.probe(never)).map(({ status }) => status)),
    ];
    const found = listener.hear(await stage.buildWithoutSecrets().probe(never));
    assert.deepEqual([...new Set(found.map(({ status }) => status))], ["missing"]);
    if (stage.probe !== undefined) {
      stage.standIn?.fail({ ...stage.probe, mode: "status-500" });
      assert.deepEqual(await statuses(), ["away"]);
      // Also the second try with a new token.
      stage.standIn?.fail({ ...stage.probe, mode: "status-401", times: 2 });
      assert.deepEqual(await statuses(), ["refused"]);
    }
    await stage.close();
    assert.deepEqual(await statuses(), ["away"]);
    assert.equal(await stage.effects(), 0);
  });
}
