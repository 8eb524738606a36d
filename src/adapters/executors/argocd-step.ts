// Running an operation of Argo CD: begun once, watched to its end, and found again afterwards.

import type { JsonObject } from "../../core/json.ts";
import type { ExecuteRequest, Reconciliation, StepOutcome } from "../../wire/contracts/executor.ts";
import type { ArgocdApplication } from "../../wire/schemas/argocd-executor.ts";
import type { Application, ArgocdApi, Operation, OperationState } from "./argocd-api.ts";
import { digestOf, fingerprintOf, isAutomated, leftOf, type ArgocdCall } from "./argocd-plan.ts";
import type { UnsettledWrites } from "./unsettled-writes.ts";

const MARK = "holdpoint";
const POLL_FIRST_MS = 100;
const POLL_MAX_MS = 2_000;
/** Argo CD's own words for a dry run of all objects that failed before any was applied. */
const DRY_RUN_FAILED = /\(dry run\)\s*(?:$|\()/;

export interface ArgocdStep {
  readonly api: ArgocdApi;
  readonly of: ArgocdApplication;
  readonly call: ArgocdCall;
  readonly writes: UnsettledWrites;
  readonly request: ExecuteRequest;
  /** `<installation>:<action>`, on every operation that Argo CD lets carry one. */
  readonly mark: string;
}

export async function executeOperation(step: ArgocdStep, outer: AbortSignal): Promise<StepOutcome> {
  const { api, of, call, writes, request, mark } = step;
  const signal = AbortSignal.any([outer, AbortSignal.timeout(request.timeoutMs)]);
  const read = await api.application(of, signal);
  if (read.kind === "not") return read.outcome;
  const found = read.value;
  if (ownOperation(step, found) !== undefined) return watch(step, found, signal);
  if (writes.isOpen(mark)) return { status: "unknown", code: "earlier-attempt-unsettled", detail: null };
  if (isAutomated(found)) return { status: "failed", code: "target-owned", detail: { setting: "auto-sync" } };
  if (fingerprintOf(found) !== request.plan.fingerprint)
    return { status: "failed", code: "target-moved", detail: null };
  writes.open(mark);
  const begun = await api.begin(of, call.verb, bodyOf(step), signal);
  if (begun.kind === "got") {
    writes.settle(mark);
    return watch(step, begun.value, signal);
  }
  if (begun.outcome.status === "unknown") writes.open(mark);
  else writes.settle(mark);
  return begun.outcome;
}

/** A rollback takes no note: it is known by who began it, when, and what it brings back. */
function bodyOf({ call, mark }: ArgocdStep): JsonObject {
  const body = call.body as JsonObject;
  return call.verb === "rollback" ? body : { ...body, infos: [{ name: MARK, value: mark }] };
}

type Own = { readonly kind: "waiting" } | { readonly kind: "begun"; readonly state: OperationState };

/** The operation of this action, if the application still shows it. */
function ownOperation(step: ArgocdStep, { operation, status }: Application): Own | undefined {
  const state = status?.operationState;
  if (state != null && state.startedAt !== step.call.before && isOwn(step, state.operation))
    return { kind: "begun", state };
  return operation != null && isOwn(step, operation) ? { kind: "waiting" } : undefined;
}

function isOwn({ call, mark }: ArgocdStep, operation: Operation): boolean {
  if (operation.sync?.revision !== call.revision) return false;
  if (call.verb === "sync") return operation.info?.some(({ name, value }) => name === MARK && value === mark) === true;
  const source = operation.sync.source;
  const isSource = source != null && digestOf(source as JsonObject) === call.source;
  return isSource && operation.initiatedBy?.username === call.by;
}

/** Until the operation has ended, and then, for half of the time, until what it started has settled. */
async function watch(step: ArgocdStep, first: Application, signal: AbortSignal): Promise<StepOutcome> {
  const settled = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(step.request.timeoutMs / 2))]);
  let app = first;
  for (let waitMs = POLL_FIRST_MS; ; waitMs = Math.min(waitMs * 2, POLL_MAX_MS)) {
    const own = ownOperation(step, app);
    // Begun, and gone again: another operation came after it, and nobody can tell how it ended.
    if (own === undefined) return { status: "unknown", code: "target-moved", detail: null };
    const end = own.kind === "begun" ? endOf(step, own.state, app) : undefined;
    const isSettling = end?.status === "succeeded" && app.status?.health?.status === "Progressing";
    if (end !== undefined && (!isSettling || settled.aborted)) return end;
    if (signal.aborted) return { status: "unknown", code: abortCode(signal), detail: null };
    await pause(waitMs, isSettling ? settled : signal);
    const read = await step.api.application(step.of, signal);
    if (read.kind === "got") app = read.value;
    else if (read.outcome.status === "failed" && !signal.aborted) {
      return { status: "unknown", code: "answer-unexpected", detail: null };
    }
  }
}

function abortCode({ reason }: AbortSignal): "timeout" | "aborted" {
  return reason instanceof Error && reason.name === "TimeoutError" ? "timeout" : "aborted";
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}

/** Undefined while it runs. */
function endOf(step: ArgocdStep, state: OperationState, app: Application): StepOutcome | undefined {
  const detail = detailOf(state, app);
  switch (state.phase) {
    case "Succeeded":
      return { status: "succeeded", reference: referenceOf(step), detail, left: leftOf(app) };
    case "Failed":
    case "Error":
      // Argo CD tries every object first, and applies none where one is refused.
      return hadNoEffect(state)
        ? { status: "failed", code: "target-refused", detail }
        : { status: "partial", afterMs: 0, code: "partly-applied", detail };
    default:
      return undefined;
  }
}

function hadNoEffect({ message = "", syncResult }: OperationState): boolean {
  return DRY_RUN_FAILED.test(message) || (syncResult?.resources ?? []).length === 0;
}

function referenceOf({ of, call }: ArgocdStep): string {
  return `${of.name}@${call.revision}`;
}

/** Counts, not the messages: objects say in them what they like. */
function detailOf({ phase, startedAt, syncResult }: OperationState, app: Application): JsonObject {
  const resources = syncResult?.resources ?? [];
  const failed = resources.filter(({ status }) => status === "SyncFailed").slice(0, 16);
  return {
    phase,
    startedAt,
    health: app.status?.health?.status ?? "Unknown",
    resources: resources.length,
    failed: failed.map(({ kind, namespace = "", name }) => `${kind} ${namespace}/${name}`.slice(0, 300)),
  };
}

/** Asks the application. What is there under another operation may have been before that: then nobody can tell. */
export async function reconcileOperation(step: ArgocdStep, outer: AbortSignal): Promise<Reconciliation> {
  const { api, of, writes, request, mark } = step;
  const signal = AbortSignal.any([outer, AbortSignal.timeout(request.timeoutMs)]);
  const read = await api.application(of, signal);
  if (read.kind === "not") return unread(read.outcome);
  const app = read.value;
  const own = ownOperation(step, app);
  if (own?.kind === "begun") return afterOwn(step, own.state, app);
  if (own !== undefined) return { status: "unclear", detail: { code: "under-way" }, afterMs: 5_000 };
  const waitMs = writes.remainingMs(mark);
  if (waitMs > 0) return { status: "unclear", detail: { code: "earlier-attempt-unsettled" }, afterMs: waitMs };
  if (fingerprintOf(app) === request.plan.fingerprint) return { status: "absent", detail: null };
  return { status: "unclear", detail: { code: "target-moved" } };
}

function afterOwn(step: ArgocdStep, state: OperationState, app: Application): Reconciliation {
  const end = endOf(step, state, app);
  if (end === undefined) return { status: "unclear", detail: { code: "under-way" }, afterMs: 5_000 };
  switch (end.status) {
    case "succeeded":
      return { status: "happened", reference: end.reference, detail: end.detail, left: leftOf(app) };
    case "failed":
      return { status: "absent", detail: end.detail }; // run again it finds itself, and says why it failed
    default:
      return { status: "partial", detail: end.detail };
  }
}

function unread(outcome: StepOutcome): Reconciliation {
  const code = "code" in outcome ? outcome.code : outcome.status;
  return {
    status: "unclear",
    detail: { code },
    afterMs: "afterMs" in outcome ? Math.max(1_000, outcome.afterMs) : 5_000,
  };
}
