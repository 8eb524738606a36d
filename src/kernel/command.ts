// Commands: what may be asked of the kernel. Their input is recorded with the first event they produce.

import type { Json, JsonObject } from "../core/json.ts";
import type { Answerer, Asks, ReviewOutcome } from "../wire/types/approvals.ts";
import type { Explanation } from "../wire/types/explanation.ts";
import type { ImpactOutcome } from "../wire/types/impact-outcome.ts";
import type { InverseCheck } from "../wire/types/inverse-check.ts";
import type { PartInterval, Prediction } from "../wire/types/prediction.ts";
import type { Fault, Label } from "../wire/types/label.ts";
import type { Relations } from "../wire/types/relation.ts";
import type { WaitsView } from "../wire/types/waits-view.ts";
import type { TrackedIncident } from "../wire/types/signal.ts";
import type { Stage } from "../wire/types/stage.ts";
import type { HealthResult } from "../wire/types/health.ts";
import type { ImageFact } from "../wire/types/image.ts";
import type { PlanFindings } from "../wire/types/risk.ts";
import type {
  BrakeScope,
  ClassificationFacts,
  EvaluationFacts,
  EventFacts,
  InverseFacts,
  RefusalCounts,
  StepStatus,
} from "./events.ts";
import type { SignalFacts } from "./signal-facts.ts";
import type { ProposalFacts } from "./proposal-facts.ts";

/** Who acts when nobody asked: time, starts, the log itself. */
export const KERNEL = "system:kernel";

/** Where a proposal or an answer comes from, beside the identity itself. */
export type Origin = Pick<Answerer, "owner" | "models">;

export type ClassifierFacts = {
  readonly provider: string;
  readonly model: string;
  readonly modelVersion: string;
  readonly promptHash: string;
  readonly answerHash: string;
  /** Absent where nothing was counted. */
  readonly inputTokens?: number;
  readonly outputTokens?: number;
};

export type CommandInputs = {
  "open-log": { readonly format: number };
  "start-engine": { readonly engine: string };
  "propose-policy": {
    readonly bundleHash: string;
    readonly mode: "file" | "governed";
    readonly person: string | null;
    readonly requestHash: string;
  };
  "receive-signal": SignalFacts;
  "split-incident": {
    readonly incident: string;
    readonly services: readonly string[];
    readonly roles: readonly string[];
  };
  "end-silence": { readonly silence: string };
  "quarantine-signal": { readonly source: string; readonly reason: string; readonly deliveryKey: string };
  "note-incident": Omit<TrackedIncident, "key">;
  "classify-run": {
    readonly run: string;
    readonly classification: ClassificationFacts | null;
    /** Who answered, also when the answer was rejected; null when nobody did. */
    readonly classifier: ClassifierFacts | null;
    /** Why there is no classification; empty when there is one. */
    readonly code: string;
    readonly problems: readonly string[];
  };
  "propose-action": Omit<ProposalFacts, "run" | "incident" | "cause" | "classification" | "operand" | "revertOf"> & {
    /** Of a kernel kind alone. */
    readonly operand?: string;
    readonly idempotencyKey: string | null;
  };
  "plan-action": {
    readonly action: string;
    readonly planHash: string | null;
    readonly code: string;
    /** Why the plan needs a person's signature; absent where it needs none. */
    readonly signature?: string;
    readonly inverse?: InverseFacts;
    /** How much it does; absent: one thing. */
    readonly size?: number;
    /** In how many goes it is carried out; absent: at once. */
    readonly phases?: number;
    /** What it puts at risk; absent where nothing was found. */
    readonly findings?: PlanFindings;
    readonly images?: readonly ImageFact[];
    /** SHA-256 of what it does wherever it is done. */
    readonly change?: string;
    /** Something outside has to come before a step of it begins; `come`: it was there when it was planned. */
    readonly awaits?: "come" | "pending";
  };
  "report-awaited": {
    readonly action: string;
    /** `over`: it will not come. */
    readonly status: "come" | "pending" | "over";
    /** Why it has not come; empty where it has. */
    readonly code: string;
    /** 0: whoever was asked does not mind when it is asked again. */
    readonly afterMs: number;
  };
  "predict-action": {
    readonly action: string;
    /** Sequence of the event that asked. */
    readonly asked: number;
    readonly prediction: Prediction;
  };
  "explain-incident": { readonly incident: string; readonly explanation: Explanation };
  "relate-incidents": { readonly run: string } & Relations;
  "record-inverse": { readonly action: string } & InverseCheck;
  "record-impact": {
    readonly action: string;
    readonly outcome: ImpactOutcome;
    readonly actual: PartInterval | null;
    readonly modelVersion: number;
  };
  "answer-hold": {
    readonly action: string;
    readonly decision: "approve" | "deny";
    readonly planHash: string;
    /** The name of the target, as it was typed: needed to approve what nothing takes back. */
    readonly confirm?: string;
    readonly answerer: Answerer;
    /** Whose agent proposed it and with which models, as far as it is known. */
    readonly proposer: Origin;
    /** Those who gave approvals of this hold before, as they are registered now; who is gone is missing. */
    readonly present: readonly Answerer[];
  };
  "break-glass": Omit<CommandInputs["answer-hold"], "decision">;
  "give-review": { readonly review: string; readonly outcome: ReviewOutcome; readonly answerer: Answerer };
  "label-action": {
    readonly action: string;
    readonly label: Label;
    readonly faults: readonly Fault[];
    readonly answerer: Answerer;
  };
  "withdraw-approval": { readonly action: string; readonly person: string | null };
  "cancel-action": { readonly action: string; readonly code: string };
  "begin-step": {
    readonly action: string;
    /** Of an approved action: those who approved it, as they are registered now. */
    readonly present?: readonly Answerer[];
  };
  "finish-step": {
    readonly action: string;
    readonly attempt: number;
    readonly status: StepStatus;
    readonly code: string;
    readonly afterMs: number;
    /** Present when a brake was pulled over the call: from the pull to its end, by the monotonic clock. */
    readonly sinceStopMs?: number;
  };
  "report-health": {
    readonly action: string;
    readonly sample: number;
    readonly result: HealthResult;
    readonly failed: readonly string[];
  };
  "reconcile-step": {
    readonly action: string;
    readonly attempt: number;
    readonly status: "happened" | "absent" | "partial" | "unclear";
    /** 0: nothing more will be known. */
    readonly afterMs: number;
    readonly sinceStopMs?: number;
  };
  "apply-brake": { readonly mode: "pause" | "dry-run"; readonly scope: BrakeScope };
  "command-incident": {
    readonly incident: string;
    readonly person: string;
    readonly roles: readonly string[];
    /** None: those that the incident names. */
    readonly services: readonly string[];
    readonly exceptAgents: readonly string[];
    readonly exceptKinds: readonly string[];
  };
  "end-command": { readonly incident: string; readonly person: string };
  "release-brake": { readonly brake: string; readonly person: string | null; readonly requestHash: string };
  "grant-stage": { readonly stage: Stage; readonly expiresAt: number | null; readonly signature: string };
  "refuse-proposal": { readonly code: string };
  "revoke-grant": { readonly grant: string };
  "revoke-agent": { readonly agent: string };
  "install-rights": EventFacts["rights.installed"];
  "revoke-rights": { readonly holder: string };
  "open-session": EventFacts["session.opened"] & { readonly session: string };
  "end-session": EventFacts["session.ended"] & { readonly session: string };
  "count-refusals": { readonly minute: number; readonly source: string; readonly counts: RefusalCounts };
  "erase-payload": { readonly keyId: string; readonly ofSubject: string; readonly retention: string };
  "prove-heartbeat": Record<string, never>;
  tick: Record<string, never>;
};

export type CommandType = keyof CommandInputs;

export type Command<T extends CommandType = CommandType> = {
  [K in T]: {
    readonly type: K;
    readonly actor: string;
    readonly input: CommandInputs[K];
    /** Erasable content that rides along into a payload; no decision reads it. */
    readonly content?: Json;
  };
}[T];

/** What is recorded of a command's input: what its first event states itself is not said twice. */
export function inputToRecord(command: Command): JsonObject {
  if (command.type === "propose-action") return { idempotencyKey: command.input.idempotencyKey };
  const restated = RESTATED[command.type];
  if (restated === undefined) return command.input;
  return Object.fromEntries(Object.entries(command.input).filter(([name]) => name !== restated));
}

/** Members of inputs that the first event states under the same name. */
const RESTATED: { readonly [T in CommandType]?: string } = {
  "predict-action": "prediction",
  "explain-incident": "explanation",
  "install-rights": "holders",
};

/** Facts of a proposal that are absent where they say nothing. */
export const OPTIONAL_FACTS = [
  "actsFor",
  "blind",
  "confidencePpm",
  "dryRun",
  "evidence",
  "findings",
  "inverse",
  "phases",
  "signed",
  "size",
  "undoes",
  "window",
] as const;

/** The input of a command, from the facts of the first event that it produced. */
export function inputFromRecord(type: CommandType, facts: JsonObject): unknown {
  const { input } = facts;
  const restated = RESTATED[type];
  if (restated !== undefined && typeof input === "object") return { ...input, [restated]: facts[restated] };
  if (type !== "propose-action" || typeof input !== "object") return input;
  const { kind, environment, service, resource, agentKind, person } = facts;
  const { requestHash, planHash, repeat, effect, reversible, operand } = facts;
  const stated = { kind, environment, service, resource, agentKind, person, requestHash, planHash };
  const optional: Record<string, Json> = operand === null ? {} : { operand: operand ?? null };
  for (const name of OPTIONAL_FACTS) if (facts[name] !== undefined) optional[name] = facts[name];
  return { ...stated, repeat, effect, reversible, ...optional, ...input };
}

/** A proposal's decision, with who is asked and until when where it is held. */
export type Decided = {
  readonly evaluation: EvaluationFacts | null;
  /** Why it is refused, or advice. */
  readonly code: string | null;
  readonly would: "allow" | "hold" | null;
  readonly duplicateOf: string | null;
  readonly answers: { readonly asks: Asks; readonly until: number } | null;
  readonly waits: WaitsView | null;
};

/** What a command answers: the subject it was about, and what happened to it. */
export type Reply = {
  readonly subject: string;
  /** `proposed`, `duplicate`, `started`, … ; for actions the status right after the command. */
  readonly result: string;
  /** True when an earlier command with the same idempotency or delivery key already did this. */
  readonly repeated: boolean;
  /** Of a proposal: null while it is not decided. */
  readonly decided?: Decided | null;
};
