// A check of what the runtime model counted of a service: errors and latency since the action, beside the time before it.
//
// Shares are held against each other as those of a canary and its baseline are, by confidence sequences: the samples of a
// verification are looks at one and the same counting.

import type {
  HealthAnswer,
  HealthQuestion,
  ServiceState,
  ServiceStateReader,
  StateCounts,
} from "../../wire/contracts/health.ts";
import type { HealthResult, ModelCheck } from "../../wire/types/health.ts";
import { unknown } from "./asking.ts";
import type { Counts } from "./share-interval.ts";
import { judgeRise } from "./share-rise.ts";

/** So many windows after the action: what was counted in one alone may be what ended with it. Of percentiles, on each side. */
const WINDOWS_MIN = 2;

type Asked = Omit<HealthQuestion, "check"> & { readonly check: ModelCheck };
type Judged = HealthAnswer & { readonly of: string };

export async function askModelState(
  { check, beforeMs, stepMs = beforeMs, action }: Asked,
  reader: ServiceStateReader,
): Promise<HealthAnswer> {
  if (action === undefined) return unknown("no-action");
  const { environment, doneMs } = action;
  const service = check.service ?? action.service;
  const state = await reader.stateOf({ environment, service, beforeMs, stepMs, doneMs });
  if (state.own === null && state.called === null) return unknown("not-measured-before");
  const judged = [...judgeErrors(check, state), ...judgeLatency(check, state)];
  return { result: worstOf(judged), evidence: Object.fromEntries(judged.map(({ of, evidence }) => [of, evidence])) };
}

/** By the service's own word and by that of its callers, who also know when it says nothing any more. */
function judgeErrors({ maxRise, confidence }: ModelCheck, state: ServiceState): readonly Judged[] {
  if (maxRise === null) return [];
  const found: Judged[] = [];
  for (const side of ["own", "called"] as const) {
    const compared = state[side];
    if (compared === null) continue;
    const [before, after] = [countsOf(compared.before), countsOf(compared.after)];
    // The error is shared between these two as well.
    const terms = { maxRise, confidence: 1 - (1 - confidence) / 2 };
    const { result, ...rise } = judgeRise({ one: after, other: before }, terms);
    const { windows } = compared.after;
    const evidence = { before, after, ...rise, windows, maxRise, confidence };
    found.push({ of: side, result: windows < WINDOWS_MIN ? "unknown" : result, evidence });
  }
  return found;
}

function countsOf({ failed, requests }: StateCounts): Counts {
  return { bad: failed, all: requests };
}

function judgeLatency({ maxTimesBefore }: ModelCheck, { own, called }: ServiceState): readonly Judged[] {
  const compared = own ?? called;
  if (maxTimesBefore === null || compared === null) return [];
  const { before, after } = compared;
  const evidence = { beforeP95Ms: before.p95Ms, afterP95Ms: after.p95Ms, windows: after.p95Windows, maxTimesBefore };
  const isThin = before.p95Windows < WINDOWS_MIN || after.p95Windows < WINDOWS_MIN;
  if (isThin || before.p95Ms === null || after.p95Ms === null) return [{ of: "latency", result: "unknown", evidence }];
  const result = after.p95Ms <= before.p95Ms * maxTimesBefore ? "pass" : "fail";
  return [{ of: "latency", result, evidence }];
}

function worstOf(judged: readonly Judged[]): HealthResult {
  if (judged.some(({ result }) => result === "fail")) return "fail";
  return judged.every(({ result }) => result === "pass") ? "pass" : "unknown";
}
