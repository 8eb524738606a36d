// A model within its means: asked while its circuit is closed and its limits allow, again while there is budget and time.

import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import type { TokenUsage } from "../../wire/contracts/classifier.ts";
import type { ModelConfig } from "../../wire/schemas/classifier-config.ts";
import type { Signal } from "../../wire/types/signal.ts";
import type { AskModel, ModelAnswer } from "./ai-classifier.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { isUnsent, ModelFailure } from "./model-failure.ts";
import { RetryBudget } from "./retry-budget.ts";
import { UsageLimits } from "./usage-limits.ts";

const ATTEMPTS_MAX = 3;
const FIRST_PAUSE_MS = 250;
const NO_TOKENS: TokenUsage = { inputTokens: 0, outputTokens: 0 };

/** Resolves after `ms`, rejects when `signal` aborts before. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

export interface ResilientParts {
  readonly config: ModelConfig;
  readonly ask: AskModel;
  /** The most that the whole question can come to, prompt included. */
  readonly questionTokens: (signals: readonly Signal[]) => number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly pause: Pause;
}

/** Asks as `parts.ask` does, with everything that must not be forgotten around it. Rejects with a ModelFailure. */
export function createResilient(parts: ResilientParts): AskModel {
  const { config, clock } = parts;
  const means = {
    circuit: new CircuitBreaker(config.circuit, clock),
    limits: new UsageLimits(config, clock),
    retries: new RetryBudget(config.retries, clock),
  };
  return async (signals, signal) => {
    const endMs = clock.monotonicMs() + parts.timeoutMs;
    for (let attempt = 1; ; attempt++) {
      const most = { inputTokens: parts.questionTokens(signals), outputTokens: config.maxOutputTokens };
      const failure = await attemptOnce(means, most, () => parts.ask(signals, signal));
      if (!(failure instanceof ModelFailure)) return failure;
      const pauseMs = failure.retryAfterMs ?? backoffMs(attempt, parts.random);
      const isWorthIt = failure.mayPass && attempt < ATTEMPTS_MAX && clock.monotonicMs() + pauseMs < endMs;
      if (!isWorthIt || signal.aborted || !means.retries.take()) throw failure;
      await parts.pause(pauseMs, signal).catch(() => Promise.reject(new ModelFailure("timeout")));
    }
  };
}

type Means = { readonly circuit: CircuitBreaker; readonly limits: UsageLimits; readonly retries: RetryBudget };

async function attemptOnce(
  { circuit, limits }: Means,
  most: TokenUsage,
  ask: () => Promise<ModelAnswer>,
): Promise<ModelAnswer | ModelFailure> {
  if (!circuit.admit()) return new ModelFailure("circuit-open");
  const reservation = limits.reserve(most);
  if (reservation === null) {
    circuit.ended();
    return new ModelFailure("limit-reached");
  }
  try {
    const answer = await ask();
    reservation.settle(answer.usage);
    circuit.succeeded();
    return answer;
  } catch (error) {
    const failure = error instanceof ModelFailure ? error : new ModelFailure("answer-unreadable");
    reservation.settle(failure.usage ?? (isUnsent(failure) ? NO_TOKENS : null));
    if (failure.countsAgainstProvider) circuit.failed(failure.retryAfterMs ?? 0);
    else if (isUnsent(failure)) circuit.ended();
    else circuit.succeeded();
    return failure;
  }
}

/** Twice as long each time, from half to one and a half of it, so that callers do not come back together. */
function backoffMs(attempt: number, random: Random): number {
  const [byte = 0] = random.bytes(1);
  return FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + byte / 256);
}
