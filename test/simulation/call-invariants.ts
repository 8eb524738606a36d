// What must hold whenever a call reaches the outside, and again when it takes effect there.

import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import type { JsonObject } from "../../src/core/json.ts";
import type { BrakeScope, KernelEvent } from "../../src/kernel/events.ts";
import { REVERT_AGENT } from "../../src/kernel/reverts.ts";
import { hasEnded } from "../../src/kernel/state.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import type { ActionKind, ExecuteRequest, Plan } from "../../src/wire/contracts/executor.ts";
import { eventsAbout, eventsSuch } from "./disk-events.ts";
import { UNDO } from "./model-executor.ts";
import type { World } from "./world.ts";

/** It has a durable step of its own, its grant is durable and valid, its plan the granted one, what that awaits is there, and no pause covers it. */
export function checkCall(world: World, request: ExecuteRequest, kind: ActionKind): string[] {
  const broken: string[] = [];
  const key = request.idempotencyKey;
  const [id = ""] = key.split("."); // a later phase has a key of its own
  const events = eventsAbout(world, id) as KernelEvent[];
  const steps = events.filter((event) => event.type === "step.started");
  const started = steps.at(-1);
  const calls = world.outside.calls.filter((call) => call.idempotencyKey.split(".")[0] === id).length;
  const granted = events.findLast((event) => event.type === "action.granted") as
    | KernelEvent<"action.granted">
    | undefined;
  if (steps.length <= calls) broken.push(`${id}: called without a durable step of its own`);
  if (granted === undefined) return [...broken, `${id}: called without a durable grant`];
  if (granted.facts.grant !== request.grantId) broken.push(`${id}: called under another grant`);
  if (granted.facts.planHash !== hashOf(request.plan)) broken.push(`${id}: called with another plan`);
  if (started !== undefined && started.time >= granted.facts.expiresAt) broken.push(`${id}: the grant had expired`);
  const { awaits, fingerprint } = request.plan;
  const hasCome = awaits !== true || world.outside.come.has(fingerprint ?? "");
  if (!hasCome && kind.kind !== UNDO.kind) broken.push(`${id}: called before what it awaits had come`);
  if (events.some((event) => hasEndedBy(event))) broken.push(`${id}: called after its end`);
  if (kind.repeat === "neither" && world.outside.happened(key)) broken.push(`${id}: run again though it had happened`);
  return [...broken, ...checkTakesBack(world, id, request.plan), ...checkStanding(world, id)];
}

/** What takes an action back does what that action's plan said would, as the outside was shown it. */
function checkTakesBack(world: World, id: string, plan: Plan): string[] {
  const [proposed] = eventsAbout(world, id) as KernelEvent<"action.proposed">[];
  const { revertOf } = proposed?.facts ?? {};
  const undone = world.outside.calls.find((call) => call.idempotencyKey === revertOf)?.plan.inverse;
  if (undone === undefined) return [];
  const said = canonicalize((undone as JsonObject)["args"]);
  return canonicalize((plan.diff as JsonObject)["args"]) === said ? [] : [`${id}: takes back something else`];
}

/** By the RFC's author's own writer, not by the one that made the recorded hash. */
function hashOf(plan: Plan): string {
  return hash("sha256", canonicalize(plan) ?? "");
}

/** What the process has heard to be durable. */
function durableSize({ process }: World): number {
  return process?.kernel.durableSize ?? 0;
}

const ENDS: ReadonlySet<string> = new Set(
  ["advised", "refused", "denied", "cancelled", "expired", "suppressed"].map((end) => `action.${end}`),
);

function hasEndedBy(event: KernelEvent): boolean {
  if (event.type === "step.finished" || event.type === "step.reconciled") {
    return hasEnded((event as KernelEvent<"step.finished">).facts.action);
  }
  return ENDS.has(event.type);
}

/** Also when it takes effect: its grant has not been taken back, and no pause covers it. */
export function checkStanding(world: World, id: string): string[] {
  const isTakenBack = ({ type, seq }: LedgerEvent): boolean =>
    type === "action.grant-revoked" && seq < durableSize(world);
  const isGone = eventsAbout(world, id).some(isTakenBack);
  return [...(isGone ? [`${id}: executed when its grant was gone`] : []), ...checkUnpaused(world, id)];
}

/** No pause covers it: none that this process pulled, and none of the ledger. What takes a failed action back goes on. */
function checkUnpaused(world: World, id: string): string[] {
  const [proposed] = eventsAbout(world, id) as KernelEvent<"action.proposed">[];
  if (proposed === undefined || proposed.actor === REVERT_AGENT) return [];
  const of = { ...proposed.facts, agent: proposed.actor };
  const pulled = (world.process?.brake.pulled ?? []).some((scope) => isCovered(scope, of));
  const onRecord = pausesOf(world).some((scope) => isCovered(scope, of));
  return pulled || onRecord ? [`${id}: executed under a pause`] : [];
}

function pausesOf(world: World): readonly BrakeScope[] {
  const pauses = new Map<string, BrakeScope>();
  const isOfBrake = ({ type, seq }: LedgerEvent): boolean => type.startsWith("brake.") && seq < durableSize(world);
  for (const event of eventsSuch(world, isOfBrake) as readonly KernelEvent[]) {
    const { mode, scope } = event.facts as Partial<KernelEvent<"brake.applied">["facts"]>;
    if (event.type === "brake.applied" && mode === "pause" && scope !== undefined) pauses.set(event.subject, scope);
    if (event.type === "brake.followed" && scope !== undefined) pauses.set(event.subject, scope);
    if (event.type === "brake.released") pauses.delete(event.subject);
  }
  return [...pauses.values()];
}

type Covered = Pick<
  KernelEvent<"action.proposed">["facts"],
  "kind" | "environment" | "service" | "person" | "agentKind"
> & { readonly agent: string };

/** By the words of a scope, not as the kernel reads them; nobody acts for another here. */
function isCovered(scope: BrakeScope, of: Covered): boolean {
  const { exceptAgents = [], exceptKinds = [], ...parts } = scope;
  if (exceptAgents.includes(of.agent) || exceptKinds.includes(of.kind)) return false;
  return Object.entries(parts).every(([part, wanted]) => {
    if (part === "services") return (wanted as readonly string[]).includes(of.service);
    if (part === "owner") return wanted === of.person;
    if (part === "kind") return wanted === of.kind || (wanted === "model.*" && of.kind.startsWith("model."));
    return wanted === of[part as "agent" | "agentKind" | "environment" | "service"];
  });
}
