// Inverse dry runs: what takes an action back is planned once the action is done, as if it had to go now, and never run.

import { ERRORS, isAppError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { InverseDue } from "../kernel/inverse-due.ts";
import { REVERT_AGENT } from "../kernel/reverts.ts";
import type { Executor, Plan } from "../wire/contracts/executor.ts";
import type { InverseCheck } from "../wire/types/inverse-check.ts";
import { planHashOf, type ExecuteParts } from "./execute.ts";
import { readRevert } from "./inverse.ts";
import { checkPlan } from "./sound-plan.ts";
import { INVERSE_OF } from "./work.ts";

type Told = Omit<InverseCheck, "tries"> & { readonly plan?: Plan };
type Trial = { readonly action: string; readonly due: InverseDue; readonly executor: Executor };

const MISSING: Told = { result: "refused", code: "executor-missing", planHash: null };

export async function checkInverse(parts: ExecuteParts, subject: string): Promise<void> {
  const action = subject.slice(INVERSE_OF.length);
  const due = parts.kernel.state.inverses.get(action);
  if (due === undefined) return;
  const executor = parts.executors.get(due.inverse.kind);
  const { plan, ...told } = executor === undefined ? MISSING : await tryInverse(parts, { action, due, executor });
  await parts.kernel.submit({
    type: "record-inverse",
    actor: "system:effects",
    input: { action, tries: due.tries + 1, ...told },
    ...(plan === undefined ? {} : { content: { inversePlan: plan as unknown as Json } }),
  });
}

async function tryInverse(parts: ExecuteParts, trial: Trial): Promise<Told> {
  try {
    const plan = await planInverse(parts, trial);
    return { result: "planned", code: "", planHash: planHashOf(plan), plan };
  } catch (error) {
    if (isAppError(error, "store-unavailable")) throw error; // not the inverse's fault: the next sweep reads again
    return whyNot(error);
  }
}

/** As a revert is planned, and no brake stands in its way as in no revert's: it reads. Throws what planning throws. */
async function planInverse(parts: ExecuteParts, { action, due, executor }: Trial): Promise<Plan> {
  const { environment, service, resource, inverse, planSeq, endSeq } = due;
  const content = await readRevert(parts.payloads, { planSeq, endSeq, hash: inverse.hash });
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
  return plan;
}

/** Whoever could not be asked has refused nothing. */
function whyNot(error: unknown): Told {
  if (!isAppError(error)) return { result: "unknown", code: "planning-failed", planHash: null };
  const { code } = error;
  return { result: ERRORS[code].status === 503 ? "unknown" : "refused", code, planHash: null };
}
