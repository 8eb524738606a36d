// The kernel's state: what apply folds events into. Everything in it is bounded and serialisable.

import type { Shares } from "./bounded.ts";
import { ENDED_STATUSES, type ActionStatus } from "../wire/types/action-status.ts";
import type { Severity } from "../wire/types/classification.ts";
import type { ProposalSignature } from "../wire/types/agent.ts";
import type { ImageFact } from "../wire/types/image.ts";
import type { LevelScope } from "../wire/types/level.ts";
import type { PlanFindings } from "../wire/types/risk.ts";
import type { Measuring, Predicted } from "./predicted.ts";
import type { Stage } from "../wire/types/stage.ts";
import type { SilenceTerms } from "../wire/types/silence.ts";
import type { Advice } from "./advice.ts";
import type { Agent } from "./agent.ts";
import type { Holder } from "./rights.ts";
import type { SignalFacts } from "./signal-facts.ts";
import type { GrantSet } from "./grant-sets.ts";
import type { Grant, Verifying } from "./grant-state.ts";
import type { Consent, Hold, OwedReview } from "./hold-state.ts";
import type { Impact } from "./impact.ts";
import type { Change } from "./changes.ts";
import type { InverseDue } from "./inverse-due.ts";
import type { Joins } from "./joins.ts";
import type { Stands, Ticket } from "./stands.ts";
import type { Counter, Delivery, DuplicateMark, Firing, IdempotencyMark, Rehearsal } from "./tables.ts";
import type { Waiting } from "./waits.ts";
import type { BrakeScope, InverseFacts, StopEnds } from "./events.ts";
import type { ActionWindow, EvidenceCounts, KeptFacts, ProposalFacts } from "./proposal-facts.ts";

export type Action = KeptFacts & {
  readonly id: string;
  readonly agent: string;
  /** An agent's; people propose with their token alone. */
  readonly signed: ProposalSignature | null;
  /** The agents above its own when it was proposed; absent where there are none. */
  above?: readonly string[];
  readonly proposedAt: number;
  /** Sequence of the event whose payload holds the proposal, and of the one that holds the plan. */
  readonly contentSeq: number;
  planSeq: number | null;
  planHash: string | null;
  /** Why its plan needs a person's signature, whatever policy says; absent where it needs none. */
  signature?: string;
  size?: number;
  findings?: PlanFindings;
  images?: readonly ImageFact[];
  change?: string;
  inverse?: InverseFacts;
  window?: ActionWindow;
  /** Something outside has to come before a step of it begins; absent where nothing has to. */
  awaits?: true;
  evidence?: EvidenceCounts;
  /** In how many goes it is carried out, which one is next or under way, and the attempts of those before it. */
  phases?: number;
  phase?: number;
  attemptsBefore?: number;
  /** Over as soon as it is decided. */
  dryRun?: true;
  /** The action that it takes back, by itself or because somebody asked, and whether it cannot see what changed since. */
  revertOf?: string;
  undoes?: string;
  blind?: true;
  /** From the end of its step to the end of its verification. */
  verifying?: Verifying;
  /** The event whose payload says what its step left behind, for whoever takes it back. */
  endSeq?: number;
  /** The event that asked for a prediction which has not come yet. */
  predicting?: number;
  /** The last one. */
  prediction?: Predicted;
  status: ActionStatus;
  /** `gate verdict code` of the last evaluation: the justification executors append. */
  verdicts: readonly string[];
  hold: Hold | null;
  /** Null until the quorum of its hold was met. */
  consent: Consent | null;
  grant: Grant | null;
  attempt: number;
  /** An attempt may have taken effect, and nothing since has told whether it did; or a part of it has. */
  unsettled: boolean;
  /** Of the last attempt, and of the first one of all phases; absent before there was one. */
  stepStartedAt: number;
  beganAt?: number;
  /** Brakes that found its step in flight and do not know yet how that ended. */
  foundBy: readonly string[];
  /** When something is due by itself: hold, planning or grant deadline, or a retry. */
  dueAt: number | null;
};

export type IncidentSignal = {
  readonly id: string;
  readonly service: string;
  readonly source: string;
  readonly detector: string;
  /** An AI made it, or another signal did: it confirms nothing. */
  readonly derived?: true;
};

/** A page that may have been sent, so that a resolve has to close it. */
export type Page = {
  readonly action: string;
  /** The incident, or the storm, under whose key it stands at the pager: an absorbed incident's page keeps its own. */
  readonly of: string;
  readonly severity: Severity;
  /** The marks that it set. */
  readonly duplicateKeys: readonly string[];
  /** When its last attempt began. */
  readonly at: number;
};

export type Incident = {
  readonly id: string;
  readonly environment: string;
  /** What it is named after: its first signal's. */
  readonly service: string;
  readonly signature: string;
  readonly openedAt: number;
  /** All that it names, each bounded; what comes beyond is counted only. */
  services: string[];
  failures: string[];
  /** `service|signature`. */
  holds: string[];
  /** Incidents that it absorbed: what is still under way on their behalf goes on as its own. */
  absorbed: string[];
  /** Incidents that people split from it, or it from: they are not joined again. */
  apart: string[];
  /** When it was opened again, of the last half hour. */
  reopenedAt: number[];
  /** It comes and goes: the end of its last alert is not its end yet, only quiet is. */
  flapping: boolean;
  /** The one source that it is known from; null when there are several. */
  source: string | null;
  /** What explains it is recorded. */
  explained?: true;
  lastSignalAt: number;
  lastRunAt: number;
  lastRun: string | null;
  /** The worst that any of its signals claimed. */
  claimedSeverity: string;
  signals: IncidentSignal[];
  signalCount: number;
  /** Alerts still firing; beyond a bound one entry stands for the rest, and only idleness ends those. */
  firing: Firing[];
  /** When the first of them lapses; null where all of them tell of their end. */
  lapsesAt: number | null;
  /** A page it asked for did not go out: from then on its next delivery, even a repeated one, is triaged again. */
  retriageAt: number | null;
  page: Page | null;
  ticket: Ticket | null;
  /** How it stands at the pager and the tracker by their own word, where they said so. */
  stands: Stands;
  /** Action that waits for human review on behalf of this incident, one at a time. */
  review: string | null;
  /** What that review keeps waiting: asked for again once it is approved, one of a kind. */
  covered: CoveredAction[];
};

/** Many services of one environment fire at once. */
export type Storm = {
  readonly id: string;
  readonly environment: string;
  /** The one whose signal made it a storm: under its name the page is sent. */
  readonly service: string;
  readonly openedAt: number;
  /** Until then so many services have fired within the window. */
  wideUntil: number;
  page: Page | null;
  /** When its page is asked for again, of which nobody heard. */
  pageDueAt: number | null;
};

/** Maintenance: what fires of it waits until it is over. */
export type Silence = SilenceTerms & {
  readonly id: string;
  /** It keeps nothing quiet any more, and goes when none of its alerts waits to be triaged. */
  readonly hasEnded: boolean;
  /** Alerts that it keeps quiet. */
  readonly alerts: number;
};

/** An alert that fires under a silence: what it takes to triage it afterwards. */
export type SilencedAlert = Pick<
  SignalFacts,
  | "source"
  | "detector"
  | "environment"
  | "service"
  | "signature"
  | "failure"
  | "deliveryKey"
  | "claimedSeverity"
  | "derived"
  | "endless"
> & { readonly silence: string; readonly signal: string; readonly at: number };

/** An incident that ended, kept for as long as it may come back. */
export type ResolvedIncident = {
  readonly incident: Incident;
  readonly resolvedAt: number;
  /** Under whose key its page is being closed; null when there was none. */
  readonly closing: string | null;
};

export type CoveredAction = Pick<ProposalFacts, "kind" | "run" | "classification"> & { readonly signal: string | null };

/** A page that has to be closed at the pager though its incident has left memory: the attempts to do so have ended. */
export type OwedResolve = Pick<Incident, "id" | "environment" | "service" | "signature"> & {
  readonly run: string | null;
  /** Attempts that came to nothing; those that a brake held back do not count. */
  readonly tries: number;
  /** When the next one may begin; null while one is under way. */
  readonly dueAt: number | null;
};

/** A ticket that has to be resolved though the attempt to do so has ended. */
export type OwedEnd = OwedResolve & { readonly ticket: string };

export type Run = {
  readonly id: string;
  readonly incident: string;
  readonly signal: string;
  readonly deadline: number;
};

export type Brake = {
  readonly id: string;
  readonly mode: "pause" | "dry-run";
  readonly scope: BrakeScope;
  readonly appliedAt: number;
  /** Of an incident's commander; null for any other. */
  readonly command: { readonly incident: string; readonly person: string; readonly follows: boolean } | null;
  /** What is known of the steps that a pause found in flight; null once it is reported. */
  report: StopReport | null;
};

export type StopReport = {
  /** How many of them have not ended. */
  readonly open: number;
  readonly ends: StopEnds;
  /** From the brake to the latest end so far. */
  readonly propagationMs: number;
  readonly clock: "monotonic" | "ledger";
  readonly dueAt: number;
};

/** The last stage that was granted to the triage agent; see stage.ts for which one is in force. */
export type StageGrant = {
  readonly id: string;
  readonly stage: Stage;
  /** Null for shadow alone, which has no end. */
  readonly expiresAt: number | null;
  /** Its end is on record. */
  readonly expired: boolean;
};

/** A grant of level to an agent: see kernel/levels. */
export type LevelGrant = Omit<LevelScope, "agent"> & {
  readonly id: string;
  /** The `level.grant` that asked for it. */
  readonly action: string;
};

export type State = {
  nextSeq: number;
  /** Time of the last event, milliseconds since the epoch. */
  time: number;
  /** Number of engine starts. */
  epoch: number;
  engine: string;
  bundleHash: string | null;
  policyMode: "file" | "governed";
  proposedBundles: Map<string, number>;
  brakes: Map<string, Brake>;
  stage: StageGrant | null;
  /** By id, in order of their first registration; revoked ones too. */
  agents: Map<string, Agent>;
  /** Of people and groups, by id; also of those that lost them. */
  rights: Map<string, Holder>;
  /** By agent, those that have not ended. */
  levels: Map<string, readonly LevelGrant[]>;
  incidents: Map<string, Incident>;
  /** In order of their ends. */
  resolved: Map<string, ResolvedIncident>;
  /** When a service fired last, by `environment|service`, in order of these times. */
  firingServices: Map<string, number>;
  /** By environment. */
  storms: Map<string, Storm>;
  silences: Map<string, Silence>;
  /** By the alert's key. */
  silenced: Map<string, SilencedAlert>;
  /** By action, in the order in which they took effect. */
  measuring: Map<string, Measuring>;
  /** By `environment|service`, in the order in which they began; see changes. */
  changes: Map<string, readonly Change[]>;
  /** By action, those whose inverse is to be tried without an effect, in the order in which they took theirs. */
  inverses: Map<string, InverseDue>;
  runs: Map<string, Run>;
  actions: Map<string, Action>;
  /** Bounded grants, in the order in which they were given. */
  sets: Map<string, GrantSet>;
  /** Actions that wait to begin, in the order in which they came. */
  waiting: Map<string, Waiting>;
  /** By action, in the order in which it was given. */
  advice: Map<string, Advice>;
  counters: Map<string, Counter>;
  impacts: Map<string, Impact>;
  duplicates: Map<string, DuplicateMark>;
  rehearsals: Map<string, Rehearsal>;
  idempotency: Map<string, IdempotencyMark>;
  deliveries: Map<string, Delivery>;
  /** By incident. */
  owedResolves: Map<string, OwedResolve>;
  /** What is being taken back, by the action that does it. */
  reverts: Map<string, string>;
  /** Where a revert failed, by `environment|service`, and whose. */
  blocked: Map<string, string>;
  /** By the ticket's name. */
  owedEnds: Map<string, OwedEnd>;
  /** In order of the glass that was broken. */
  reviews: Map<string, OwedReview>;
  /** Keys of shared tables by whose they are, see Shares; derived from the tables. */
  shares: { incidents: Shares; deliveries: Shares; idempotency: Shares; advice: Shares };
  /** Open incident by `environment|service|signature`; derived from `incidents`. */
  incidentByKey: Map<string, string>;
  /** What else signals find incidents by; derived from `incidents` and `resolved`, see incident-index. */
  joins: Joins;
};

export function emptyState(): State {
  return {
    nextSeq: 0,
    time: 0,
    epoch: 0,
    engine: "",
    bundleHash: null,
    policyMode: "file",
    proposedBundles: new Map(),
    brakes: new Map(),
    stage: null,
    agents: new Map(),
    rights: new Map(),
    levels: new Map(),
    incidents: new Map(),
    resolved: new Map(),
    firingServices: new Map(),
    storms: new Map(),
    silences: new Map(),
    silenced: new Map(),
    measuring: new Map(),
    changes: new Map(),
    inverses: new Map(),
    runs: new Map(),
    actions: new Map(),
    sets: new Map(),
    waiting: new Map(),
    advice: new Map(),
    counters: new Map(),
    impacts: new Map(),
    duplicates: new Map(),
    rehearsals: new Map(),
    idempotency: new Map(),
    deliveries: new Map(),
    owedResolves: new Map(),
    reverts: new Map(),
    blocked: new Map(),
    owedEnds: new Map(),
    reviews: new Map(),
    shares: { incidents: new Map(), deliveries: new Map(), idempotency: new Map(), advice: new Map() },
    incidentByKey: new Map(),
    joins: { services: new Map(), failures: new Map(), resolved: new Map(), absorbed: new Map() },
  };
}

export function incidentKey(of: { environment: string; service: string; signature: string }): string {
  return `${of.environment}|${of.service}|${of.signature}`;
}

/** In whose share an incident is: of its only source, else in that of those which several sources confirm. */
export function incidentOwner({ source }: Pick<Incident, "source">): string {
  return source ?? "";
}

/** True when the action has left the kernel's memory for good. */
export function hasEnded(status: ActionStatus): boolean {
  return ENDED_STATUSES.has(status);
}
