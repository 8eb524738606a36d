// The three governance answers about one action, from ledger events alone: authority, constraints, decision path.

import { AppError } from "../core/errors.ts";
import { seqFromId } from "../core/ids.ts";
import type { EvaluationFacts, EventType, KernelEvent } from "../kernel/events.ts";
import type { ViewReader } from "../wire/contracts/views.ts";
import type { LedgerEvent } from "../wire/types/event.ts";
import type { Verdict } from "../wire/types/verdict.ts";
import type { ActionView, AgentView } from "../wire/types/views.ts";
import type { Asks } from "../wire/types/approvals.ts";
import { asksText, rolesAsked } from "../approvals/asks.ts";
import { answerOf } from "./answers.ts";
import { answeredBy } from "./answered-by.ts";
import { outcomeOf, type Evidence } from "./explain-outcome.ts";
import { explanationText } from "./explain-text.ts";
import type {
  Answer,
  Authority,
  Constraints,
  EvaluationStep,
  Explanation,
  HoldStep,
  LabelStep,
  LevelSource,
  PathStep,
  PolicySource,
  RegistrationSource,
  SignatureCheck,
  StageSource,
  Triage,
} from "./explanation.ts";
import { smallFacts } from "./timeline.ts";

type Of<T extends EventType> = KernelEvent<T>;

const NOTHING_READ: Evidence = new Map();

/** What payloads say of an action: whether its signature holds, and what its checks saw. */
type PayloadsRead = { readonly signatureCheck?: SignatureCheck | null; readonly evidence?: Evidence };

/**
 * Explains an action from events in order of sequence. The action's own events are enough; with those of its policy
 * bundle (see `explanationSources`) it also says who put the policy in force. Without `id` it is the action that the
 * first proposal among them is about; `read` is for who has read payloads too. Throws `action-not-found` when its
 * proposal is not there.
 */
export function explainAction(
  events: readonly LedgerEvent[],
  id?: string,
  { signatureCheck = null, evidence = NOTHING_READ }: PayloadsRead = {},
): Explanation {
  const recorded = events as readonly KernelEvent[];
  const proposed = allOf(recorded, "action.proposed").find((event) => id === undefined || event.subject === id);
  if (proposed === undefined) throw new AppError("action-not-found", "the events hold no proposal of it");
  const own = recorded.filter((event) => event.subject === proposed.subject);
  const { kind, environment, service, resource } = proposed.facts;
  const explained = {
    action: proposed.subject,
    kind,
    target: { environment, service, resource },
    lastEvent: own.at(-1)?.type ?? proposed.type,
    authority: { ...authorityOf(proposed, own, recorded), signatureCheck },
    constraints: constraintsOf(proposed, own),
    triage: triageOf(proposed, recorded),
    outcome: outcomeOf(own, evidence),
    inverseCheck: inverseCheckOf(own),
    labels: allOf(own, "action.labelled").map(labelStep),
    path: own.map(pathStep),
  };
  return { ...explained, text: explanationText(explained) };
}

/** Sequences of the events that explain an action fully: its own, its run's, those of the policy that decided, and its stage's. */
export function explanationSources(views: Pick<ViewReader, "find">, action: ActionView): readonly number[] {
  const seqs = [...action.events];
  const run = action.run === null ? null : views.find("runs", action.run);
  if (run !== null) seqs.push(run.seq, ...(run.contentSeq === null ? [] : [run.contentSeq]));
  const policy = action.evaluation === null ? null : views.find("policies", action.evaluation.bundleHash);
  if (policy !== null) {
    seqs.push(policy.contentSeq, ...(policy.activatedSeq === null ? [] : [policy.activatedSeq]));
    const activation = policy.action === null ? null : views.find("actions", policy.action);
    seqs.push(...(activation?.events ?? []));
  }
  const agent = views.find("agents", action.agent);
  const registered = agent === null ? undefined : registrationBefore(agent, action.seq);
  if (registered !== undefined) seqs.push(registered.seq, ...(views.find("actions", registered.action)?.events ?? []));
  for (const verdict of action.evaluation?.verdicts ?? []) {
    const granted = seqFromId("stg", grantIn(verdict) ?? "");
    if (granted !== undefined) seqs.push(granted);
    const level = views.find("levels", levelGrantIn(verdict) ?? "");
    if (level !== null) seqs.push(level.seq, ...(views.find("actions", level.action)?.events ?? []));
  }
  return [...new Set(seqs)].sort((a, b) => a - b);
}

function registrationBefore(
  { earlier, registeredSeq, action }: AgentView,
  seq: number,
): { seq: number; action: string } | undefined {
  return [...earlier, { seq: registeredSeq, action }].findLast((one) => one.seq < seq);
}

function allOf<T extends EventType>(events: readonly KernelEvent[], type: T): readonly Of<T>[] {
  return events.filter((event) => event.type === type) as unknown as readonly Of<T>[];
}

function authorityOf(
  proposed: Of<"action.proposed">,
  own: readonly KernelEvent[],
  all: readonly KernelEvent[],
): Omit<Authority, "signatureCheck"> {
  const granted = allOf(own, "action.granted").at(-1);
  const bundleHash = evaluationsOf(own).at(-1)?.bundleHash ?? null;
  return {
    agent: proposed.actor,
    agentKind: proposed.facts.agentKind,
    person: proposed.facts.person,
    actsFor: proposed.facts.actsFor?.map(({ id }) => id) ?? [],
    signed: proposed.facts.signed ?? null,
    registration: registrationSource(proposed, all),
    answers: answersOf(own),
    policy: bundleHash === null ? null : policySource(bundleHash, all),
    stage: stageSource(own, all),
    level: levelSource(own, all),
    grant:
      granted === undefined ? null : { id: granted.facts.grant, seq: granted.seq, planHash: granted.facts.planHash },
  };
}

/** The one in force when the action was proposed, where the events hold it. */
function registrationSource(
  { actor, seq, facts }: Of<"action.proposed">,
  all: readonly KernelEvent[],
): RegistrationSource | null {
  if (facts.agentKind !== "agent") return null;
  const registered = allOf(all, "agent.registered").findLast((event) => event.subject === actor && event.seq < seq);
  if (registered === undefined) return null;
  const { owner, parents, action } = registered.facts;
  const answers = answersOf(all.filter((event) => event.subject === action));
  return { seq: registered.seq, owner, parents, action, answers };
}

function policySource(bundleHash: string, all: readonly KernelEvent[]): PolicySource {
  const proposed = allOf(all, "policy.proposed").findLast((event) => event.facts.bundleHash === bundleHash);
  const activated = allOf(all, "policy.activated").findLast((event) => event.facts.bundleHash === bundleHash);
  const activation = allOf(all, "action.proposed").findLast(
    ({ facts }) => facts.kind === "policy.activate" && facts.operand === bundleHash,
  );
  return {
    bundleHash,
    proposed: proposed === undefined ? null : { seq: proposed.seq, actor: proposed.actor },
    activated:
      activated === undefined ? null : { seq: activated.seq, actor: activated.actor, mode: activated.facts.mode },
    answers: answersOf(all.filter((event) => event.subject === activation?.subject)),
  };
}

function stageSource(own: readonly KernelEvent[], all: readonly KernelEvent[]): StageSource | null {
  const verdict = evaluationsOf(own)
    .at(-1)
    ?.verdicts.find(({ gate }) => gate.startsWith(STAGE_GATE));
  if (verdict === undefined) return null;
  const grant = grantIn(verdict);
  const granted = allOf(all, "stage.granted").find(({ subject }) => subject === grant);
  return {
    stage: verdict.gate.slice(STAGE_GATE.length),
    grant,
    granted: granted === undefined ? null : { seq: granted.seq, actor: granted.actor, action: granted.facts.action },
  };
}

const STAGE_GATE = "stage/";

function grantIn({ gate, evidence }: Verdict): string | null {
  const { grant } = evidence;
  return gate.startsWith(STAGE_GATE) && typeof grant === "string" ? grant : null;
}

const LEVEL_GATE = "level/";

function levelGrantIn({ gate, evidence }: Verdict): string | null {
  const { grant } = evidence;
  return gate.startsWith(LEVEL_GATE) && typeof grant === "string" ? grant : null;
}

function levelSource(own: readonly KernelEvent[], all: readonly KernelEvent[]): LevelSource | null {
  const verdict = evaluationsOf(own)
    .at(-1)
    ?.verdicts.find(({ gate }) => gate.startsWith(LEVEL_GATE));
  if (verdict === undefined) return null;
  const [level, grant] = [Number(verdict.gate.slice(LEVEL_GATE.length)), levelGrantIn(verdict)];
  const granted = allOf(all, "level.granted").find(({ subject }) => subject === grant);
  if (granted === undefined) return { level, grant, granted: null };
  const { agent, action, expiresAt } = granted.facts;
  const answers = answersOf(all.filter(({ subject }) => subject === action));
  return { level, grant, granted: { seq: granted.seq, agent, action, expiresAt, answers } };
}

function answersOf(events: readonly KernelEvent[]): readonly Answer[] {
  return events.flatMap((event) => {
    const answer = answerOf(event);
    return answer === null ? [] : [answer];
  });
}

function constraintsOf(proposed: Of<"action.proposed">, own: readonly KernelEvent[]): Constraints {
  const granted = allOf(own, "action.granted").at(-1);
  const stops = own.filter((event) => STOPS.has(event.type)).map((event) => smallFacts(event)["code"] ?? event.type);
  const planned = allOf(own, "action.planned").at(-1)?.facts;
  const { planHash, inverse = null, findings = null } = planned ?? proposed.facts;
  const stoppedBy = stops.at(-1);
  return {
    evaluations: evaluationsOf(own),
    limits: granted?.facts.reservations ?? [],
    holds: holdsOf(own),
    window: proposed.facts.window ?? null,
    waits: waitsOf(own),
    planHash,
    grantExpiresAt: granted?.facts.expiresAt ?? null,
    revertGrant: granted?.facts.revertGrant ?? null,
    dryRun: granted?.facts.dryRun ?? false,
    reversible: planned === undefined ? proposed.facts.reversible : inverse !== null,
    inverse,
    findings,
    repeat: proposed.facts.repeat,
    stoppedBy: stoppedBy === undefined ? null : String(stoppedBy),
  };
}

function waitsOf(own: readonly KernelEvent[]): Constraints["waits"] {
  const waits = allOf(own, "action.waiting");
  const asked = allOf(own, "action.still-waiting");
  return waits.map(({ seq, time, facts: { code, until, behind } }, i) => {
    const endSeq = waits[i + 1]?.seq ?? Infinity;
    const because = asked.findLast((one) => one.seq > seq && one.seq < endSeq)?.facts.because ?? null;
    return { seq, time, code, until, behind, because };
  });
}

const STOPS: ReadonlySet<string> = new Set([
  "action.advised",
  "action.grant-revoked",
  "action.refused",
  "action.suppressed",
  "action.denied",
  "action.cancelled",
  "action.expired",
]);

function triageOf({ facts: { run } }: Of<"action.proposed">, all: readonly KernelEvent[]): Triage | null {
  const ofRun = all.filter(({ subject }) => subject === run);
  const signal = allOf(ofRun, "run.opened").at(-1)?.facts.signal ?? null;
  const classified = allOf(ofRun, "run.classified").at(-1);
  const unclassified = allOf(ofRun, "run.unclassified").at(-1);
  const ended = classified ?? unclassified;
  if (run === null || ended === undefined) return null;
  const { code = null, problems = [] } = unclassified?.facts ?? {};
  const classification = classified?.facts.classification ?? null;
  return { run, signal, seq: ended.seq, classifier: answeredBy(ended), classification, code, problems };
}

function evaluationsOf(own: readonly KernelEvent[]): readonly EvaluationStep[] {
  const steps: EvaluationStep[] = [];
  for (const event of own) {
    const { evaluation } = event.facts as { readonly evaluation?: EvaluationFacts | null };
    if (evaluation) steps.push({ seq: event.seq, ...evaluation });
  }
  return steps;
}

function holdsOf(own: readonly KernelEvent[]): readonly HoldStep[] {
  const held = allOf(own, "action.held").map(({ seq, facts }) => ({ ...holdStep(seq, facts), route: facts.route }));
  const escalated = allOf(own, "hold.escalated").map(({ seq, facts }) => ({
    ...holdStep(seq, facts),
    step: facts.step,
  }));
  return [...held, ...escalated].sort((a, b) => a.seq - b.seq);
}

function holdStep(seq: number, { asks, deadline }: { readonly asks: Asks; readonly deadline: number }): HoldStep {
  return { seq, route: null, step: 0, roles: rolesAsked(asks), asks: asksText(asks), deadline };
}

/** What the last dry run of its inverse told. */
function inverseCheckOf(own: readonly KernelEvent[]): Explanation["inverseCheck"] {
  const checked = allOf(own, "inverse.checked").at(-1);
  if (checked === undefined) return null;
  const { seq, time: at, facts } = checked;
  const { result, code, planHash, tries } = facts;
  return { seq, at, result, code, planHash, tries };
}

function labelStep({ seq, time: at, actor, facts }: Of<"action.labelled">): LabelStep {
  const { label, faults, person, replaces } = facts;
  return { seq, at, actor, person, label, faults, replaces };
}

function pathStep(event: KernelEvent): PathStep {
  const { seq, time, type, actor, command } = event;
  return { seq, time, type, actor, command, by: event.facts.by ?? null, facts: smallFacts(event) };
}
