// Documents of the read views: what lists, describe and the console show. Made of recorded facts alone, no payloads.

import { ENDED_STATUSES, type ActionStatus } from "./action-status.ts";
import type { DeclaredModel, DeclaredRead, ProposalSignature } from "./agent.ts";
import type { ApproverView } from "./approver-views.ts";
import type { AnswerView, HoldView, ReviewView } from "./approval-views.ts";
import type { Severity } from "./classification.ts";
import type { GrantView, LevelView } from "./grant-views.ts";
import type { IncidentView, SilenceView, StormView } from "./incident-views.ts";
import type { LabelView } from "./label.ts";
import type { VerificationView } from "./health.ts";
import type { PlanFindings } from "./risk.ts";
import type { InverseCheckView } from "./inverse-check.ts";
import type { SignalStatus } from "./signal.ts";
import type { ImpactView, PredictionView } from "./prediction.ts";
import type { StopView } from "./stop-views.ts";
import type { Stage } from "./stage.ts";
import type { Verdict } from "./verdict.ts";
import type { ActionReference, Document } from "./view-document.ts";
import type { WaitsView } from "./waits-view.ts";

/** Instants are milliseconds since the epoch, here and below. */
export interface SignalView extends Document {
  readonly status: "received" | "silenced" | "triaged" | "suppressed" | "unmatched" | "resolved" | "quarantined";
  readonly time: number;
  readonly actor: string;
  readonly source: string;
  readonly deliveryKey: string;
  /** Null in a quarantined signal, as are the other facts that only a whole signal has. */
  readonly detector: string | null;
  readonly reported: SignalStatus | null;
  readonly environment: string | null;
  readonly service: string | null;
  readonly signature: string | null;
  readonly claimedSeverity: string | null;
  readonly incident: string | null;
  /** Why it is of that incident: `signature`, `reopened`, `service`, `failure` or `opened`. */
  readonly joinedBy: string | null;
  /** The silence that kept it quiet. */
  readonly silence: string | null;
  readonly run: string | null;
  /** The run or incident that a suppressed signal repeats. */
  readonly duplicateOf: string | null;
  /** Why it was quarantined. */
  readonly reason: string | null;
  /** Event whose payload holds the signal itself. */
  readonly contentSeq: number;
  readonly erased: readonly string[];
}

export interface ClassificationView {
  readonly severity: Severity;
  readonly confidencePpm: number;
  readonly requiresTicket: boolean;
  readonly requiresPaging: boolean;
  readonly requiresMim: boolean;
  readonly team: string;
}

export interface ClassifierView {
  readonly provider: string;
  readonly model: string;
  readonly modelVersion: string;
  readonly promptHash: string;
  readonly answerHash: string;
  /** Absent where nothing was counted. */
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}

/** What came of a triage run, the most telling word first: someone is asked, something was done, or why nothing was. */
export type RunVerdict =
  | "held"
  | "major-declared"
  | "paged"
  | "ticketed"
  | "needs-attention"
  | "pending"
  | "done"
  | "dry-run"
  | "failed"
  | "unclassified"
  | "suppressed"
  | "refused"
  | "ended"
  | "no-action";

export interface RunView extends Document {
  readonly status: "classifying" | "classified" | "unclassified";
  readonly verdict: RunVerdict;
  readonly incident: string;
  /** One id across systems: the incident's. */
  readonly correlationId: string;
  readonly environment: string;
  readonly service: string;
  readonly signal: string;
  readonly source: string | null;
  readonly openedAt: number;
  readonly endedAt: number | null;
  readonly deadline: number;
  readonly classification: ClassificationView | null;
  readonly classifier: ClassifierView | null;
  /** Why there is no classification: a code and the problems found in the answer. */
  readonly code: string | null;
  readonly problems: readonly string[];
  readonly actions: readonly ActionReference[];
  /** Event that ended the run; its payload holds the classifier's answer. */
  readonly contentSeq: number | null;
  readonly erased: readonly string[];
}

export interface EvaluationView {
  readonly seq: number;
  readonly decision: "allow" | "hold" | "refuse";
  readonly verdicts: readonly Verdict[];
  readonly bundleHash: string;
  readonly engine: string;
}

/** One event of an action, with the small facts that people read first. */
export interface TimelineEntry {
  readonly seq: number;
  readonly time: number;
  readonly type: string;
  readonly actor: string;
  /** Sequence of the first event of the same command. */
  readonly command: number;
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
}

export interface ActionView extends Document {
  readonly status: ActionStatus;
  /** The event that brought it there. */
  readonly statusSeq: number;
  /** The code of the last refusal, step or end; null before any. */
  readonly code: string | null;
  readonly kind: string;
  readonly environment: string;
  readonly service: string;
  readonly resource: string | null;
  readonly agent: string;
  readonly agentKind: "agent" | "person" | "system";
  readonly person: string | null;
  /** For whom its agent acted, as its token said, whoever began it first; none for itself. */
  readonly actsFor: readonly string[];
  readonly run: string | null;
  readonly incident: string | null;
  /** One id across systems: the incident's, or the action's own when it has none. */
  readonly correlationId: string;
  readonly classification: ClassificationView | null;
  readonly requestHash: string;
  readonly planHash: string | null;
  readonly repeat: "idempotent" | "conditional" | "neither";
  readonly effect: "external" | "kernel" | "none";
  /** Once it is planned: whether its plan names what takes it back, of this kind; before, whether plans of its kind may. */
  readonly reversible: boolean;
  readonly undoneBy: string | null;
  /** What its plan puts at risk; null where nothing was found, or it is not planned yet. */
  readonly findings: PlanFindings | null;
  readonly operand: string | null;
  /** Of an agent's proposal: by which key and model; the JWS itself is in the content. */
  readonly signed: ProposalSignature | null;
  readonly confidencePpm: number | null;
  readonly proposedAt: number;
  readonly updatedAt: number;
  readonly endedAt: number | null;
  /** The last evaluation; earlier ones are in the events named below. */
  readonly evaluation: EvaluationView | null;
  /** When it may begin, where whoever proposed it said so. */
  readonly window: { readonly notBefore?: number; readonly notAfter: number } | null;
  readonly waiting: WaitsView | null;
  /** While it waits for people. */
  readonly hold: HoldView | null;
  readonly answers: readonly AnswerView[];
  /** The review that is or was owed for breaking its glass. */
  readonly review: string | null;
  readonly grant: { readonly id: string; readonly expiresAt: number; readonly revokedAt: number | null } | null;
  /** Of what ended as advice: what policy came to, which its level kept from happening. */
  readonly would: "allow" | "hold" | null;
  readonly dryRun: boolean;
  readonly attempt: number;
  /** The newest brakes that found it under way, at most 8. */
  readonly stops: readonly StopView[];
  /** What the runtime model predicted last, in parts of a million; null where policy did not ask. */
  readonly prediction: PredictionView | null;
  readonly impact: ImpactView | null;
  /** What trying to take it back told, without an effect, once it was done; null before that, and where nothing does. */
  readonly inverseCheck: InverseCheckView | null;
  /** What people think of what was advice only: of each the last word, at most 16. */
  readonly labels: readonly LabelView[];
  /** How its health was checked afterwards; null where nothing is. */
  readonly verification: VerificationView | null;
  /** Of what is carried out in several goes: which one is next or under way, and how many there are. */
  readonly phases?: { readonly at: number; readonly of: number };
  /** The action that takes it back, and the one that it takes back. */
  readonly revert: string | null;
  readonly revertOf: string | null;
  readonly duplicateOf: string | null;
  /** Event whose payload holds the proposal, and the one that holds the plan (null while there is none). */
  readonly contentSeq: number;
  readonly planSeq: number | null;
  /** Event whose payload says how its newest step ended; `unclear` where only asking about it gave anything. */
  readonly stepEnd: { readonly seq: number; readonly unclear?: true } | null;
  /** Sequences of its events, which its timeline is made of when the action is read; at most 64. */
  readonly events: readonly number[];
  /** How many were left out of the middle of a long life. */
  readonly eventsOmitted: number;
  readonly erased: readonly string[];
}

export interface BrakeScopeView {
  readonly agent?: string;
  readonly owner?: string;
  readonly kind?: string;
  readonly environment?: string;
  readonly service?: string;
  readonly services?: readonly string[];
  readonly agentKind?: "agent";
  readonly exceptAgents?: readonly string[];
  readonly exceptKinds?: readonly string[];
}

export interface BrakeView extends Document {
  readonly status: "applied" | "released";
  readonly mode: "pause" | "dry-run";
  readonly scope: BrakeScopeView;
  readonly appliedAt: number;
  readonly appliedBy: string;
  readonly releasedAt: number | null;
  /** How it was released. */
  readonly code: "approved" | "incident-over" | "handed-back" | "replaced" | null;
  /** Of an incident's commander; null for any other. */
  readonly command: { readonly incident: string; readonly person: string; readonly follows: boolean } | null;
  /** The newest action that asks, or asked, to release it. */
  readonly releaseAction: string | null;
  /** What it found, by how far it had come. */
  readonly counts: Readonly<Record<"in-flight" | "granted" | "scheduled" | "held" | "evaluating", number>>;
  /** What became of what a pause found in flight; null before that is summed up, and for a dry run. */
  readonly report: BrakeReportView | null;
}

export interface BrakeReportView {
  readonly seq: number;
  readonly time: number;
  readonly ends: Readonly<Record<"stopped" | "finished" | "partial" | "unconfirmed", number>>;
  readonly open: number;
  readonly propagationMs: number | null;
  readonly clock: "monotonic" | "ledger";
}

/** One bundle; its id is its hash, its `seq` that of its first proposal. */
export interface PolicyView extends Document {
  readonly status: "proposed" | "active" | "superseded";
  readonly proposedAt: number;
  readonly proposedBy: string;
  readonly activatedAt: number | null;
  readonly activatedSeq: number | null;
  readonly mode: "file" | "governed" | null;
  /** The `policy.activate` action, when activation is governed. */
  readonly action: string | null;
  /** Event whose payload holds the files. */
  readonly contentSeq: number;
}

/** One agent, as its last approved registration says; its `seq` is that of the first. */
export interface AgentView extends Document {
  readonly status: "active" | "revoked";
  readonly owner: string;
  /** The agents above it, its own parent first. */
  readonly parents: readonly string[];
  readonly purposeHash: string;
  readonly models: readonly DeclaredModel[];
  readonly kinds: readonly string[];
  readonly environments: readonly string[];
  readonly services: readonly string[];
  readonly volumePerHour: number;
  readonly reads: readonly DeclaredRead[];
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly dpop: boolean;
  /** Thumbprints. */
  readonly keys: readonly string[];
  readonly registeredAt: number;
  readonly registeredSeq: number;
  /** Its registrations before that, the latest of them: what it did then was under these. */
  readonly earlier: readonly { readonly seq: number; readonly action: string }[];
  /** Who approved the registration, and the `agent.register` that asked for it. */
  readonly approvedBy: string;
  readonly action: string;
  /** How often it was registered, the first time included. */
  readonly registrations: number;
  readonly revokedAt: number | null;
  readonly revokedBy: string | null;
  /** Whose revocation ended it: its own id, or that of an agent above it. */
  readonly revokedOf: string | null;
  /** Proposals that were refused and are events of their own. */
  readonly refusals: number;
  readonly lastRefusal: { readonly seq: number; readonly time: number; readonly code: string } | null;
}

/** Refusals before authentication: one document per recorded minute and source. */
export interface RefusalView extends Document {
  readonly time: number;
  readonly minute: number;
  readonly source: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** The last stage that was granted to the triage agent. */
export interface StageGrantView {
  readonly id: string;
  readonly seq: number;
  readonly stage: Stage;
  readonly grantedAt: number;
  readonly grantedBy: string;
  /** The `stage.set` that asked for it; null for the initial grant. */
  readonly action: string | null;
  /** By the root key: the initial grant. */
  readonly isSigned: boolean;
  readonly expiresAt: number | null;
  /** When its end was recorded; it has no effect from `expiresAt` on. */
  readonly expiredAt: number | null;
}

/** One document, `log`: what runs and what is enforced. */
export interface InstallationView extends Document {
  readonly format: number;
  readonly openedAt: number;
  readonly engine: string | null;
  readonly engineStartedAt: number | null;
  readonly engineStarts: number;
  readonly bundleHash: string | null;
  readonly policyMode: "file" | "governed" | null;
  /** Null before any was granted, which is shadow. */
  readonly stage: StageGrantView | null;
}

export interface ViewDocuments {
  readonly signals: SignalView;
  readonly incidents: IncidentView;
  readonly storms: StormView;
  readonly silences: SilenceView;
  readonly runs: RunView;
  readonly actions: ActionView;
  readonly brakes: BrakeView;
  readonly reviews: ReviewView;
  readonly approvers: ApproverView;
  readonly grants: GrantView;
  readonly levels: LevelView;
  readonly policies: PolicyView;
  readonly agents: AgentView;
  readonly refusals: RefusalView;
  readonly installation: InstallationView;
}

export type ViewName = keyof ViewDocuments;

/** The filters of each view: names of fields of its documents, compared for equality. */
export const VIEW_FILTERS = {
  signals: ["status", "environment", "service", "source", "incident", "run"],
  incidents: ["status", "environment", "service"],
  storms: ["status", "environment"],
  silences: ["status", "environment", "service"],
  runs: ["status", "verdict", "environment", "service", "incident"],
  actions: ["status", "environment", "service", "agent", "kind", "incident", "run"],
  brakes: ["status"],
  reviews: ["status", "environment", "service"],
  approvers: ["status"],
  grants: ["status", "agent", "kind", "environment", "service"],
  levels: ["status", "agent"],
  policies: ["status"],
  agents: ["status", "owner"],
  refusals: ["source"],
  installation: [],
} as const satisfies { readonly [V in ViewName]: readonly (keyof ViewDocuments[V] & string)[] };

/** Views whose documents have a status, of which counts are kept. */
export type CountedView =
  | "signals"
  | "incidents"
  | "runs"
  | "actions"
  | "brakes"
  | "reviews"
  | "approvers"
  | "policies"
  | "agents";

/** Statuses after which a document hardly ever changes again: a store may pack such documents together. */
export const SETTLED: { readonly [V in ViewName]?: ReadonlySet<string> } = {
  signals: new Set<SignalView["status"]>(["suppressed", "unmatched", "resolved", "quarantined"]),
  grants: new Set<GrantView["status"]>(["used", "expired", "void"]),
  // One that needs people may still be told of.
  actions: new Set([...ENDED_STATUSES].filter((status) => status !== "needs-attention")),
};
