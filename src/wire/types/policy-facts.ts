// The facts that policy conditions and gates read. Every field is always present; `known` says whether it was given.

import type { ProposalModel } from "./agent.ts";
import type { ImageFact } from "./image.ts";
import type { Prediction } from "./prediction.ts";
import type { PlanFindings } from "./risk.ts";
import type { Stage } from "./stage.ts";

export interface SignalFact {
  readonly id: string;
  readonly source: string;
  readonly detector: string;
  /** True when an AI made the signal or it derives from another signal: it confirms nothing. */
  readonly derived: boolean;
}

export interface PolicyFacts {
  readonly action: {
    readonly id: string;
    readonly kind: string;
    /** Canonical name, see core/environment. */
    readonly environment: string;
    readonly service: string;
    readonly reversible: boolean;
    /** SHA-256 over kind, target and arguments: equal for the same request. */
    readonly requestHash: string;
    /** Environment, service and resource as one text. */
    readonly target: string;
    /** How much it does, together with the pieces that were granted before: the same kind, service and person. */
    readonly size: number;
    /** How much it does by itself; 1 for a kind that does not say. */
    readonly ownSize: number;
    /** How many pieces were granted before. */
    readonly pieces: number;
  };
  readonly agent: {
    readonly id: string;
    readonly kind: "agent" | "person" | "system";
    /** By an approved registration that is in force; people and the system have none. */
    readonly registered: boolean;
    /** The proposal carries the agent's own signature. */
    readonly signed: boolean;
    /** Which model made the proposal; empty texts where it is not signed. */
    readonly model: ProposalModel;
    /** It acts for another agent. */
    readonly delegated: boolean;
    /** 0..3, see wire/types/level; 3 for people and the system's own, whom `kind` tells apart. */
    readonly level: number;
  };
  readonly classification: {
    readonly known: boolean;
    /** 0 low, 1 medium, 2 high, 3 sev1; 0 when not known. CEL: `severity.high` and so on name the numbers. */
    readonly severity: number;
    /** 0..1; 0 when not known. */
    readonly confidence: number;
    readonly requiresTicket: boolean;
    readonly requiresPaging: boolean;
    readonly requiresMim: boolean;
    readonly team: string;
  };
  readonly incident: {
    readonly known: boolean;
    readonly id: string;
    /** Incidents that it absorbed: what was done for them was done for it. */
    readonly absorbed: readonly string[];
    readonly signature: string;
    /** Of its page that went out and is not closed, as `classification.severity`; -1 where there is none. */
    readonly pagedSeverity: number;
  };
  /** The stage of the triage agent that is in force, and whether the action asks for a higher one, or for longer. */
  readonly stage: { readonly name: Stage; readonly raises: boolean };
  /** How many signals, runs, incidents and actions its proposer names for it, each known to be there. */
  readonly evidence: {
    readonly signals: number;
    readonly runs: number;
    readonly incidents: number;
    readonly actions: number;
  };
  /** Many services of the action's environment fire at once; `consolidated`: this action is about all of it. */
  readonly storm: { readonly active: boolean; readonly id: string; readonly consolidated: boolean };
  /** What the runtime model predicts of the action; null while it has not been asked. */
  readonly prediction: Prediction | null;
  readonly signals: readonly SignalFact[];
  /** What its plan puts at risk, and the regulations that the plan or policy marks its target with. */
  readonly plan: PlanFindings;
  /** What its plan would run, with whose word there is for it. */
  readonly images: readonly ImageFact[];
  /** The instant of the command, milliseconds since the epoch. */
  readonly timeMs: number;
}

/** Another action under way on the same target. */
export interface Contender {
  readonly id: string;
  readonly kind: string;
}

/** Another action under way in the same environment. */
export interface UnderWay extends Contender {
  readonly environment: string;
  readonly service: string;
  /** As its own prediction recorded it; empty where it has none. */
  readonly neighbourhood: readonly string[];
}

/** What granted actions come to in a window. */
export interface ImpactReading {
  readonly actions: number;
  readonly size: number;
  /** In millionths. */
  readonly share: number;
  /** Different targets, and whether the one that was asked about is among them. */
  readonly targets: number;
  readonly isKnown: boolean;
}

/** `near`: nodes of which it has to be on one; on any where it is absent. */
export interface ImpactAsk {
  readonly windowMs: number;
  readonly target: string;
  readonly near?: readonly string[];
}

/** Counters of kernel state, read by stateful gates. */
export interface CounterReader {
  /** How many reservations of `counter` fall in (now - windowMs, now]. */
  used(counter: string, windowMs: number): number;
  /** The action that last passed a duplicate gate under `key` within the window, or null. */
  lastPassed(key: string, windowMs: number): string | null;
  /** Actions of others under way on the target of this action, oldest first. */
  contenders(action: string): readonly Contender[];
  /** Actions of others under way in the environment of this action, oldest first. */
  underWay(action: string): readonly UnderWay[];
  /** What actions granted in (now - windowMs, now] add up to under `counter`. */
  impact(counter: string, of: ImpactAsk): ImpactReading;
  /**
   * The action of the same kind and service that did the same in another environment in (now - windowMs, now] and went
   * well; null for none, undefined where the plan of this one does not say what it does.
   */
  rehearsal(action: string, of: { readonly environment: string; readonly windowMs: number }): string | null | undefined;
}
