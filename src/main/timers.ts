// What happens by itself: deadlines, the sweep of effects, counted refusals, sessions that ended.

import type { Logger } from "pino";
import { isAppError } from "../core/errors.ts";
import type { EffectRunner } from "../effects/runner.ts";
import type { RefusalCounter } from "../http/refusals.ts";
import { recordEnded } from "../http/session-record.ts";
import type { SessionService } from "../http/services.ts";
import type { Command, Reply } from "../kernel/command.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { systemClock } from "./system.ts";

const TICK_MS = 250;
const SWEEP_MS = 500;
const REFUSALS_MS = 5_000;
const SESSIONS_MS = 5_000;

type Needs = {
  readonly kernel: Kernel;
  readonly runner: EffectRunner;
  readonly refusals: RefusalCounter;
  readonly sessions: SessionService;
  readonly log: Logger;
};

/** Gives what ends them; the refusals of a minute that is not over are recorded by then. */
export function startTimers({ kernel, runner, refusals, sessions, log }: Needs): () => Promise<void> {
  const complain = (error: unknown): void => {
    if (!isAppError(error, "clock-suspect")) log.warn({ err: error }, "a timer's work will be tried again");
  };
  const submit = (command: Command): Promise<Reply> => kernel.submit(command);
  const timers = [
    setInterval(() => void kernel.tick().catch(complain), TICK_MS),
    setInterval(() => runner.sweep(), SWEEP_MS),
    setInterval(() => void recordRefusals(kernel, refusals, systemClock.nowMs()).catch(complain), REFUSALS_MS),
    setInterval(() => void recordEnded({ submit, sessions }).catch(complain), SESSIONS_MS),
  ];
  return async () => {
    timers.forEach(clearInterval);
    await recordRefusals(kernel, refusals, Infinity);
  };
}

async function recordRefusals(kernel: Kernel, refusals: RefusalCounter, untilMs: number): Promise<void> {
  for (const batch of refusals.takeFinished(untilMs)) {
    await kernel.submit({ type: "count-refusals", actor: "system:http", input: batch });
  }
}
