// Asking outside whether what an action waits for there has come: when it is planned, and while it waits.

import { isAppError } from "../core/errors.ts";
import { isRevert } from "../kernel/reverts.ts";
import type { Action } from "../kernel/state.ts";
import type { Awaited, Executor, Plan } from "../wire/contracts/executor.ts";
import { LOST_PLAN, planOf, wholeMs, type ExecuteParts } from "./execute.ts";

type Asked = { readonly action: Action; readonly executor: Executor; readonly plan: Plan };

/** Undefined where nothing has to come. Whoever cannot tell says so: it is asked again. */
export async function askAwaited(
  { brake, planTimeoutMs }: Pick<ExecuteParts, "brake" | "planTimeoutMs">,
  { action, executor, plan }: Asked,
): Promise<Awaited | undefined> {
  if (plan.awaits !== true || isRevert(action)) return undefined;
  // Planned before it was configured otherwise: nobody could ever say that it has come.
  if (executor.awaited === undefined) return { status: "over", code: "plan-invalid" };
  const ask = executor.awaited.bind(executor);
  try {
    return await brake.guard(action, planTimeoutMs, (signal) => ask(plan, signal));
  } catch (error) {
    return { status: "pending", code: isAppError(error) ? error.code : "executor-threw" };
  }
}

/** Asks about an action that waits, and submits what was said. */
export async function reportAwaited(parts: ExecuteParts, id: string): Promise<void> {
  const action = parts.kernel.state.actions.get(id);
  if (action === undefined || parts.brake.blocks(action)) return;
  const found = await askAgain(parts, action);
  const input = {
    action: id,
    status: found.status,
    code: found.status === "come" ? "" : found.code,
    afterMs: found.status === "pending" ? wholeMs(found.afterMs ?? 0) : 0,
  };
  await parts.kernel.submit({ type: "report-awaited", actor: "system:effects", input });
}

async function askAgain(parts: ExecuteParts, action: Action): Promise<Awaited> {
  const executor = parts.executors.get(action.kind);
  if (executor === undefined) return { status: "over", code: "executor-missing" };
  try {
    const plan = await planOf(parts, action);
    return (await askAwaited(parts, { action, executor, plan })) ?? { status: "come" };
  } catch (error) {
    // A plan that is gone or another will not come back; a store that did not answer may.
    const code = isAppError(error) ? error.code : "plan-unreadable";
    return { status: LOST_PLAN.has(code) ? "over" : "pending", code };
  }
}
