// Running a change to a cluster, and finding out afterwards whether one happened.

import { isAppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { ExecuteRequest, Reconciliation, StepOutcome } from "../../wire/contracts/executor.ts";
import { isStatus, objectIn, type Heard, type KubernetesApi } from "./kubernetes-api.ts";
import { digestOf, fingerprintOf, marksOf, type KubernetesObject } from "./kubernetes-object.ts";
import { sealed, type Opened, type Operation } from "./kubernetes-operation.ts";
import { isOf, nameOf } from "./kubernetes-place.ts";
import { callSchema, leftAs, managerOf, markOf, ownership, type Call, type Naming } from "./kubernetes-plan.ts";
import { isFree, isMoved, ownedIn, shownOf, stepProblem, type Asked } from "./kubernetes-refusals.ts";
import type { UnsettledWrites } from "./unsettled-writes.ts";

/** One approved change, and the cluster that it is for. */
export interface Step {
  readonly call: Call;
  readonly opened: Opened;
  readonly api: KubernetesApi;
  readonly naming: Naming;
  readonly writes: UnsettledWrites;
  readonly request: ExecuteRequest;
}

type Reached = { readonly api: KubernetesApi; readonly writes: UnsettledWrites };

/** Undefined for a plan that is none of ours, or whose cluster is configured otherwise by now. */
export function readStep(
  operation: Operation,
  find: (cluster: string) => Reached | undefined,
  { request, naming }: { request: ExecuteRequest; naming: Naming },
): Step | undefined {
  const parsed = callSchema.safeParse(request.plan.calls[(request.phase ?? 1) - 1]);
  if (!parsed.success) return undefined;
  const call = parsed.data;
  const reached = find(call.cluster);
  if (reached === undefined || reached.api.server !== call.server) return undefined;
  try {
    const opened = operation.open(call.args as JsonObject);
    if (opened.cluster !== call.cluster || nameOf(opened.place) !== call.object) return undefined;
    return { call, opened, ...reached, naming, request };
  } catch {
    return undefined;
  }
}

/** What became of a step is asked in any case; begun is only what the cluster still gives to the target of its plan. */
export function isStillOf({ api, call, opened }: Step): boolean {
  return isOf(api.cluster, call.target, opened.place);
}

/** How often a write is tried that lost against changes of others which the action is not about, such as a status. */
const TRIES_MAX = 5;

export async function executeChange(step: Step, outer: AbortSignal): Promise<StepOutcome> {
  const signal = AbortSignal.any([outer, AbortSignal.timeout(step.request.timeoutMs)]);
  for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
    const outcome = await tryStep(step, signal);
    if (outcome !== "moved") return outcome;
  }
  return { status: "retry", afterMs: 2_000, code: "target-busy", detail: { tries: TRIES_MAX } };
}

async function tryStep(step: Step, signal: AbortSignal): Promise<StepOutcome | "moved"> {
  const { call, opened, api, naming, writes, request } = step;
  const { place } = opened;
  // A deletion leaves no mark: a pod that is gone could be our own earlier call's work, and only asking settles that.
  if (call.verb === "delete" && writes.isOpen(markOf(naming, request.idempotencyKey))) {
    return { status: "unknown", code: "earlier-attempt-unsettled", detail: null };
  }
  const found = await api.read(place, signal);
  const object = objectIn(found);
  if (object === undefined) return stepProblem(found, { place, verb: "get", nowMs: api.nowMs() }, false);
  if (marksOf(object).includes(markOf(naming, request.idempotencyKey))) return succeeded(step, object, true);
  if (!isAsPlanned(step, object)) {
    return { status: "failed", code: "target-moved", detail: null };
  }
  let body = call.body as Json;
  try {
    body = (await opened.resolve?.(body, { api, signal })) ?? body;
  } catch (error) {
    if (!isAppError(error)) throw error;
    const isPassing = error.code === "target-unavailable";
    return isPassing
      ? { status: "retry", afterMs: 5_000, code: "unreachable", detail: null }
      : { status: "failed", code: error.code, detail: null };
  }
  return write(step, { object, body }, signal);
}

async function write(
  step: Step,
  { object, body }: { object: KubernetesObject; body: Json },
  signal: AbortSignal,
): Promise<StepOutcome | "moved"> {
  const { call, opened, api, naming, writes, request } = step;
  const { place } = opened;
  const mark = markOf(naming, request.idempotencyKey);
  const sent = {
    verb: call.verb,
    body: sealed({ verb: call.verb, body, place, object, mark }),
    manager: managerOf(naming, actionOf(request)),
    dryRun: false,
  };
  writes.open(mark);
  let heard = await api.write(place, { ...sent, force: false }, signal);
  const owned = ownedIn(heard);
  // Only what people saw that it would be taken, and our own; refused as a whole it had no effect so far.
  const isOurs = ownership(api, naming);
  const isAllowed = (manager: string): boolean => isOurs(manager) && isAgreed(call, naming, manager);
  const others = owned.filter((one) => !isFree(one, isAllowed));
  if (others.length > 0) {
    writes.settle(mark);
    return { status: "failed", code: "target-owned", detail: shownOf(others) };
  }
  if (owned.length > 0) heard = await api.write(place, { ...sent, force: true }, signal);
  // A deletion is answered with the object or with a bare status.
  const left = objectIn(heard) ?? (call.verb === "delete" && isStatus(heard) ? object : undefined);
  if (left !== undefined) {
    writes.settle(mark);
    return succeeded(step, left, false);
  }
  if (isMoved(heard)) {
    writes.settle(mark);
    return "moved";
  }
  const verb: Asked["verb"] = call.verb === "delete" ? "delete" : "patch";
  const outcome = stepProblem(heard, { place, verb, nowMs: api.nowMs() }, true);
  if (outcome.status === "unknown") writes.open(mark);
  else writes.settle(mark);
  return outcome;
}

/** The key of a later phase is that of its action with a number behind it. */
function actionOf({ idempotencyKey }: ExecuteRequest): string {
  return idempotencyKey.split(".", 1)[0] ?? idempotencyKey;
}

/** It is what the plan was made for; for a later phase, what the one before it left. */
function isAsPlanned({ call, opened, request }: Step, object: KubernetesObject): boolean {
  return fingerprintOf(object, opened.watched(object)) === (call.begins ?? request.plan.fingerprint);
}

function isAgreed({ takesFrom }: Call, { installation }: Naming, manager: string): boolean {
  return manager.startsWith(`holdpoint/${installation}/`) || takesFrom.some((one) => one.manager === manager);
}

function succeeded({ opened, request, call }: Step, object: KubernetesObject, foundBefore: boolean): StepOutcome {
  const { uid, resourceVersion } = object.metadata;
  const reference = `${call.cluster}:${call.object}@${resourceVersion}`;
  const detail = { uid, resourceVersion, foundBefore, action: request.idempotencyKey };
  if (call.verb === "delete") return { status: "succeeded", reference, detail };
  // Found afterwards, it may have been changed again since: then it was left as the dry run said that it would be.
  const left = leftAs(uid, foundBefore ? call.leaves : digestOf(opened.touched(object)));
  return { status: "succeeded", reference, detail, left };
}

/** Asks the object itself: every write but a deletion leaves its mark, and a deletion leaves nothing. */
export async function reconcileChange(step: Step, outer: AbortSignal): Promise<Reconciliation> {
  const { opened, api, naming, writes, request, call } = step;
  const signal = AbortSignal.any([outer, AbortSignal.timeout(request.timeoutMs)]);
  const mark = markOf(naming, request.idempotencyKey);
  const heard = await api.read(opened.place, signal);
  const object = objectIn(heard);
  const uid = request.plan.fingerprint?.split(":")[0];
  const isGone = heard.answer.kind === "answered" && heard.answer.status === 404;
  if (object === undefined && !isGone) return unread(heard.answer);
  const isReplaced = isGone || object?.metadata.uid !== uid;
  if (call.verb === "delete") {
    if (isReplaced || object?.metadata.deletionTimestamp !== undefined) return happened(call, null);
  } else if (object === undefined || isReplaced) {
    // With the object went what would tell.
    return { status: "unclear", detail: { code: isGone ? "target-gone" : "target-replaced" } };
  } else if (marksOf(object).includes(mark)) {
    return { ...happened(call, object), left: leftAs(object.metadata.uid, call.leaves) };
  }
  const waitMs = writes.remainingMs(mark);
  if (waitMs > 0) return { status: "unclear", detail: { code: "earlier-attempt-unsettled" }, afterMs: waitMs };
  return absence(step, object);
}

function unread(answer: Heard["answer"]): Reconciliation {
  const code = "code" in answer ? answer.code : answer.kind === "answered" ? "answer-unexpected" : "credential-missing";
  return { status: "unclear", detail: { code }, afterMs: 5_000 };
}

function happened({ cluster, object: name }: Call, object: KubernetesObject | null) {
  const reference = object === null ? `${cluster}:${name}` : `${cluster}:${name}@${object.metadata.resourceVersion}`;
  return { status: "happened", reference, detail: null } as const;
}

/**
 * Without our mark on the state that was planned for, it never happened. On another state nobody can tell: whoever replaces
 * an object as a whole replaces its annotations too.
 */
function absence(step: Step, object: KubernetesObject | undefined): Reconciliation {
  if (step.call.verb === "delete" || (object !== undefined && isAsPlanned(step, object)))
    return { status: "absent", detail: null };
  return { status: "unclear", detail: { code: "target-moved" } };
}
