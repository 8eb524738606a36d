// What must hold whatever the seed does; each is checked against the ledger alone, not against the kernel's memory.

import { groupByCommand } from "../../src/history/leaves.ts";
import { redecide } from "../../src/history/redecide.ts";
import type { KernelEvent } from "../../src/kernel/events.ts";
import { stateHash } from "../../src/kernel/snapshot.ts";
import { emptyState, type State } from "../../src/kernel/state.ts";
import { apply } from "../../src/kernel/apply.ts";
import { incidentOf } from "../../src/kernel/incident-index.ts";
import { brakeOn } from "../../src/kernel/brakes.ts";
import { REVERT_AGENT } from "../../src/kernel/reverts.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import { STAGES, type Stage } from "../../src/wire/types/stage.ts";
import { checkApprovals } from "./approvals.ts";
import { checkOverwritten } from "./change-invariants.ts";
import { checkClocks } from "./clocks.ts";
import { checkCommands } from "./commands.ts";
import { checkReports } from "./stops.ts";
import { isListed } from "../kernel/stage-lists.ts";
import { checkDryRuns, checkLabels, checkLevels, checkRevoked } from "./level-invariants.ts";
import { eventsOf } from "./disk-events.ts";
import { checkIncidents } from "./incident-invariants.ts";
import { checkInverses } from "./inverse-invariants.ts";
import { checkLate } from "./late-invariants.ts";
import { checkLimits, checkRehearsed, checkShares } from "./limit-invariants.ts";
import { checkBatches, type Batch } from "./proposals.ts";
import { checkPhases } from "./phase-invariants.ts";
import { checkPredictions } from "./prediction-invariants.ts";
import { checkRights } from "./rights-invariants.ts";
import { checkSilences } from "./silence-invariants.ts";
import { checkGrantSets } from "./grant-set-invariants.ts";
import { checkConcurrency, checkTurns, checkWindows } from "./wait-invariants.ts";
import { simulationEngine, type World } from "./world.ts";

export type Promised = {
  readonly signals: Set<string>;
  readonly actions: Set<string>;
  readonly keys: Map<string, string>;
  readonly answered: Set<string>;
  /** Keys of what was proposed in one request, in its order. */
  readonly batches: Batch[];
  readonly broken: string[];
};

export function nothingPromised(): Promised {
  return { signals: new Set(), actions: new Set(), keys: new Map(), answered: new Set(), batches: [], broken: [] };
}

/** Over the whole ledger, once everything has come to rest. */
export function checkLedger(world: World, promised: Promised): string[] {
  const events = eventsOf(world);
  return [
    ...promised.broken,
    ...checkPromises(events, promised),
    ...checkBatches(world, promised.batches),
    ...checkOnce(events, world),
    ...checkLimits(events),
    ...checkRehearsed(events),
    ...checkShares(events),
    ...checkVerdicts(events),
    ...checkBrakes(events),
    ...checkClocks(events),
    ...checkReports(events),
    ...checkCommands(events),
    ...checkStages(events),
    ...checkApprovals(events),
    ...checkLevels(events),
    ...checkRevoked(events),
    ...checkDryRuns(events),
    ...checkLabels(events),
    ...checkRights(events),
    ...checkGrantSets(events),
    ...checkWindows(events),
    ...checkTurns(events),
    ...checkConcurrency(events),
    ...checkPages(events),
    ...checkIncidents(events),
    ...checkVerified(events, world),
    ...checkLate(events),
    ...checkPhases(events, world),
    ...checkInverses(events),
    ...checkOverwritten(events),
    ...checkStorms(events),
    ...checkPredictions(events),
    ...checkSilences(events),
    ...checkReplay(world),
  ];
}

function checkPromises(events: readonly LedgerEvent[], promised: Promised): string[] {
  const subjects = new Set(events.map((event) => event.subject));
  const lost = [...promised.signals, ...promised.actions].filter((id) => !subjects.has(id));
  return lost.map((id) => `${id}: was acknowledged and is not in the ledger`);
}

/** No hold is approved twice, no idempotency key makes two actions, nothing that cannot be repeated happened twice. */
function checkOnce(events: readonly LedgerEvent[], world: World): string[] {
  const broken: string[] = [];
  const seen = new Set<string>();
  const once = (what: string): void => {
    if (seen.has(what)) broken.push(`${what}: twice`);
    seen.add(what);
  };
  for (const event of events) {
    const { hold } = event.facts as { hold?: string };
    if (event.type === "action.approved") once(`approval of ${hold}`);
    const input = event.facts["input"] as { idempotencyKey?: string | null } | undefined;
    if (typeof input?.idempotencyKey === "string") once(`key ${input.idempotencyKey}`);
  }
  for (const effect of world.outside.effects) once(`effect of ${effect.key}`);
  return broken;
}

/** Every signal ends in a verdict on record, every run in a classification or the lack of one, every action in an end. */
function checkVerdicts(events: readonly LedgerEvent[]): string[] {
  const broken: string[] = [];
  const ofSignal = new Set<string>();
  const runs = new Map<string, boolean>();
  for (const event of events) {
    if (event.type === "run.opened") {
      ofSignal.add((event as KernelEvent<"run.opened">).facts.signal);
      runs.set(event.subject, false);
    }
    if (event.type === "signal.suppressed" || event.type === "signal.unmatched") ofSignal.add(event.subject);
    if (event.type === "run.classified" || event.type === "run.unclassified") runs.set(event.subject, true);
  }
  for (const event of events) {
    const resolved = event.facts["status"] === "resolved";
    const isQuiet = event.facts["silence"] !== undefined;
    if (event.type === "signal.received" && !resolved && !isQuiet && !ofSignal.has(event.subject)) {
      broken.push(`${event.subject}: without a verdict`);
    }
  }
  for (const [run, ended] of runs) if (!ended) broken.push(`${run}: never classified`);
  return broken;
}

/**
 * A page that may have been sent is that of an open incident, which has no other, or its end has been asked for; none is
 * sent while its own end is on the way.
 */
function checkPages(events: readonly LedgerEvent[]): string[] {
  const state = emptyState();
  const broken: string[] = [];
  const open = new Set<string>();
  const gone = new Set<string>();
  for (const event of events) {
    const before = state.actions.get(event.subject);
    const { code } = event.facts;
    const lost = event.type === "incident.resolved" && code !== "all-clear" && code !== "quiet";
    if (lost) gone.add(state.incidents.get(event.subject)?.page?.of ?? "");
    apply(state, event);
    const { kind, incident } = event.facts as { kind: string; incident: string };
    if (event.type === "action.proposed" && kind === "pagerduty.resolve") open.delete(incident);
    if (event.type !== "step.started" || before?.kind !== "pagerduty.trigger") continue;
    const key = incidentOf(state, before.incident)?.page?.of ?? before.incident ?? "";
    open.add(key);
    const ending = [...state.actions.values()].find((one) => one.kind === "pagerduty.resolve" && one.incident === key);
    if (ending !== undefined) broken.push(`${key}: paged while ${ending.id} is on its way`);
  }
  for (const key of open) {
    if (key.startsWith("act_")) continue; // about what was not taken back: whoever puts it right closes it
    const storm = [...state.storms.values()].find((one) => one.page?.of === key);
    const of = incidentOf(state, key);
    if (storm === undefined && of?.page?.of !== key && !gone.has(key)) broken.push(`${key}: its page stays open`);
  }
  return broken;
}

/**
 * What is checked counts as done only when it was verified; what failed is taken back under the grant that came with it,
 * or left to people, and then nothing else runs there.
 */
function checkVerified(events: readonly LedgerEvent[], world: World): string[] {
  const broken: string[] = [];
  const granted = new Map<string, KernelEvent<"action.granted">["facts"]>();
  const verified = new Set<string>();
  const owed = new Map<string, string>();
  const state = emptyState();
  for (const event of events) {
    const { type, subject } = event;
    const action = state.actions.get(subject);
    if (type === "action.granted") {
      const { facts } = event as unknown as KernelEvent<"action.granted">;
      granted.set(subject, facts);
      const ownGrant = action?.revertOf === undefined ? undefined : granted.get(action.revertOf)?.revertGrant;
      if (action?.revertOf !== undefined && ownGrant !== facts.grant)
        broken.push(`${subject}: a revert without its grant`);
      const isClosed = action !== undefined && state.blocked.has(`${action.environment}|${action.service}`);
      if (isClosed && action.agentKind !== "system" && action.effect === "external")
        broken.push(`${subject}: granted where a revert had failed`);
    }
    if (type === "action.verified") verified.add(subject);
    if (type === "action.reverting") owed.set(subject, (event as KernelEvent<"action.reverting">).facts.revert);
    if (type === "action.reverted" && !world.outside.happened(owed.get(subject) ?? "")) {
      broken.push(`${subject}: said to be reverted, and is not`);
    }
    if (type === "action.reverted" || type === "action.completed") owed.delete(subject);
    const isDone = event.facts["action"] === "succeeded" && (type === "step.finished" || type === "step.reconciled");
    if (isDone && granted.get(subject)?.verify !== undefined) broken.push(`${subject}: done without being verified`);
    apply(state, event);
    if (state.actions.has(subject) && verified.has(subject)) broken.push(`${subject}: verified and not ended`);
  }
  for (const id of owed.keys()) broken.push(`${id}: its revert never ended`);
  return broken;
}

/** While a storm lasts nothing but its own page, and that of a failed revert, goes out unless a person says so. */
function checkStorms(events: readonly LedgerEvent[]): string[] {
  const state = emptyState();
  const broken: string[] = [];
  const approved = new Set<string>();
  for (const event of events) {
    const page = state.actions.get(event.subject);
    if (event.type === "action.approved") approved.add(event.subject);
    if (event.type === "action.granted" && page?.kind === "pagerduty.trigger" && !approved.has(page.id)) {
      const storm = state.storms.get(page.environment);
      const isItsOwn = storm?.id === page.incident || page.agent === REVERT_AGENT;
      if (storm !== undefined && !isItsOwn) broken.push(`${page.id}: paged in a storm`);
    }
    apply(state, event);
  }
  return broken;
}

/** No step starts under a brake that covers it. */
function checkBrakes(events: readonly LedgerEvent[]): string[] {
  const state = emptyState();
  const broken: string[] = [];
  for (const event of events) {
    const action = state.actions.get(event.subject);
    if (event.type === "step.started" && action !== undefined && brakeOn(state.brakes.values(), action) !== "run") {
      broken.push(`${event.subject}: a step started under a brake`);
    }
    apply(state, event);
  }
  return broken;
}

/** Triage runs nothing that its stage does not list and nobody approved; in shadow it runs nothing and asks nobody. */
function checkStages(events: readonly LedgerEvent[]): string[] {
  const state = emptyState();
  const broken: string[] = [];
  const expiry = new Map<string, number>();
  for (const event of events) {
    const action = state.actions.get(event.subject);
    const { stage } = state;
    const isOver = stage?.expiresAt != null && event.time >= stage.expiresAt;
    const inForce = stage === null || isOver ? "shadow" : stage.stage;
    if (action?.agent === "system:triage" && event.type === "action.granted" && event.facts["dryRun"] === false) {
      const isPermitted = isListed(inForce, action.kind, action.classification?.severity ?? null);
      if (!isPermitted && (inForce === "shadow" || action.consent === null))
        broken.push(`${action.id}: granted at the stage ${inForce}`);
    }
    if (action?.agent === "system:triage" && event.type === "action.held" && inForce === "shadow")
      broken.push(`${action.id}: asked about in shadow`);
    if (event.type === "stage.expired") {
      if (expiry.has(event.subject) || !isOver) broken.push(`${event.subject}: ended twice, or early`);
      expiry.set(event.subject, event.time);
    }
    if (event.type === "stage.granted")
      broken.push(...checkGrant(event as KernelEvent<"stage.granted">, inForce, state));
    apply(state, event);
  }
  return broken;
}

/** Only the first stage comes without an action; a higher one, or more time, comes with an approval. */
function checkGrant(event: KernelEvent<"stage.granted">, inForce: Stage, state: State): string[] {
  const { action: id, stage, expiresAt } = event.facts;
  if (id === null) return state.stage === null ? [] : [`${event.subject}: a second initial grant`];
  const isHigher = STAGES.indexOf(stage) > STAGES.indexOf(inForce);
  const isLonger = stage !== "shadow" && (expiresAt ?? 0) > (state.stage?.expiresAt ?? 0);
  const isApproved = state.actions.get(id)?.consent?.route === "owners";
  return (isHigher || isLonger) && !isApproved ? [`${event.subject}: raised without an owner`] : [];
}

/** The fold equals live state, every command decides again as it did, and erased payloads change none of it. */
function checkReplay(world: World): string[] {
  const broken: string[] = [];
  const state = emptyState();
  for (const group of groupByCommand(eventsOf(world))) {
    const mismatch = redecide({ state, engine: simulationEngine, group });
    if (mismatch !== null)
      broken.push(`event ${mismatch.seq} does not replay: ${JSON.stringify(mismatch).slice(0, 500)}`);
  }
  const live = world.process?.kernel;
  if (live !== undefined && live.durableSize === live.state.nextSeq && stateHash(live.state) !== stateHash(state)) {
    broken.push("the fold is not the live state");
  }
  for (const action of state.actions.values()) {
    if (!["held", "waiting", "granted", "retrying"].includes(action.status))
      broken.push(`${action.id}: at rest in ${action.status}`);
    const wait = action.status === "waiting" ? state.waiting.get(action.id) : undefined;
    const isBehind = wait?.behind.some((other) => state.actions.get(other)?.grant != null) ?? false;
    if (wait?.code === "conflict" && !isBehind && brakeOn(state.brakes.values(), action) !== "pause")
      broken.push(`${action.id}: waits for nobody`);
  }
  return broken;
}
