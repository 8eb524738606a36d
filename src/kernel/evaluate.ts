// From a live action to what happens to it: gates, brakes, hold, grant, refusal.

import { assert } from "../core/assert.ts";
import { idFromSeq, seqFromId } from "../core/ids.ts";
import { SEVERITIES } from "../wire/types/classification.ts";
import type { ImageFact } from "../wire/types/image.ts";
import type { PolicyFacts } from "../wire/types/policy-facts.ts";
import type { PlanFindings } from "../wire/types/risk.ts";
import type { Evaluation, Verdict } from "../wire/types/verdict.ts";
import { adviceToForget, isAdvice } from "./advice.ts";
import { authorityProblem, standingProblem } from "./authority.ts";
import { brakeOn } from "./brakes.ts";
import { marksToForget, readCounters } from "./counters.ts";
import type { Draft, EvaluationFacts } from "./events.ts";
import { askedOfItsRoute, setFor, whySetRefused, within, type GrantSet } from "./grant-sets.ts";
import { guard } from "./guardrails.ts";
import { askedFacts, hasConsent } from "./holds.ts";
import { pieceReservation, sizeFacts, targetOf } from "./impacts.ts";
import { incidentOf } from "./incident-index.ts";
import { whyLevelRefused } from "./commands/levels.ts";
import { carryOut, isTightening } from "./kernel-kinds.ts";
import { levelNeeded, levelOf, limitByLevel } from "./levels.ts";
import { TERMS } from "./limits.ts";
import { ticketUpdateOf } from "./ticket-names.ts";
import { isMoreUrgent } from "./triage-kinds.ts";
import { actionOf, summaryOf } from "./reducers/actions.ts";
import { HELD_BACK, isLastTry } from "./reducers/owed-resolves.ts";
import type { Action, State } from "./state.ts";
import { blockedBy } from "./reducers/verification.ts";
import { askPrediction, freshPrediction } from "./predictions.ts";
import { NO_EVIDENCE } from "./proposal-facts.ts";
import { isRevert } from "./reverts.ts";
import { requireSignature } from "./signature.ts";
import { raisesStage, restrict, stageAt } from "./stage.ts";
import type { ActivePolicy, Transaction } from "./transaction.ts";
import { endWait, isRoomToWait, isWindowOver, waitFor, whyWait } from "./waits.ts";
import { grantRevert, termsFor } from "./verify-terms.ts";

/** The facts that policy sees for this action now. */
function policyFacts(
  { state, now }: Pick<Transaction, "state" | "now">,
  action: Action,
  policy: ActivePolicy,
): PolicyFacts {
  const incident = incidentOf(state, action.incident);
  const classified = action.classification;
  return {
    action: {
      id: action.id,
      kind: action.kind,
      environment: action.environment,
      service: action.service,
      reversible: action.reversible,
      requestHash: action.requestHash,
      target: targetOf(action),
      ...sizeFacts(state, action, now),
    },
    agent: agentFacts(state, action, now),
    classification: {
      known: classified !== null,
      severity: classified === null ? 0 : SEVERITIES.indexOf(classified.severity),
      confidence: classified === null ? 0 : classified.confidencePpm / 1_000_000,
      requiresTicket: classified?.requiresTicket ?? false,
      requiresPaging: classified?.requiresPaging ?? false,
      requiresMim: classified?.requiresMim ?? false,
      team: classified?.team ?? "",
    },
    incident: {
      known: action.incident !== null,
      id: incident?.id ?? action.incident ?? "",
      absorbed: incident?.absorbed ?? [],
      signature: action.cause?.signature ?? "",
      pagedSeverity: incident?.page == null ? -1 : SEVERITIES.indexOf(incident.page.severity),
    },
    evidence: action.evidence ?? NO_EVIDENCE,
    stage: { name: stageAt(state, now), raises: raisesStage(state, now, action) },
    storm: stormFacts(state, action),
    signals: (incident?.signals ?? []).map(({ id, source, detector, derived }) => ({
      id,
      source,
      detector,
      derived: derived === true,
    })),
    prediction: freshPrediction(action, now),
    plan: planFacts(action, policy),
    images: action.images ?? NO_IMAGES,
    timeMs: now,
  };
}

const NO_IMAGES: readonly ImageFact[] = [];

const NOTHING_FOUND: PlanFindings = { risks: [], tags: [] };

/** What was found in its plan, and how policy marks its target. */
function planFacts({ findings = NOTHING_FOUND, environment, service }: Action, policy: ActivePolicy): PlanFindings {
  const marks = policy.tagsFor?.({ environment, service }) ?? [];
  if (marks.length === 0) return findings;
  const risks = findings.risks.includes("regulated") ? findings.risks : [...findings.risks, "regulated" as const];
  return { risks, tags: [...new Set([...findings.tags, ...marks])] };
}

const NO_MODEL = { name: "", provider: "", version: "" };

function agentFacts(state: State, action: Action, now: number): PolicyFacts["agent"] {
  const { agent: id, agentKind: kind, signed } = action;
  const registered = kind === "agent" ? state.agents.get(id) : undefined;
  return {
    id,
    kind,
    registered: registered?.status === "active",
    signed: signed !== null,
    model: signed?.model ?? NO_MODEL,
    delegated: (registered?.parents.length ?? 0) > 0,
    level: levelOf(state, now, action).level,
  };
}

/** The page of a storm, and its end, are known by whose they are: also when it has ended. */
function stormFacts({ storms }: State, { environment, incident, agentKind }: Action): PolicyFacts["storm"] {
  const storm = storms.get(environment);
  const consolidated = agentKind === "system" && incident !== null && seqFromId("stm", incident) !== undefined;
  return { active: storm !== undefined, id: storm?.id ?? "", consolidated };
}

/**
 * Evaluates every gate for a live action and records what follows: refused, suppressed, held or granted. Called when
 * it is proposed (or planned) and again when an approval was given; an approval satisfies a hold on its route only.
 * `hasCome`: what the action awaits from outside is there, as it was said with the command that is decided.
 */
export function settle(tx: Transaction, actionId: string, { hasCome } = { hasCome: false }): void {
  const action = actionOf(tx.state, actionId);
  if (isRevert(action)) return grantRevert(tx, action);
  if (isWindowOver(action, tx.now)) return endWait(tx, action, "window-over");
  // No proposal of an agent is without a signature: what has none is asked about, and not proposed.
  const isProbe = action.agentKind === "agent" && action.signed === null;
  const problem = isProbe ? standingProblem(tx.state, action) : authorityProblem(tx.state, action);
  if (problem !== null) return refuse(tx, action, { evaluation: null, code: problem });
  const stopped = action.effect === "kernel" ? whyNotAsked(tx, action) : null;
  if (stopped !== null) return refuse(tx, action, { evaluation: null, code: stopped });
  if (isTightening(action)) return tighten(tx, action);
  const brake = brakeOn(tx.state.brakes.values(), action);
  if (brake === "pause") return refuse(tx, action, { evaluation: null, code: "paused" });
  const policy = tx.state.bundleHash === null ? undefined : tx.engine.policy(tx.state.bundleHash);
  if (policy === undefined) return refuse(tx, action, { evaluation: null, code: "no-policy" });
  if (blockedBy(tx.state, action) !== undefined)
    return refuse(tx, action, { evaluation: null, code: "domain-blocked" });
  // Between phases something is checked, or they are none.
  if (action.phases !== undefined && policy.verificationFor(action) === undefined)
    return refuse(tx, action, { evaluation: null, code: "phases-unchecked" });
  const decided = evaluate(tx, action, policy);
  if (decided === undefined) return refuse(tx, action, { evaluation: null, code: "policy-error" });
  if (decided.awaits === "prediction") return askPrediction(tx, action);
  const at = { state: tx.state, now: tx.now, policy };
  const { result: staged, dryRun } = restrict(at, action, decided);
  const { result: limited, advised } = limitByLevel(at, action, staged);
  const result = askedOfItsRoute(action, guard(tx, action, requireSignature(action, limited)));
  const evaluation = toFacts(result, tx.engine.version);
  if (advised) return advise(tx, action, { evaluation, code: "level" });
  if (result.duplicateOf !== null) return suppress(tx, action, { evaluation, duplicateOf: result.duplicateOf });
  if (result.decision === "refuse") return refuse(tx, action, { evaluation, code: refusalCode(result) });
  if (action.dryRun === true) return advise(tx, action, { evaluation, code: "dry-run" });
  const isAsked = result.decision === "hold" && !hasConsent(action, result.route, policy);
  const under = isAsked ? setFor(tx, action, { result, policy }) : null;
  if (isAsked && under === null) return hold(tx, action, { result, evaluation, policy });
  const wait = whyWait(action, { now: tx.now, waits: result.waits, hasCome });
  if (wait !== null && !isRoomToWait(tx.state, action)) return refuse(tx, action, { evaluation, code: "queue-full" });
  if (wait !== null) return waitFor(tx, action, { ...wait, evaluation });
  const stood = under === null ? evaluation : { ...evaluation, verdicts: [...evaluation.verdicts, within(under)] };
  grant(tx, action, { result, evaluation: stood, policy, under, dryRun: dryRun || brake === "dry-run" });
}

/** Why an action of Holdpoint's own is not even asked about. */
function whyNotAsked(tx: Transaction, action: Action): string | null {
  return action.kind === "grant.create" ? whySetRefused(tx, action) : whyLevelRefused(tx.state, tx.now, action);
}

/** True when policy asks people about it, whatever the stage. */
export function isForPeople(tx: Transaction, action: Action): boolean {
  const policy = tx.state.bundleHash === null ? undefined : tx.engine.policy(tx.state.bundleHash);
  return policy !== undefined && evaluate(tx, action, policy)?.decision === "hold";
}

/** What windows and freezes say where changes are not made now. */
const OUT_OF_TIME: ReadonlySet<string> = new Set(["outside-window", "frozen"]);

/**
 * Why what was granted does not begin now, or a later phase of it though the one before is well: its domain was closed
 * meanwhile, or a window of policy has ended or a freeze begun. What people let through outside a window they let through whole.
 */
export function whyNotNow(tx: Transaction, action: Action): string | null {
  if (blockedBy(tx.state, action) !== undefined) return "domain-blocked";
  const policy = tx.state.bundleHash === null ? undefined : tx.engine.policy(tx.state.bundleHash);
  if (policy === undefined) return "no-policy";
  const decided = evaluate(tx, action, policy);
  if (decided === undefined) return "policy-error";
  const isLate = (one: Verdict): boolean => OUT_OF_TIME.has(one.code) && !action.verdicts.includes(summaryOf(one));
  return decided.verdicts.find(isLate)?.code ?? null;
}

/** Undefined when the policy's code throws: no decision was made, so the answer is no, and nothing else stops for it. */
function evaluate(tx: Transaction, action: Action, policy: ActivePolicy): Evaluation | undefined {
  try {
    return policy.evaluate(policyFacts(tx, action, policy), readCounters(tx.state, tx.now));
  } catch {
    return undefined;
  }
}

function toFacts(result: Evaluation, engine: string): EvaluationFacts {
  const { bundleHash, decision, verdicts } = result;
  return { bundleHash, decision, engine, verdicts };
}

function refusalCode(result: Evaluation): string {
  return result.verdicts.find((verdict) => verdict.verdict === "refuse")?.code ?? "no-rule";
}

export function refuse(
  tx: Transaction,
  action: Action,
  why: { evaluation: EvaluationFacts | null; code: string },
  told: Pick<Draft, "payload"> = {},
): void {
  if (!HELD_BACK.has(why.code) && isLastTry(tx.state, action)) return leaveToPeople(tx, action);
  tx.emit({ type: "action.refused", subject: action.id, facts: why, ...told });
}

/** The end of the last attempt to close a page: nobody tries again, so somebody has to look. */
export function leaveToPeople(tx: Transaction, action: Action): void {
  const facts = { code: "page-open", status: "needs-attention" } as const;
  tx.emit({ type: "action.completed", subject: action.id, facts });
}

function suppress(
  tx: Transaction,
  action: Action,
  why: { evaluation: EvaluationFacts | null; duplicateOf: string },
): void {
  tx.emit({ type: "action.suppressed", subject: action.id, facts: why });
}

type Held = { result: Evaluation; evaluation: EvaluationFacts; policy: ActivePolicy };

function hold(tx: Transaction, action: Action, { result, evaluation, policy }: Held): void {
  const update = ticketUpdateOf(action);
  // People are not asked whether a ticket may be told what they can read here.
  if (update !== undefined && update.say !== "end") return refuse(tx, action, { evaluation, code: "not-asked" });
  const steps = result.route === null ? undefined : policy.routes.get(result.route)?.steps;
  const step = steps?.[0];
  if (steps === undefined || step === undefined || result.route === null) {
    return refuse(tx, action, { evaluation, code: "route-unknown" });
  }
  const incident = incidentOf(tx.state, action.incident);
  // One review per incident: what joins it is on record as covered by the hold that waits already, and a hold about
  // less makes way, so that nobody who is asked about a ticket only keeps a page from being asked about.
  const review = incident === undefined || incident.review === null ? undefined : tx.state.actions.get(incident.review);
  if (review !== undefined && review.id !== action.id) {
    if (!isMoreUrgent(action.kind, review.kind)) return suppress(tx, action, { evaluation, duplicateOf: review.id });
    if (review.status === "held") suppress(tx, review, { evaluation: null, duplicateOf: action.id });
  }
  assert(action.planHash !== null, "only a planned action is held");
  tx.emit({
    type: "action.held",
    subject: action.id,
    facts: {
      evaluation,
      hold: idFromSeq("hld", tx.nextSeq),
      route: result.route,
      steps: steps.length,
      breakGlass: policy.routes.get(result.route)?.breakGlass ?? null,
      planHash: action.planHash,
      ...askedFacts(tx, action, step),
    },
  });
}

/** What policy came to is kept beside it: so one sees what would have happened. */
function advise(
  tx: Transaction,
  action: Action,
  { evaluation, code }: { evaluation: EvaluationFacts; code: "level" | "dry-run" },
): void {
  const would = evaluation.decision === "hold" ? "hold" : "allow";
  const forgets = isAdvice(action, code) ? adviceToForget(tx.state, action.agent) : undefined;
  const rest = forgets === undefined ? {} : { forgets };
  const facts = { code, evaluation: { ...evaluation, decision: "refuse" }, would, ...rest } as const;
  tx.emit({ type: "action.advised", subject: action.id, facts });
}

const TIGHTENED = { code: "tightening", evidence: {}, gate: "kernel/tightening", verdict: "pass" } as const;

function tighten(tx: Transaction, action: Action): void {
  const bundleHash = tx.state.bundleHash ?? "";
  const whole = {
    route: null,
    draftRoute: null,
    duplicateOf: null,
    reservations: [],
    duplicateKeys: [],
    minimumLevel: 0,
  };
  const result = { ...whole, bundleHash, decision: "allow", verdicts: [TIGHTENED] } as const;
  const evaluation = toFacts(result, tx.engine.version);
  if (action.dryRun === true) return advise(tx, action, { evaluation, code: "dry-run" });
  grant(tx, action, { result, evaluation, dryRun: false, policy: null, under: null });
}

type Granted = {
  readonly result: Evaluation;
  readonly evaluation: EvaluationFacts;
  readonly dryRun: boolean;
  readonly policy: ActivePolicy | null;
  /** Stands for the people whom it would be held for. */
  readonly under: GrantSet | null;
};

function grant(tx: Transaction, action: Action, { result, evaluation, dryRun, policy, under }: Granted): void {
  assert(action.planHash !== null, "only a planned action is granted");
  const completed = dryRun ? "dry-run" : action.effect === "none" ? "recorded" : null;
  // In alphabetical order: what is in canonical order is written fastest.
  const facts = {
    completed,
    dryRun,
    duplicateKeys: result.duplicateKeys,
    evaluation,
    expiresAt: Math.min(tx.now + (action.consent?.glassMs ?? TERMS.grantMs), action.window?.notAfter ?? Infinity),
    grant: idFromSeq("grt", tx.nextSeq),
    planHash: action.planHash,
    reservations:
      action.size === undefined ? result.reservations : [...result.reservations, ...pieceReservation(action)],
  } as const;
  const forgets = marksToForget(tx.state, result.duplicateKeys);
  const isExternal = completed === null && action.effect === "external";
  const along = isExternal && policy !== null ? termsFor(tx, action, policy) : undefined;
  const needed = levelNeeded(action, { minimumLevel: result.minimumLevel, isAsked: under !== null });
  const isPlain = forgets.length === 0 && along === undefined && needed === 0 && under === null;
  const more = {
    ...along,
    ...(forgets.length === 0 ? {} : { forgets }),
    ...(needed === 0 ? {} : { levelNeeded: needed }),
    ...(under === null || dryRun ? {} : { under: { grant: under.id, size: action.size ?? 1 } }),
  };
  tx.emit({
    type: "action.granted",
    subject: action.id,
    facts: isPlain ? facts : { ...facts, ...more },
  });
  if (completed === null && action.effect === "kernel") carryOut(tx, action);
}
