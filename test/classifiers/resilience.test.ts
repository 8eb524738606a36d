// A model within its means: retries, circuit, limits; and the chain that goes on where a model ends.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import { CircuitBreaker } from "../../src/adapters/classifiers/circuit-breaker.ts";
import { createClassifierChain } from "../../src/adapters/classifiers/classifier-chain.ts";
import { RetryBudget } from "../../src/adapters/classifiers/retry-budget.ts";
import { UsageLimits } from "../../src/adapters/classifiers/usage-limits.ts";
import { isAppError } from "../../src/core/errors.ts";
import { checkClassification } from "../../src/signals/check-classification.ts";
import {
  NoClassification,
  type Classifier,
  type ClassifierAnswer,
  type PassedOver,
} from "../../src/wire/contracts/classifier.ts";
import { ask, askedOf, never, SIGNAL, StageClock, stageOf, TEAMS, type Stage } from "./model-stage.ts";
import { ANSWER, PROVIDERS, startModel, type ModelStandIn, type Provider } from "./model-stand-ins.ts";

const provider = PROVIDERS.find(({ name }) => name.startsWith("an OpenAI")) as Provider;

async function open(t: TestContext, more: object = {}): Promise<Stage & { model: ModelStandIn }> {
  const model = await startModel(provider);
  t.after(() => model.close());
  return { ...stageOf({ config: { ...provider.config(model.url), ...more }, timeoutMs: 60_000 }), model };
}

test("a passing failure is tried again, after as long as the provider asks or longer each time", async (t) => {
  const { classifier, model, pauses } = await open(t);
  model.fail({ mode: "rate-limit", retryAfter: "3" });
  model.fail({ mode: "status-500" });
  const result = await ask(classifier);
  assert.ok(typeof result !== "string", JSON.stringify(result));
  assert.deepEqual(result.answer, ANSWER);
  assert.deepEqual(pauses, [3_000, 500]);
  assert.equal(model.received.length, 3);
});

test("what will not pass is not tried again, nor what the provider puts off for longer than there is time", async (t) => {
  const { classifier, model, pauses } = await open(t, { circuit: { failures: 100 } });
  for (const mode of ["status-400", "status-401"] as const) {
    model.fail({ mode });
    await ask(classifier);
  }
  model.fail({ mode: "rate-limit", retryAfter: "61" });
  assert.equal(await ask(classifier), "rate-limited");
  assert.deepEqual(pauses, []);
  assert.equal(model.received.length, 3);
});

test("all calls share one budget of retries, which comes back with time", async (t) => {
  const { classifier, model, clock } = await open(t, {
    retries: { burst: 3, perMinute: 2 },
    circuit: { failures: 100 },
  });
  model.fail({ mode: "status-500", times: 100 });
  const asked = async (): Promise<number> => {
    const before = model.received.length;
    await ask(classifier);
    return model.received.length - before;
  };
  assert.deepEqual([await asked(), await asked(), await asked()], [3, 2, 1]);
  clock.offsetMs += 60_000;
  assert.deepEqual([await asked(), await asked()], [3, 1]);
});

test("a budget never gives more than its burst and what time has earned", () => {
  const steps = fc.array(fc.record({ waitMs: fc.integer({ min: 0, max: 120_000 }), takes: fc.integer({ max: 20 }) }));
  const property = fc.property(steps, fc.integer({ min: 0, max: 9 }), (walk, burst) => {
    const clock = new StageClock();
    const budget = new RetryBudget({ burst, perMinute: 3 }, clock);
    const start = clock.offsetMs;
    let taken = 0;
    for (const { waitMs, takes } of walk) {
      clock.offsetMs += waitMs;
      for (let i = 0; i < takes; i++) if (budget.take()) taken++;
      assert.ok(taken <= burst + ((clock.offsetMs - start) / 60_000) * 3 + 1e-6);
    }
  });
  fc.assert(property, { numRuns: 200 });
});

test("a provider that fails again and again is left alone, then tried by one call", async (t) => {
  const { classifier, model, clock } = await open(t, {
    retries: { burst: 0 },
    circuit: { failures: 3, openMs: 30_000 },
  });
  model.fail({ mode: "status-500", times: 4 });
  const codes = [];
  for (let i = 0; i < 5; i++) codes.push(await ask(classifier));
  assert.deepEqual(codes, ["provider-error", "provider-error", "provider-error", "circuit-open", "circuit-open"]);
  assert.equal(model.received.length, 3);
  clock.offsetMs += 30_000;
  assert.equal(await ask(classifier), "provider-error", "the one that tries");
  assert.equal(await ask(classifier), "circuit-open");
  clock.offsetMs += 30_000;
  assert.notEqual(typeof (await ask(classifier)), "string");
  assert.notEqual(typeof (await ask(classifier)), "string");
});

test("while one call tries, no other does; a refusal says that the provider is well", () => {
  const clock = new StageClock();
  const circuit = new CircuitBreaker({ failures: 1, openMs: 1_000 }, clock);
  circuit.failed(0);
  assert.equal(circuit.admit(), false);
  clock.offsetMs += 1_000;
  assert.deepEqual([circuit.admit(), circuit.admit()], [true, false]);
  circuit.ended();
  assert.equal(circuit.admit(), true, "one that ended without a word makes room for another");
  circuit.succeeded();
  assert.deepEqual([circuit.admit(), circuit.admit()], [true, true]);
  circuit.failed(0);
  assert.equal(circuit.admit(), false);
});

test("after a 429 nobody asks before the time that it named", async (t) => {
  const { classifier, model, clock } = await open(t, { retries: { burst: 0 } });
  model.fail({ mode: "rate-limit", retryAfter: "120" });
  assert.equal(await ask(classifier), "rate-limited");
  clock.offsetMs += 119_000;
  assert.equal(await ask(classifier), "circuit-open");
  clock.offsetMs += 1_000;
  assert.notEqual(typeof (await ask(classifier)), "string");
  assert.equal(model.received.length, 2);
});

test("limits of requests, tokens and money are kept, and are there again in the next hour or day", async (t) => {
  const hourMs = 3_600_000;
  const cases = [
    { limits: { requestsPerHour: 2 }, waitMs: hourMs },
    { limits: { tokensPerHour: 4_500 }, waitMs: hourMs },
    { limits: { tokensPerDay: 4_500 }, waitMs: 24 * hourMs },
    // 321 in and 45 out at 3 and 15 per million: 0.001638 a call, 0.02 reserved.
    { limits: { spendPerDay: 0.024 }, price: { input: 3, output: 15 }, waitMs: 24 * hourMs },
    { limits: { spendPerHour: 0.024 }, price: { input: 3, output: 15 }, waitMs: hourMs },
  ];
  for (const { waitMs, ...more } of cases) {
    const { classifier, model, clock } = await open(t, more);
    const results: (string | undefined)[] = [];
    for (let i = 0; i < 30 && results.at(-1) !== "limit-reached"; i++) {
      const result = await ask(classifier);
      results.push(typeof result === "string" ? result : undefined);
    }
    assert.equal(results.at(-1), "limit-reached", JSON.stringify(more));
    assert.ok(results.length > 1, `${JSON.stringify(more)}: the first call passes`);
    const asked = model.received.length;
    clock.offsetMs += waitMs;
    assert.notEqual(typeof (await ask(classifier)), "string", JSON.stringify(more));
    assert.equal(model.received.length, asked + 1);
  }
});

test("text that makes more tokens than it has words counts by its bytes: no signal spends more than was set aside", async (t) => {
  const { classifier, model } = await open(t, { limits: { tokensPerHour: 6_000 } });
  const title = "\u{1f9ff}".repeat(500);
  const asked = classifier.classify([{ ...SIGNAL, title, summary: title }], never);
  await assert.rejects(asked, (error: NoClassification) => error.passedOver[0]?.code === "limit-reached");
  assert.deepEqual(model.received, []);
  assert.notEqual(typeof (await ask(classifier)), "string", "an ordinary one fits");
});

test("whatever calls come to use, reserved before they are settled, no limit is ever passed", () => {
  const call = fc.record({
    most: fc.record({ inputTokens: fc.nat(400), outputTokens: fc.nat(100) }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    isCounted: fc.boolean(),
    waitMs: fc.nat(1_200_000),
  });
  const property = fc.property(fc.array(call, { maxLength: 60 }), (calls) => {
    const clock = new StageClock();
    const limits = new UsageLimits(
      { limits: { tokensPerHour: 1_000, spendPerDay: 0.004 }, price: { input: 2, output: 8 } },
      clock,
    );
    const used = new Map<string, number>();
    for (const { most, share, isCounted, waitMs } of calls) {
      clock.offsetMs += waitMs;
      const reservation = limits.reserve(most);
      if (reservation === null) continue;
      const part = { inputTokens: Math.floor(most.inputTokens * share), outputTokens: most.outputTokens };
      const real = isCounted ? part : most;
      reservation.settle(isCounted ? part : null);
      const hour = `hour ${Math.floor(clock.offsetMs / 3_600_000)}`;
      const day = `day ${Math.floor(clock.offsetMs / 86_400_000)}`;
      used.set(hour, (used.get(hour) ?? 0) + real.inputTokens + real.outputTokens);
      used.set(day, (used.get(day) ?? 0) + real.inputTokens * 2 + real.outputTokens * 8);
      assert.ok((used.get(hour) ?? 0) <= 1_000);
      assert.ok((used.get(day) ?? 0) <= 4_000);
    }
  });
  fc.assert(property, { numRuns: 200 });
});

const RULES_ANSWER = { ...ANSWER, confidence: 0.5 };

function fixed(provider: string, answer: unknown): Classifier {
  const identity = { provider, model: "m", version: "1", promptHash: "p" };
  const said = { by: identity, usage: null, reasoning: "", passedOver: [] };
  return {
    identity,
    classify: async () => {
      if (answer instanceof Error) throw answer;
      return { ...said, answer };
    },
  };
}

const DOWN = new NoClassification([{ provider: "down", model: "m", code: "timeout" }]);

function chainOf(members: readonly Classifier[], onRejected: "review" | "next"): [Classifier, PassedOver[]] {
  const told: PassedOver[] = [];
  const isAccepted = (answer: unknown): boolean => checkClassification(answer, { teams: TEAMS }).ok;
  return [createClassifierChain({ members, isAccepted, onRejected, onPassedOver: (one) => told.push(one) }), told];
}

test("the chain goes on to the next that answers, and says whom it passed over", async () => {
  const [chain, told] = chainOf(
    [fixed("down", DOWN), fixed("odd", new Error("x")), fixed("rules", RULES_ANSWER)],
    "review",
  );
  const result = (await ask(chain)) as ClassifierAnswer;
  assert.equal(result.by.provider, "rules");
  assert.deepEqual(
    result.passedOver.map(({ provider, code }) => `${provider} ${code}`),
    ["down timeout", "odd failed"],
  );
  assert.deepEqual(told, result.passedOver);
  assert.equal(chain.identity.provider, "down");
});

test("when nobody answers there is no classification, and it is known why of each", async () => {
  const [chain] = chainOf([fixed("down", DOWN), fixed("down", DOWN)], "next");
  assert.equal(await ask(chain), "timeout timeout");
  assert.throws(
    () => chainOf([], "next"),
    (error) => isAppError(error, "config-invalid"),
  );
});

test("an answer that cannot be used goes to a person as it is, or, where that is configured, to the next", async () => {
  const absurd = { ...ANSWER, recommended_team: "the attackers" };
  const members = [fixed("odd", absurd), fixed("rules", RULES_ANSWER)];
  const reviewed = (await ask(chainOf(members, "review")[0])) as ClassifierAnswer;
  assert.deepEqual([reviewed.by.provider, reviewed.answer], ["odd", absurd]);
  const next = (await ask(chainOf(members, "next")[0])) as ClassifierAnswer;
  assert.deepEqual([next.by.provider, next.answer], ["rules", RULES_ANSWER]);
  assert.deepEqual(next.passedOver, [{ provider: "odd", model: "m", code: "answer-rejected" }]);
  const nobody = (await ask(chainOf([fixed("odd", absurd), fixed("down", DOWN)], "next")[0])) as ClassifierAnswer;
  assert.deepEqual([nobody.by.provider, nobody.answer], ["odd", absurd], "recorded, though nobody believes it");
});

test("a chain of real models ends in the rules when each of them fails in its own way", async (t) => {
  const modes = ["hang", "status-500", "huge", "cut-short", "garbage", "drop"] as const;
  const members: Classifier[] = [];
  for (const mode of modes) {
    const model = await startModel(provider);
    t.after(() => model.close());
    model.fail({ mode, times: 10 });
    const config = { ...provider.config(model.url), retries: { burst: 0 } };
    const { classifier, expire } = stageOf({ config });
    members.push(classifier);
    if (mode === "hang") void askedOf(model, 1).then(expire);
  }
  const [chain] = chainOf([...members, fixed("rules", RULES_ANSWER)], "review");
  const result = await chain.classify([SIGNAL], never);
  assert.equal(result.by.provider, "rules");
  assert.deepEqual(
    result.passedOver.map(({ code }) => code),
    ["timeout", "provider-error", "answer-too-large", "connection-lost", "answer-unreadable", "connection-lost"],
  );
});
