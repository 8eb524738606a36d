// What is recorded of a proposal.

import type { Repeatability } from "../wire/contracts/executor.ts";
import type { ProposalSignature } from "../wire/types/agent.ts";
import type { Delegator } from "../wire/types/identity.ts";
import type { PlanFindings } from "../wire/types/risk.ts";
import type { ClassificationFacts, InverseFacts } from "./events.ts";

export type ActionWindow = { readonly notBefore?: number; readonly notAfter: number };

/** Where an action aims and who asked: fixed when it is proposed. */
export type ProposalFacts = {
  readonly kind: string;
  readonly environment: string;
  readonly service: string;
  readonly resource: string | null;
  readonly agentKind: "agent" | "person" | "system";
  /** The person behind the proposer (owner of an agent, or the person itself): never an approver. */
  readonly person: string | null;
  /** For whom an agent acts, as its token says; absent for itself. None of them is an approver, and each narrows it. */
  readonly actsFor?: readonly Delegator[];
  readonly requestHash: string;
  readonly planHash: string | null;
  readonly repeat: Repeatability;
  /** `kernel` kinds are carried out by the kernel itself, `none` have no effect beyond the record. */
  readonly effect: "external" | "kernel" | "none";
  readonly reversible: boolean;
  /** How much it does, by its plan: statements, rows, replicas; absent: one thing. */
  readonly size?: number;
  /** In how many goes its plan is carried out, each checked before the next; absent: at once. */
  readonly phases?: number;
  /** What its plan puts at risk; absent where nothing was found, or while it has no plan. */
  readonly findings?: PlanFindings;
  readonly run: string | null;
  readonly incident: string | null;
  /** What a triage action goes back to, kept with it: its incident may be over before it is decided. */
  readonly cause: { readonly signature: string; readonly signal: string | null } | null;
  readonly classification: ClassificationFacts | null;
  /** What a kernel kind acts on: a policy bundle's hash, a brake's id, a stage, or terms as canonical JSON. */
  readonly operand: string | null;
  /** How its plan is taken back; absent where nothing does, or while it has no plan. */
  readonly inverse?: InverseFacts;
  /** The action that it takes back; absent for all but what the kernel proposes for that. */
  readonly revertOf?: string;
  /** The finished action that a person wants undone by this one; policy decides it like any other. */
  readonly undoes?: string;
  /** It takes something back and cannot see what changed since: see `Plan.blind`. */
  readonly blind?: true;
  /** Of an agent's proposal alone. */
  readonly signed?: ProposalSignature;
  /** When it may begin: from `notBefore` on where it says so, and not at `notAfter` any more. */
  readonly window?: ActionWindow;
  /** Ids of signals, runs, incidents and actions that it rests on: there when it was proposed, in order. */
  readonly evidence?: readonly string[];
  /** Planned and decided, and then over: nobody is asked and nothing runs. */
  readonly dryRun?: true;
  /** How sure the proposer says it is, in parts per million. */
  readonly confidencePpm?: number;
};

/** How many of each sort a proposal names. */
export type EvidenceCounts = {
  readonly signals: number;
  readonly runs: number;
  readonly incidents: number;
  readonly actions: number;
};

export const NO_EVIDENCE: EvidenceCounts = { signals: 0, runs: 0, incidents: 0, actions: 0 };

export function countEvidence(ids: readonly string[]): EvidenceCounts {
  const count = (prefix: string): number => ids.filter((id) => id.startsWith(prefix)).length;
  return { signals: count("sig_"), runs: count("run_"), incidents: count("inc_"), actions: count("act_") };
}

/** What an action keeps of it as it is. */
export type KeptFacts = Omit<
  ProposalFacts,
  | "inverse"
  | "revertOf"
  | "undoes"
  | "blind"
  | "signed"
  | "dryRun"
  | "confidencePpm"
  | "window"
  | "evidence"
  | "actsFor"
  | "reversible"
> & {
  actsFor?: readonly Delegator[];
  /** What its kind says, until its plan says it. */
  reversible: boolean;
};
