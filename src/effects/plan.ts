// Planning: the exact bytes that an executor will run, made before anything is decided.

import { AppError, isAppError } from "../core/errors.ts";
import { seqFromId } from "../core/ids.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { CommandInputs } from "../kernel/command.ts";
import type { InverseFacts } from "../kernel/events.ts";
import { incidentOf } from "../kernel/incident-index.ts";
import { isRevert } from "../kernel/reverts.ts";
import type { Action } from "../kernel/state.ts";
import type { HealthAnswer } from "../wire/contracts/health.ts";
import type { ActionKind, Executor, Plan } from "../wire/contracts/executor.ts";
import type { Signal } from "../wire/types/signal.ts";
import type { PlanFindings } from "../wire/types/risk.ts";
import type { ImageVerifier } from "../wire/contracts/images.ts";
import { bundlesIn } from "../wire/schemas/image-bundles.ts";
import type { ImageFact } from "../wire/types/image.ts";
import { imagesIn } from "../policy/risks/images-in.ts";
import { findRisks } from "../policy/risks/find-risks.ts";
import { couldNotBeAsked } from "./abandon.ts";
import { askAwaited } from "./awaited.ts";
import { composeRevertPage, isRevertPage } from "./compose-revert-page.ts";
import { composeStormPage, findStorm } from "./compose-storm.ts";
import { composeTriage } from "./compose-triage.ts";
import { planHashOf, type ExecuteParts } from "./execute.ts";
import { peopleBehind } from "./people-behind.ts";
import { checkPlan } from "./sound-plan.ts";
import { findInverse, readRevert, type RevertContent } from "./inverse.ts";

const ACTOR = "system:effects";

type PlanParts = ExecuteParts & { readonly nowMs: () => number };

/** A revert is planned for as long as there is a right to it: an outage of its target must not be the end of it. */
function isStillOwed({ kernel, nowMs }: PlanParts, { revertOf }: Action): boolean {
  const grant = revertOf === undefined ? null : kernel.state.actions.get(revertOf)?.grant;
  return grant != null && nowMs() < grant.expiresAt;
}

/** It may be otherwise before the right to a revert ends, as a secret may be there again. */
function isPassing(error: unknown): boolean {
  return couldNotBeAsked(error) || isAppError(error, "target-forbidden");
}

/** Makes the plan that a proposal still lacks and submits it, or the reason why there is none. */
export async function planAction(parts: PlanParts, id: string): Promise<void> {
  const action = parts.kernel.state.actions.get(id);
  if (action === undefined || action.planHash !== null) return;
  const submit = (input: Omit<CommandInputs["plan-action"], "action">, content?: Json): Promise<unknown> =>
    parts.kernel.submit({
      type: "plan-action",
      actor: ACTOR,
      input: { action: id, ...input },
      ...(content === undefined ? {} : { content }),
    });
  const executor = parts.executors.get(action.kind);
  if (executor === undefined) return void (await submit({ planHash: null, code: "executor-missing" }));
  let args: JsonObject;
  let plan: Plan;
  let planHash: string;
  let phases: { readonly phases?: number };
  try {
    const content = await contentOf(parts, action);
    args = content.args;
    const request = {
      actionId: id,
      kind: action.kind,
      target: targetOf(action),
      context: contextOf(action),
      behind: (of: string) => peopleBehind(parts, of),
      ...content,
    };
    plan = await parts.brake.guard(action, parts.planTimeoutMs, (signal) => executor.plan(request, signal));
    checkPlan(plan);
    planHash = planHashOf(plan); // throws for what the ledger could not hold
    phases = isRevert(action) ? {} : phasesOf(plan);
  } catch (error) {
    if (isAppError(error, "store-unavailable")) throw error; // not the plan's fault: the next sweep reads again
    if (isPassing(error) && isStillOwed(parts, action)) return; // the next sweep asks again
    return void (await submit(
      { planHash: null, code: isAppError(error) ? error.code : "planning-failed" },
      whyNot(error),
    ));
  }
  const awaited = await askAwaited(parts, { action, executor, plan });
  if (awaited?.status === "over") return void (await submit({ planHash: null, code: awaited.code }));
  const { change, signature, size } = plan;
  const inverse = inverseOf(parts, action, plan);
  const [images, budget] = isRevert(action)
    ? [[], null] // it is owed, whatever it brings
    : await Promise.all([imagesOf(parts.images, { plan, args, kind: action.kind }), budgetOf(parts, action, executor)]);
  const found = {
    ...findingsOf({ ...plan, kind: action.kind }, budget),
    ...(images.length === 0 ? {} : { images }),
    ...phases,
    ...(awaited === undefined ? {} : { awaits: awaited.status }),
    ...(change === undefined ? {} : { change }),
    ...(signature === undefined ? {} : { signature }),
    ...(inverse === undefined ? {} : { inverse }),
    ...(size === undefined ? {} : { size }),
  };
  const content = { args, plan: plan as unknown as Json };
  await submit({ planHash, code: "", ...found }, budget === null ? content : { ...content, budget: { ...budget } });
}

/** Null for what bears on no load, and where nothing is promised. */
async function budgetOf({ budgets }: ExecuteParts, action: Action, { kinds }: Executor): Promise<HealthAnswer | null> {
  const { risks = [] } = kinds.find(({ kind }) => kind === action.kind) ?? {};
  return risks.includes("performance") ? budgets.ask(action) : null;
}

const DETAIL_CHARS_MAX = 500;

type Facts = { readonly code?: string; readonly places?: readonly string[]; readonly relations?: readonly string[] };
const WORD = /^[a-z][a-z-]{0,63}$/;

/**
 * What is wrong with arguments, for whoever gave them. Of what a target says nothing is told but a word of ours for it, or
 * which tables it is about.
 */
function whyNot(error: unknown): Json | undefined {
  if (!isAppError(error)) return undefined;
  const { code, places = [], relations } = error.facts as Facts;
  if (error.code === "arguments-invalid") {
    return { detail: [error.message, ...places].join("; ").slice(0, DETAIL_CHARS_MAX) };
  }
  if (relations !== undefined) return { detail: relations.join(", ").slice(0, DETAIL_CHARS_MAX) };
  return code !== undefined && WORD.test(code) ? { detail: code } : undefined;
}

/** What it would run, each verified; what it does not show is not verified. */
async function imagesOf(
  verifier: ImageVerifier,
  { plan, args, kind }: { readonly plan: Plan; readonly args: JsonObject; readonly kind: string },
): Promise<readonly ImageFact[]> {
  const given = bundlesIn(args);
  const unseen: ImageFact = { digest: null, code: "unseen", signers: [], provenance: [] };
  return Promise.all(
    imagesIn({ ...plan, kind }).map(async (image) => (image === null ? unseen : verifier.verify(image, given))),
  );
}

const PHASES_MAX = 20;

/** In how many goes it is carried out; what is taken back goes at once. Throws `arguments-invalid`. */
export function phasesOf({ phases, inverse }: Plan): { readonly phases?: number } {
  if (phases === undefined) return {};
  const isSound = phases.length >= 2 && phases.length <= PHASES_MAX && inverse !== null;
  if (isSound) return { phases: phases.length };
  throw new AppError("arguments-invalid", "phases are from two to twenty, and something takes them back", {});
}

/** What a plan of this kind, whatever it says of itself, puts at risk, for the record; nothing where nothing was found. */
export function findingsOf(plan: Plan, budget: HealthAnswer | null = null): { readonly findings?: PlanFindings } {
  const findings = findRisks(plan, budget === null || budget.result === "pass" ? [] : ["slo-headroom"]);
  return findings.risks.length === 0 ? {} : { findings };
}

/** A revert is not itself taken back. */
function inverseOf(parts: ExecuteParts, action: Action, plan: Plan): InverseFacts | undefined {
  if (isRevert(action)) return undefined;
  const kindOf = (kind: string): ActionKind | undefined =>
    parts.executors.get(kind)?.kinds.find((offered) => offered.kind === kind);
  return findInverse(plan, { target: targetOf(action), kindOf });
}

function targetOf(action: Action): { environment: string; service: string; resource?: string } {
  const { environment, service, resource } = action;
  return resource === null ? { environment, service } : { environment, service, resource };
}

/** Shown to people and part of the plan's bytes. */
function contextOf(action: Action): JsonObject {
  return { action: action.id, agent: action.agent, incident: action.incident, run: action.run };
}

/**
 * What it is planned from: for a revert, what the plan of its action says and how that one left the target; else what was
 * proposed, which tells the same of an action that a person wants undone.
 */
async function contentOf(parts: ExecuteParts, action: Action): Promise<RevertContent> {
  const of = action.revertOf === undefined ? undefined : parts.kernel.state.actions.get(action.revertOf);
  if (of !== undefined) {
    const { planSeq, endSeq = -1 } = of;
    return readRevert(parts.payloads, { planSeq: planSeq ?? -1, endSeq, hash: action.requestHash });
  }
  if (action.agentKind === "system") return { args: await argumentsOf(parts, action) };
  const content = (await parts.payloads.payload(action.contentSeq)) as { args?: JsonObject; left?: string | null };
  const { args = {}, left } = content;
  return left === undefined ? { args } : { args, left };
}

/** A triage action's arguments come from the incident's first and last signal. */
async function argumentsOf(parts: ExecuteParts, action: Action): Promise<JsonObject> {
  const { state } = parts.kernel;
  if (isRevertPage(action)) return composeRevertPage(action, parts.origin);
  const storm = action.kind === "pagerduty.trigger" ? findStorm(state, action) : undefined;
  if (storm !== undefined) return composeStormPage(storm, { state, origin: parts.origin, action: action.id });
  const incident = incidentOf(state, action.incident);
  const own = action.cause?.signal == null ? [] : [{ id: action.cause.signal }];
  const ids = (incident?.signals ?? own).map((signal) => signal.id).filter((id) => isDurable(parts, id));
  const newest = ids.at(-1);
  const signal = newest === undefined ? null : await findSignal(parts, newest);
  const page = action.kind === "pagerduty.trigger" ? (incident?.page?.of ?? incident?.id) : undefined;
  const stands = { page: page ?? action.incident ?? "", services: incident?.services ?? [action.service] };
  return composeTriage({ action, origin: parts.origin, tickets: parts.tickets, signalIds: ids, signal, ...stands });
}

function isDurable(parts: ExecuteParts, signalId: string): boolean {
  return (seqFromId("sig", signalId) ?? Number.POSITIVE_INFINITY) < parts.kernel.durableSize;
}

/** Null when it was erased: a page that says less is better than none. */
async function findSignal(parts: ExecuteParts, id: string): Promise<Signal | null> {
  try {
    return (await parts.payloads.payload(seqFromId("sig", id) ?? -1)) as unknown as Signal;
  } catch (error) {
    if (isAppError(error, "payload-erased")) return null;
    throw error;
  }
}
