// The three governance answers about one action, as they are given: what explain makes and its text reads.

import type { Outcome } from "./explain-outcome.ts";
import type { InverseFacts } from "../kernel/events.ts";
import type { AnswerDecision } from "../wire/types/approval-views.ts";
import type { ProposalSignature } from "../wire/types/agent.ts";
import type { InverseCheckView } from "../wire/types/inverse-check.ts";
import type { Label, LabelView } from "../wire/types/label.ts";
import type { PlanFindings } from "../wire/types/risk.ts";
import type { ClassificationView, ClassifierView, TimelineEntry } from "../wire/types/views.ts";
import type { Reservation, Verdict } from "../wire/types/verdict.ts";

/** Instants are milliseconds since the epoch. */
export interface Explanation {
  readonly action: string;
  readonly kind: string;
  readonly target: { readonly environment: string; readonly service: string; readonly resource: string | null };
  /** The last event of its life: `action.granted`, `step.finished`. */
  readonly lastEvent: string;
  readonly authority: Authority;
  readonly constraints: Constraints;
  /** For an action that triage asked for, where the events given hold the end of its run. */
  readonly triage: Triage | null;
  /** Null where nothing was to be checked afterwards. */
  readonly outcome: Outcome | null;
  /** What trying to take it back told, without an effect, once it was done; null before that, and where nothing does. */
  readonly inverseCheck: InverseCheckView | null;
  /** What people said of it where it was advice, each word that they said; the last of a person counts. */
  readonly labels: readonly LabelStep[];
  readonly path: readonly PathStep[];
  /** The same for people. */
  readonly text: string;
}

/** Who approved the agent's authority. */
export interface Authority {
  readonly agent: string;
  readonly agentKind: string;
  /** The person behind the agent: answerable for it, and never an approver of its actions. */
  readonly person: string | null;
  /** For whom it acted, as its token said, whoever began it first; none where it acted for itself. */
  readonly actsFor: readonly string[];
  /** An agent's own signature under the proposal; null for people and the system. */
  readonly signed: ProposalSignature | null;
  /** Whether the signature holds over what is recorded; null where nobody looked, as where there is none. */
  readonly signatureCheck: SignatureCheck | null;
  /** What the agent is registered by, as far as the events given tell. */
  readonly registration: RegistrationSource | null;
  readonly answers: readonly Answer[];
  /** The policy that allowed it, with who put it in force as far as the events given tell. */
  readonly policy: PolicySource | null;
  /** The stage of the triage agent that the last decision names, null for other agents. */
  readonly stage: StageSource | null;
  /** The agent's level as the last decision names it; null for people and the system. */
  readonly level: LevelSource | null;
  readonly grant: { readonly id: string; readonly seq: number; readonly planHash: string } | null;
}

export interface RegistrationSource {
  readonly seq: number;
  readonly owner: string;
  /** The agents above it, its own parent first. */
  readonly parents: readonly string[];
  /** The `agent.register` that asked for it, and who answered that. */
  readonly action: string;
  readonly answers: readonly Answer[];
}

/** `unread`: the payload that was signed is erased. */
export type SignatureCheck = "holds" | "wrong" | "unread";

export interface LevelSource {
  readonly level: number;
  /** The grant that gives it, null where none was ever given. */
  readonly grant: string | null;
  /** The event that granted it, the `level.grant` that asked for it and who answered that, as far as the events tell. */
  readonly granted: {
    readonly seq: number;
    readonly agent: string;
    readonly action: string;
    readonly expiresAt: number;
    readonly answers: readonly Answer[];
  } | null;
}

export interface StageSource {
  /** Which was in force: `shadow` after the end of the grant. */
  readonly stage: string;
  readonly grant: string | null;
  /** The event that granted it, as far as the events given tell. */
  readonly granted: { readonly seq: number; readonly actor: string; readonly action: string | null } | null;
}

export interface Answer {
  readonly seq: number;
  readonly time: number;
  readonly decision: AnswerDecision;
  readonly actor: string;
  readonly person: string | null;
  readonly planHash: string | null;
}

export interface PolicySource {
  readonly bundleHash: string;
  readonly proposed: { readonly seq: number; readonly actor: string } | null;
  readonly activated: { readonly seq: number; readonly actor: string; readonly mode: string } | null;
  /** Answers to the action that activated it. */
  readonly answers: readonly Answer[];
}

/** What limited the action. */
export interface Constraints {
  readonly evaluations: readonly EvaluationStep[];
  readonly limits: readonly Reservation[];
  readonly holds: readonly HoldStep[];
  readonly window: { readonly notBefore?: number; readonly notAfter: number } | null;
  readonly waits: readonly WaitStep[];
  readonly planHash: string | null;
  readonly grantExpiresAt: number | null;
  /** Under which it is taken back by itself should its checks fail; null where nothing of that kind was granted. */
  readonly revertGrant: string | null;
  readonly dryRun: boolean;
  readonly reversible: boolean;
  /** The kind of action that its plan names as what takes it back, with the hash of that; null where none does. */
  readonly inverse: InverseFacts | null;
  /** What its plan puts at risk; null where nothing was found, or there was none. */
  readonly findings: PlanFindings | null;
  readonly repeat: string;
  /** Why it was stopped, where it was: `paused`, `rate-limited`, `hold-timeout`. */
  readonly stoppedBy: string | null;
}

export interface EvaluationStep {
  readonly seq: number;
  readonly decision: string;
  readonly bundleHash: string;
  readonly engine: string;
  readonly verdicts: readonly Verdict[];
}

/** It was allowed and did not begin: behind others, or before its window. */
export interface WaitStep {
  readonly seq: number;
  readonly time: number;
  readonly code: string;
  readonly until: number;
  readonly behind: readonly string[];
  /** Why what it waited for outside had not come, as it was said last; null where that was not asked. */
  readonly because: string | null;
}

export interface HoldStep {
  readonly seq: number;
  readonly route: string | null;
  readonly step: number;
  readonly roles: readonly string[];
  /** All of it, in words. */
  readonly asks: string;
  readonly deadline: number;
}

/** What was concluded from a signal, and by whom. */
export interface Triage {
  readonly run: string;
  readonly signal: string | null;
  /** The event that ended the run: its payload holds the answer and the reasoning. */
  readonly seq: number;
  /** Null where nobody answered. */
  readonly classifier: ClassifierView | null;
  readonly classification: ClassificationView | null;
  /** Why there is no classification. */
  readonly code: string | null;
  readonly problems: readonly string[];
}

export interface LabelStep extends LabelView {
  readonly actor: string;
  /** What the same person had said before. */
  readonly replaces: Label | null;
}

/** How the decision is reconstructed: each event, the command it came from, and what that command was given. */
export interface PathStep extends TimelineEntry {
  /** The command, in the event that carries its input: replaying up to here decides it again. */
  readonly by: string | null;
}
