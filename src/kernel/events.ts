// Every event the kernel records, with the shape of its facts. A released shape never changes: it gets a new version.

import type { JsonObject } from "../core/json.ts";
import type { GrantSetScope } from "../wire/types/grant-set.ts";
import type { ReviewOutcome } from "../wire/types/approvals.ts";
import type {
  ApprovalGivenFacts,
  ApprovalWithdrawnFacts,
  ApprovedFacts,
  EscalatedFacts,
  GlassBrokenFacts,
  HeldFacts,
} from "./hold-facts.ts";
import type { AdvisedFacts, LabelledFacts } from "./advice.ts";
import type { JoinedBy, NotedFacts, ReceivedFacts } from "./signal-facts.ts";
import type { ProposalFacts } from "./proposal-facts.ts";
import type { Spent } from "./grant-sets.ts";
import type { Consent } from "./hold-state.ts";
import type { StillWaitingFacts, WaitEnd, WaitingFacts } from "./waits.ts";
import type { Repeatability } from "../wire/contracts/executor.ts";
import type { ActionStatus } from "../wire/types/action-status.ts";
import type { LedgerEvent, Payload } from "../wire/types/event.ts";
import type { SessionEnd } from "../wire/types/identity.ts";
import type { Severity } from "../wire/types/classification.ts";
import type { HealthResult, Verification } from "../wire/types/health.ts";
import type { LevelScope } from "../wire/types/level.ts";
import type { AgentRegistration } from "../wire/types/agent.ts";
import type { Rights } from "../wire/types/rights.ts";
import type { Explanation } from "../wire/types/explanation.ts";
import type { InverseCheck } from "../wire/types/inverse-check.ts";
import type { Impact, Prediction } from "../wire/types/prediction.ts";
import type { SilenceTerms } from "../wire/types/silence.ts";
import type { ImageFact } from "../wire/types/image.ts";
import type { PlanFindings } from "../wire/types/risk.ts";
import type { Relation } from "../wire/types/relation.ts";
import type { Stage } from "../wire/types/stage.ts";
import type { Reservation, Verdict } from "../wire/types/verdict.ts";

export type ClassificationFacts = {
  readonly severity: Severity;
  /** Parts per million: decisions compare integers, and replay is exact. */
  readonly confidencePpm: number;
  readonly requiresTicket: boolean;
  readonly requiresPaging: boolean;
  readonly requiresMim: boolean;
  readonly team: string;
};

export type EvaluationFacts = {
  readonly decision: "allow" | "hold" | "refuse";
  readonly verdicts: readonly Verdict[];
  readonly bundleHash: string;
  readonly engine: string;
};

export type BrakeScope = {
  readonly agent?: string;
  /** The person behind what is proposed: the owner of an agent, or who proposed it. */
  readonly owner?: string;
  /** A kind, or a class of them: `servicenow.*`. */
  readonly kind?: string;
  readonly environment?: string;
  readonly service?: string;
  /** Of an incident's commander: any of these services, agents alone, and what is let through. */
  readonly services?: readonly string[];
  readonly agentKind?: "agent";
  readonly exceptAgents?: readonly string[];
  readonly exceptKinds?: readonly string[];
};

/**
 * How a step that a pause found in flight ended. `stopped`: it had no effect, for certain. `finished`: it took effect.
 * `partial`: a part of it did. `unconfirmed`: nobody could tell.
 */
export type StopEnd = "stopped" | "finished" | "partial" | "unconfirmed";
export type StopEnds = { readonly [E in StopEnd]: number };
/**
 * Where a brake finds something. `in-flight`: a step runs, or nobody knows yet how it ended. `granted`: nothing of it
 * runs, and its next step may start at any moment. `scheduled`: it starts by itself later. `held` and `evaluating`: it
 * is not decided.
 */
export type StopStage = "in-flight" | "granted" | "scheduled" | "held" | "evaluating";
export type StopCounts = { readonly [S in StopStage]: number };
export type StopFact = {
  readonly brake: string;
  readonly end: StopEnd;
  /** From the brake to the end of the call as it was observed. */
  readonly afterMs: number;
  /** `ledger`: the process that pulled the brake is gone, and the difference of two events' times has to do. */
  readonly clock: "monotonic" | "ledger";
};

export type StepStatus = "succeeded" | "failed" | "retry" | "partial" | "unknown";
export type RefusalCounts = { readonly [code: string]: number };

type RegisteredFacts = { readonly action: string; readonly parents: readonly string[]; readonly forgets?: string };

/** `forgets` names what a full table lost for the entry that the event makes: later decisions do not know it any more. */
export type EventFacts = {
  "log.opened": { readonly format: number };
  "engine.started": { readonly engine: string };
  "policy.proposed": { readonly bundleHash: string };
  "policy.activated": { readonly bundleHash: string; readonly mode: "file" | "governed" };
  "signal.received": ReceivedFacts;
  /** It still fires after its silence: from now on it is as any other. */
  "signal.released": {
    /** The alert's key: its delivery's, without the status. */
    readonly alert: string;
    readonly silence: string;
    readonly incident: string;
    readonly joinedBy: JoinedBy;
  };
  "signal.quarantined": {
    readonly source: string;
    readonly reason: string;
    readonly deliveryKey: string;
    readonly forgets?: string;
  };
  "signal.suppressed": { readonly signal: string; readonly duplicateOf: string };
  "signal.unmatched": { readonly signal: string };
  "incident.opened": { readonly environment: string; readonly service: string; readonly signature: string };
  /** It had ended; its id, and all that goes by it, is the same as before. */
  "incident.reopened": Record<string, never>;
  "incident.flapping": { readonly times: number };
  /** The runtime model measured that one's failure is the other's: one of the two absorbs the other next. */
  "incident.related": Relation & { readonly with: string; readonly modelVersion: number };
  /** What the runtime model found to explain it, when it ended. Its payload holds what spoke for that. */
  "incident.explained": { readonly explanation: Explanation };
  /** The subject is absorbed: all it names is the other's from now on. */
  "incident.merged": { readonly into: string };
  /** People say that these services fail for another reason. */
  "incident.split": { readonly into: string; readonly services: readonly string[] };
  /** So many of its alerts never tell of their end and were not heard of for long: they count as over. */
  "incident.lapsed": { readonly alerts: number };
  "incident.resolved": { readonly code: "all-clear" | "quiet" | "idle" | "evicted" };
  /** A pager's or a tracker's word about it; of a ticket that is of no incident the subject is its action. */
  "incident.noted": NotedFacts;
  "storm.opened": { readonly environment: string; readonly service: string; readonly services: number };
  "storm.ended": { readonly environment: string };
  "silence.created": SilenceTerms & { readonly action: string };
  /** Nobody's word is needed for either: its time was over, or somebody ended it. */
  "silence.ended": { readonly code: "expired" | "ended" };
  "run.opened": { readonly incident: string; readonly signal: string; readonly deadline: number };
  "run.classified": {
    readonly classification: ClassificationFacts;
    readonly provider: string;
    readonly model: string;
    readonly modelVersion: string;
    readonly promptHash: string;
    readonly answerHash: string;
    /** Absent where nothing was counted. */
    readonly inputTokens?: number;
    readonly outputTokens?: number;
    readonly actions: number;
  };
  "run.unclassified": { readonly code: string; readonly problems: readonly string[] };
  "action.proposed": ProposalFacts & { readonly deadline: number | null; readonly forgets?: string };
  "action.planned": {
    readonly planHash: string;
    readonly awaits?: true;
    readonly signature?: string;
    readonly inverse?: InverseFacts;
    readonly size?: number;
    readonly phases?: number;
    /** What it puts at risk; absent where nothing was found. */
    readonly findings?: PlanFindings;
    /** The images that it brings, as they were verified; absent where it brings none. */
    readonly images?: readonly ImageFact[];
    /** SHA-256 of what it does wherever it is done; absent where its plan does not say. */
    readonly change?: string;
  };
  /** Policy cannot tell without what the runtime model predicts: until the deadline it is asked. */
  "action.prediction-asked": { readonly deadline: number };
  /** Its answer, or that there was none: every gate is asked again, and reads this. */
  "action.predicted": { readonly prediction: Prediction };
  /** What takes the action back was tried without an effect; again at `againAt` where nobody could tell. */
  "inverse.checked": InverseCheck & { readonly againAt: number | null };
  /** What the action really did, measured from telemetry once what followed it was counted. */
  "impact.measured": Impact;
  "action.advised": AdvisedFacts;
  /** Somebody said what the advice was worth. Its payload holds the reason. */
  "action.labelled": LabelledFacts;
  "action.refused": { readonly evaluation: EvaluationFacts | null; readonly code: string };
  "action.suppressed": { readonly evaluation: EvaluationFacts | null; readonly duplicateOf: string };
  "action.waiting": WaitingFacts;
  "action.still-waiting": StillWaitingFacts;
  "action.held": HeldFacts;
  /** The window of a step ended without enough answers: the next one is asked. */
  "hold.escalated": EscalatedFacts;
  /** A pause covers what it asks about: its clock stands still, until it is resumed or at the latest at `until`. */
  "hold.frozen": { readonly hold: string; readonly remainingMs: number; readonly until: number };
  "hold.resumed": { readonly hold: string; readonly frozenMs: number; readonly deadline: number };
  "hold.reminded": { readonly hold: string; readonly step: number; readonly remindAt: number | null };
  /** One of several that the step asks for. */
  "action.approval-given": ApprovalGivenFacts;
  /** `withdrawn` by whoever gave it; `not-standing`: found to be nobody's any more who could give it. */
  "action.approval-withdrawn": ApprovalWithdrawnFacts;
  /** The quorum is met. */
  "action.approved": ApprovedFacts;
  /** One of several whom it takes. */
  "action.glass-asked": ApprovalGivenFacts;
  /** It goes at once, without the quorum of its hold; a review is owed. */
  "action.glass-broken": GlassBrokenFacts;
  "review.given": {
    readonly action: string;
    readonly outcome: ReviewOutcome;
    readonly person: string | null;
  };
  "review.overdue": { readonly action: string };
  "action.denied": { readonly hold: string; readonly planHash: string; readonly person: string | null };
  "action.cancelled": { readonly code: string };
  /** A timeout; nobody decided this. */
  "action.expired": { readonly code: "hold-timeout" | "grant-timeout" | WaitEnd };
  "action.granted": {
    readonly evaluation: EvaluationFacts;
    readonly grant: string;
    readonly planHash: string;
    readonly expiresAt: number;
    readonly reservations: readonly Reservation[];
    /** Keys of duplicate gates that this action now holds. */
    readonly duplicateKeys: readonly string[];
    /** Keys that they push out. */
    readonly forgets?: readonly string[];
    readonly dryRun: boolean;
    /** What must be checked afterwards; absent when nothing is. */
    readonly verify?: VerifyTerms;
    /** Under which it is taken back should it fail that, whatever is paused by then; absent when it cannot be. */
    readonly revertGrant?: string;
    /** The level without which it is worth nothing; absent where levels do not apply. */
    readonly levelNeeded?: number;
    /** The bounded grant under which nobody was asked, and how much of that it takes; absent for all others. */
    readonly under?: Spent;
    /** Why the grant is the end of it, since nothing outside is to happen; null when something is. */
    readonly completed: "recorded" | "dry-run" | null;
  };
  /** Bounded: by those whom its route asks, who need not be asked about each action then. */
  "grant.created": GrantSetScope & { readonly action: string } & Pick<Consent, "approvals" | "asks" | "step">;
  "grant.revoked": { readonly agent: string; readonly code: "by-request" | "given-up" | "agent-revoked" };
  "grant.expired": { readonly agent: string };
  /** Taken back: what is under way is stopped and asked about, the rest ends with this. */
  "action.grant-revoked": {
    readonly grant: string;
    readonly code:
      | "by-request"
      | "given-up"
      | "set-revoked"
      | "agent-revoked"
      | "level-revoked"
      | "level-expired"
      | "level-lost"
      | "phase-stopped";
    /** As it stands after that: unchanged while a call is under way. */
    readonly status: ActionStatus;
  };
  "action.completed": {
    /**
     * `unsettled`: its grant ran out, or a later change began, while nobody knew whether an attempt had taken effect.
     * `page-open`: the last of many attempts to close a page came to nothing. `unhealthy`: it failed its checks and
     * nothing takes it back. `revert-failed`: what should have taken it back did not.
     */
    readonly code: "applied" | "failed" | "unsettled" | "page-open" | "unhealthy" | "revert-failed";
    readonly status: "succeeded" | "failed" | "needs-attention";
  };
  "step.started": { readonly attempt: number; readonly epoch: number; readonly phase?: number };
  /** The checks after a phase have passed: the next one may begin, until `beginBy`. */
  "action.advanced": { readonly phase: number; readonly samples: number; readonly beginBy: number };
  "step.finished": {
    readonly attempt: number;
    readonly status: StepStatus;
    readonly code: string;
    /** When a retry may start; null unless the status is `retry`. */
    readonly retryAt: number | null;
    readonly action: ActionStatus;
    /** Present when brakes found it in flight. */
    readonly stops?: readonly StopFact[];
  };
  "step.reconciled": {
    readonly attempt: number;
    readonly status: "happened" | "absent" | "partial" | "unclear";
    /** When to ask again; null unless the answer may still come. */
    readonly retryAt: number | null;
    readonly action: ActionStatus;
    readonly stops?: readonly StopFact[];
  };
  "brake.applied": {
    readonly mode: "pause" | "dry-run";
    readonly scope: BrakeScope;
    /** What it found, by how far it had come. */
    readonly counts: StopCounts;
    /** Actions whose step was under way, and those whose next step could have begun; bounded, all of them are counted. */
    readonly inFlight: readonly string[];
    readonly waiting: readonly string[];
    /** Of an incident's commander. `follows`: it gets wider as the incident does. */
    readonly command?: { readonly incident: string; readonly person: string; readonly follows: boolean };
  };
  /** The incident that its commander holds agents back for names more, or was absorbed: the pause goes with it. */
  "brake.followed": { readonly brake: string; readonly incident: string; readonly scope: BrakeScope };
  /** What became of the steps that a pause found in flight. */
  "brake.reported": {
    readonly brake: string;
    readonly ends: StopEnds;
    /** Steps of which the end is not known yet. */
    readonly open: number;
    /** From the brake to the last observed end; null while some are open. */
    readonly propagationMs: number | null;
    readonly clock: "monotonic" | "ledger";
  };
  "health.sampled": {
    /** From 1. */
    readonly sample: number;
    readonly result: HealthResult;
    /** Names of the checks that did not pass. */
    readonly failed: readonly string[];
    readonly passes: number;
    readonly failures: number;
    /** When the next one is due. */
    readonly nextAt: number;
  };
  "action.verified": { readonly samples: number };
  "action.reverting": { readonly code: RevertCode; readonly revert: string; readonly grant: string };
  "action.reverted": { readonly revert: string };
  /** Nothing more is done there until people have released it: a revert failed. */
  "domain.blocked": { readonly environment: string; readonly service: string; readonly action: string };
  "domain.released": { readonly domain: string };
  "brake.released": {
    readonly brake: string;
    /** By an approved action, or at the end of a command: the incident is over, its commander ended or replaced it. */
    readonly code: "approved" | "incident-over" | "handed-back" | "replaced";
  };
  "stage.granted": {
    readonly stage: Stage;
    readonly expiresAt: number | null;
    /** The `stage.set` that asked for it; null for the initial grant. */
    readonly action: string | null;
    /** Of the root key over the initial grant, base64: see ledger/stage-statement. Null for all others. */
    readonly signature: string | null;
  };
  "stage.expired": { readonly stage: Stage };
  /** For the first time, or again with other keys, models or bounds. `forgets` names a revoked one that made room. */
  "agent.registered": AgentRegistration & RegisteredFacts;
  /** `levels`: its grants of level, which end with it; absent where it had none. */
  "agent.revoked": { readonly of: string; readonly levels?: readonly string[] };
  /** Who had which rights when the log was installed; or, by whoever has its data folder, who gets them back. */
  "rights.installed": { readonly holders: readonly Rights[]; readonly recovery: boolean };
  /** For the first time, or in place of those before. */
  "rights.given": Rights & { readonly action: string };
  "rights.revoked": Record<string, never>;
  "proposal.refused": { readonly code: string };
  "level.granted": LevelScope & { readonly action: string };
  "level.revoked": { readonly agent: string; readonly action: string };
  "level.expired": { readonly agent: string };
  /** Somebody signed in: with which roles, and until when at the latest. `issuer`: the one that vouched, if another did. */
  "session.opened": {
    readonly identity: string;
    readonly issuer: string | null;
    readonly roles: readonly string[];
    readonly expiresAt: number;
  };
  "session.ended": { readonly identity: string; readonly code: SessionEnd };
  "refusals.counted": { readonly minute: number; readonly source: string; readonly counts: RefusalCounts };
  /** Nothing but the proof that an event can be decided and made durable. */
  "heartbeat.proven": Record<string, never>;
  "payload.erased": { readonly keyId: string; readonly ofSubject: string; readonly retention: string };
};

/** How a plan is taken back: the kind that does it, and SHA-256 over the proposal that its plan names as its inverse. */
export type InverseFacts = {
  readonly kind: string;
  readonly repeat: Repeatability;
  readonly hash: string;
  /** It cannot see what changed since: see `Plan.blind`. */
  readonly blind?: true;
};

/** Why a revert began: a check failed, nobody could tell, or not enough passed in time. */
export type RevertCode = "unhealthy" | "health-unknown" | "not-healthy-in-time" | "phase-failed" | "phase-stopped";

/** A verification as it was when the action was granted; its checks are in the bundle of that hash. */
export type VerifyTerms = Omit<Verification, "checks" | "onFailure"> & {
  readonly bundle: string;
  readonly reverts: boolean;
};

export type EventType = keyof EventFacts;

export type Draft<T extends EventType = EventType> = {
  readonly type: T;
  readonly subject: string;
  readonly facts: EventFacts[T];
  readonly payload?: Payload;
};

/** A recorded event whose facts have the declared shape; the first of a command also carries its input. */
export type KernelEvent<T extends EventType = EventType> = Omit<LedgerEvent, "facts" | "type"> & {
  readonly type: T;
  readonly facts: EventFacts[T] & { readonly by?: string; readonly input?: JsonObject };
};

/** The version that new events are written in. */
export const EVENT_VERSION = 1;
