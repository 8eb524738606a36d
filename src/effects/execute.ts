// Executing and reconciling through executors. No call without its durable step.

import { hash } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import { AppError, isAppError } from "../core/errors.ts";
import type { BudgetReader } from "../wire/contracts/health.ts";
import type { ImageVerifier } from "../wire/contracts/images.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { Command, CommandInputs } from "../kernel/command.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { isRevert } from "../kernel/reverts.ts";
import type { Action } from "../kernel/state.ts";
import type { ExecuteRequest, Executor, Plan, Reconciliation, StepOutcome } from "../wire/contracts/executor.ts";
import type { PayloadReader } from "../wire/contracts/writer.ts";
import type { Answerer } from "../wire/types/approvals.ts";
import type { EmergencyBrake } from "./brake.ts";
import type { TicketTerms } from "./compose-triage.ts";
import { toRecordable } from "./recordable.ts";

export type ExecuteParts = {
  readonly kernel: Kernel;
  readonly payloads: PayloadReader;
  readonly executors: ReadonlyMap<string, Executor>;
  readonly brake: EmergencyBrake;
  /** The identities as they are registered now; those that are not are left out. */
  readonly registered: (identities: readonly string[]) => readonly Answerer[];
  /** Names this log's incidents apart from those of other installations at the same pager. */
  readonly origin: string;
  /** How tickets are found and resolved; null where there are none. */
  readonly tickets: TicketTerms | null;
  readonly images: ImageVerifier;
  readonly budgets: BudgetReader;
  readonly planTimeoutMs: number;
  readonly stepTimeoutMs: number;
};

const ACTOR = "system:effects";

/** Ends of steps that the kernel would not take at the time (its clock, its load), by action: told again later. */
export type UnreportedEnds = Map<string, Command<"finish-step">>;

/** What people approve: SHA-256 over the canonical JSON of the plan. */
export function planHashOf(plan: Plan): string {
  return hash("sha256", canonicalJson(plan as unknown as Json));
}

/** Begins a step, runs it, and submits how it ended. */
export async function executeStep(parts: ExecuteParts, ends: UnreportedEnds, id: string): Promise<void> {
  const waiting = parts.kernel.state.actions.get(id);
  if (waiting === undefined || parts.brake.blocks(waiting)) return;
  const executor = parts.executors.get(waiting.kind);
  if (executor === undefined) throw new AppError("action-kind-unknown", `no executor offers ${waiting.kind}`);
  let begun;
  try {
    begun = await parts.kernel.submit({ type: "begin-step", actor: ACTOR, input: beginning(parts, waiting) });
  } catch (error) {
    if (isAppError(error, "killswitch-conflict")) return; // braked: the sweep after the release goes on
    throw error;
  }
  const action = parts.kernel.state.actions.get(id);
  if (begun.result !== "started" || action === undefined) return;
  const attempt = action.attempt;
  const outcome = await callExecutor(parts, { action, executor });
  const sinceStopMs = parts.brake.sinceStopMs(action);
  await reportEnd(parts, ends, {
    type: "finish-step",
    actor: ACTOR,
    input: {
      action: id,
      attempt,
      status: outcome.status,
      code: "code" in outcome ? outcome.code : "done",
      afterMs: "afterMs" in outcome ? wholeMs(outcome.afterMs) : 0,
      ...(sinceStopMs === undefined ? {} : { sinceStopMs }),
    },
    content: evidenceOf(outcome),
  });
}

/** Approvals count by what their givers are when the step begins, not by what they were. */
function beginning({ registered }: ExecuteParts, { id, consent }: Action): CommandInputs["begin-step"] {
  if (consent === null) return { action: id };
  return { action: id, present: registered(consent.approvals.map((one) => one.id)) };
}

/** The end stays at hand until the kernel has taken it: what is known is not asked about. */
async function reportEnd(parts: ExecuteParts, ends: UnreportedEnds, end: Command<"finish-step">): Promise<void> {
  ends.set(end.input.action, end);
  await parts.kernel.submit(end);
  ends.delete(end.input.action);
}

export function wholeMs(ms: number): number {
  return Number.isFinite(ms) ? Math.max(0, Math.ceil(ms)) : 0;
}

/** Why a stored plan will never be readable again. */
export const LOST_PLAN: ReadonlySet<string> = new Set(["plan-mismatch", "payload-erased", "event-not-found"]);

type Call = { readonly action: Action; readonly executor: Executor };

async function callExecutor(parts: ExecuteParts, { action, executor }: Call): Promise<StepOutcome> {
  let request: ExecuteRequest;
  try {
    request = { ...(await requestFor(parts, action)), unsettled: action.unsettled };
  } catch (error) {
    // Nothing was called. A plan that is gone or another will not come back; a store that did not answer may.
    const code = isAppError(error) ? error.code : "plan-unreadable";
    if (LOST_PLAN.has(code)) return { status: "failed", code, detail: null };
    return { status: "retry", afterMs: 1_000, code, detail: null };
  }
  if (parts.kernel.failure !== null) throw parts.kernel.failure; // nothing starts beside a ledger of unknown state
  if (parts.brake.blocks(action)) return { status: "retry", afterMs: 1_000, code: "braked", detail: null };
  if (action.grant?.revoked === true) return { status: "retry", afterMs: 0, code: "grant-revoked", detail: null };
  try {
    return await parts.brake.guard(action, parts.stepTimeoutMs, (signal) => executor.execute(request, signal));
  } catch {
    return { status: "unknown", code: "executor-threw", detail: null };
  }
}

/** The plan as it is in the ledger, checked against the hash that was decided on and approved. */
export async function planOf({ payloads }: Pick<ExecuteParts, "payloads">, action: Action): Promise<Plan> {
  const { plan } = (await payloads.payload(action.planSeq ?? -1)) as unknown as { plan?: Plan };
  if (plan !== undefined && planHashOf(plan) === action.planHash) return plan;
  throw new AppError("plan-mismatch", "the stored plan is not the one that was granted", { action: action.id });
}

async function requestFor(parts: ExecuteParts, action: Action): Promise<ExecuteRequest> {
  const plan = await planOf(parts, action);
  const { id, phase } = action;
  return {
    plan,
    ...(phase === undefined ? {} : { phase }),
    grantId: action.grant?.id ?? "",
    idempotencyKey: phase === undefined || phase === 1 ? id : `${id}.${phase}`,
    unsettled: true,
    justification: { action: action.id, grant: action.grant?.id ?? "", run: action.run, verdicts: action.verdicts },
    timeoutMs: parts.stepTimeoutMs,
  };
}

/** Asks what became of a step whose end nobody saw. */
export async function reconcileStep(parts: ExecuteParts, ends: UnreportedEnds, id: string): Promise<void> {
  const action = parts.kernel.state.actions.get(id);
  const end = ends.get(id);
  if (end !== undefined && end.input.attempt === action?.attempt) return reportEnd(parts, ends, end);
  ends.delete(id);
  if (action === undefined || (parts.brake.flagged && !isRevert(action))) return;
  const attempt = action.attempt;
  const found = await askExecutor(parts, action);
  const sinceStopMs = parts.brake.sinceStopMs(action);
  await parts.kernel.submit({
    type: "reconcile-step",
    actor: ACTOR,
    input: {
      action: id,
      attempt,
      status: found.status,
      afterMs: found.status === "unclear" ? wholeMs(found.afterMs ?? 0) : 0,
      ...(sinceStopMs === undefined ? {} : { sinceStopMs }),
    },
    content: evidenceOf(found),
  });
}

/** A question that failed is asked again for as long as the kernel allows; then what nobody knows is left to people. */
async function askExecutor(parts: ExecuteParts, action: Action): Promise<Reconciliation> {
  const executor = parts.executors.get(action.kind);
  if (executor === undefined) return { status: "unclear", detail: { code: "action-kind-unknown" } };
  try {
    const request = await requestFor(parts, action);
    return await parts.brake.guard(action, parts.stepTimeoutMs, (signal) => executor.reconcile(request, signal));
  } catch (error) {
    const code = isAppError(error) ? error.code : "executor-threw";
    const unclear = { status: "unclear", detail: { code } } as const;
    return LOST_PLAN.has(code) ? unclear : { ...unclear, afterMs: 1_000 };
  }
}

function evidenceOf(outcome: StepOutcome | Reconciliation): Json {
  const evidence = toRecordable({
    detail: outcome.detail,
    reference: "reference" in outcome ? outcome.reference : null,
  }) as JsonObject;
  if (!("left" in outcome) || outcome.left === undefined) return evidence;
  // A part of it tells nothing that a revert could be compared with.
  return { ...evidence, left: toRecordable(outcome.left) === outcome.left ? outcome.left : null };
}
