// Inverse dry runs: what takes an action back is planned once the action is done, as if it had to go now, and never run.

import { isAppError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { isTooLate, type InverseDue } from "../kernel/inverse-due.ts";
import { REVERT_AGENT } from "../kernel/reverts.ts";
import type { Executor, Plan } from "../wire/contracts/executor.ts";
import type { InverseCheck } from "../wire/types/inverse-check.ts";
import { couldNotBeAsked } from "./abandon.ts";
import { planHashOf, type ExecuteParts } from "./execute.ts";
import { readRevert } from "./inverse.ts";
import { checkPlan } from "./sound-plan.ts";
import { INVERSE_OF } from "./work.ts";

type Told = Omit<InverseCheck, "tries"> & { readonly plan?: Plan };
type Trial = { readonly action: string; readonly due: InverseDue; readonly executor: Executor };
type Parts = ExecuteParts & { readonly nowMs: () => number };

/** What tries told that the kernel would not take at the time (its clock, its load), by action: told again later. */
export type UntoldInverses = Map<string, Told & Pick<InverseCheck, "tries">>;

const MISSING: Told = { result: "refused", code: "executor-missing", planHash: null };
const TOO_LATE: Told = { result: "unknown", code: "too-late", planHash: null };

export async function checkInverse(parts: Parts, untold: UntoldInverses, subject: string): Promise<void> {
  const { inverses } = parts.kernel.state;
  for (const id of untold.keys()) if (!inverses.has(id)) untold.delete(id);
  const action = subject.slice(INVERSE_OF.length);
  const due = inverses.get(action);
  if (due === undefined) return;
  const tries = due.tries + 1;
  const known = untold.get(action);
  const tried = known?.tries === tries ? known : { ...(await told(parts, action, due)), tries };
  untold.set(action, tried);
  const { plan, ...input } = tried;
  await parts.kernel.submit({
    type: "record-inverse",
    actor: "system:effects",
    input: { action, ...input },
    ...(plan === undefined ? {} : { content: { inversePlan: plan as unknown as Json } }),
  });
  untold.delete(action);
}

async function told(parts: Parts, action: string, due: InverseDue): Promise<Told> {
  const executor = parts.executors.get(due.inverse.kind);
  if (executor === undefined) return MISSING;
  if (isTooLate(due, parts.nowMs())) return TOO_LATE;
  try {
    const plan = await planInverse(parts, { action, due, executor });
    return { result: "planned", code: "", planHash: planHashOf(plan), plan };
  } catch (error) {
    if (isAppError(error, "store-unavailable")) throw error; // not the inverse's fault: the next sweep reads again
    return whyNot(error);
  }
}

/** As a revert is planned, and no brake stands in its way as in no revert's: it reads. Throws what planning throws. */
async function planInverse(parts: ExecuteParts, { action, due, executor }: Trial): Promise<Plan> {
  const { environment, service, resource, inverse, planSeq, endSeq } = due;
  const read = () => readRevert(parts.payloads, { planSeq, endSeq, hash: inverse.hash });
  const content = await read();
  const target = { environment, service, ...(resource === null ? {} : { resource }) };
  // Another name than the action's: what is planned under its own it could be taken to have done already.
  const request = {
    actionId: `${action}-inverse`,
    kind: inverse.kind,
    target,
    context: { inverseOf: action },
    ...content,
  };
  const call = { ...due, kind: inverse.kind, agent: REVERT_AGENT, agentKind: "system", person: null } as const;
  const plan = await parts.brake.guard(call, parts.planTimeoutMs, (signal) => executor.plan(request, signal));
  checkPlan(plan);
  await read(); // what was erased meanwhile is not written down again
  return plan;
}

/** Whoever could not be asked, or made no sense, has refused nothing. */
function whyNot(error: unknown): Told {
  if (!isAppError(error)) return { result: "unknown", code: "planning-failed", planHash: null };
  return { result: couldNotBeAsked(error) ? "unknown" : "refused", code: error.code, planHash: null };
}
