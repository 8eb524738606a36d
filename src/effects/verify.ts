// Asking whether a service is well after an action: every check of one sample at one moment, and what was seen.

import { AppError, isAppError } from "../core/errors.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { HealthAnswer, HealthProbe, HealthQuestion } from "../wire/contracts/health.ts";
import type { HealthCheck, HealthResult } from "../wire/types/health.ts";
import { untilAborted } from "./abandon.ts";
import { toRecordable } from "./recordable.ts";

const ACTOR = "system:effects";

export type VerifyParts = {
  readonly kernel: Kernel;
  readonly health: HealthProbe;
  /** The checks of a verification as that bundle has them; undefined when its bytes are not at hand. */
  readonly checksOf: (bundle: string, name: string) => readonly HealthCheck[] | undefined;
  /** The time for one sample, from now. */
  readonly probeTimeout: () => AbortSignal;
};

/**
 * Takes the next sample of an action that is being verified. No brake stands in the way: what is not known to be well is
 * taken back. Where nobody can be asked, the sample says so, and that is a failure.
 */
export async function sampleHealth(parts: VerifyParts, id: string): Promise<void> {
  const action = parts.kernel.state.actions.get(id);
  const terms = action?.grant?.verify;
  if (action?.verifying === undefined || terms === undefined) return;
  const sample = action.verifying.sample + 1;
  const checks = parts.checksOf(terms.bundle, terms.name) ?? [];
  const signal = parts.probeTimeout();
  const stepMs = action.stepStartedAt;
  const doneMs = (action.dueAt ?? stepMs + terms.withinMs) - terms.withinMs;
  const where = { environment: action.environment, service: action.service };
  const of = { beforeMs: action.beganAt ?? stepMs, stepMs, action: { ...where, doneMs } };
  const answers = await Promise.all(checks.map((check) => ask(parts.health, { check, ...of }, signal)));
  const failed = checks.filter((_, i) => answers[i]?.result !== "pass").map(({ name }) => name);
  const input = { action: id, sample, result: resultOf(answers), failed };
  const evidence = checks.map(({ name }, i) => ({ name, ...(answers[i] as HealthAnswer) }));
  try {
    await parts.kernel.submit({ type: "report-health", actor: ACTOR, input, content: toRecordable(evidence) });
  } catch (error) {
    // The kernel takes nothing now (its clock, its load): the next sweep asks again.
    if (!isAppError(error)) throw error;
  }
}

async function ask(health: HealthProbe, question: HealthQuestion, signal: AbortSignal): Promise<HealthAnswer> {
  try {
    return await untilAborted(signal, health.ask(question, signal));
  } catch (error) {
    const code = error instanceof AppError ? error.code : "no-answer";
    return { result: "unknown", evidence: { code } };
  }
}

/** The worst: nothing to ask is nobody who could tell. */
function resultOf(answers: readonly HealthAnswer[]): HealthResult {
  if (answers.some(({ result }) => result === "fail")) return "fail";
  return answers.length > 0 && answers.every(({ result }) => result === "pass") ? "pass" : "unknown";
}
