// What readers see of the runtime model.

import type { ImpactOutcome } from "./impact-outcome.ts";
import type { PartInterval } from "./prediction.ts";
import type { ChangeKind, CodeChange, Contract, EdgeKind, EvidenceState, NodeKind, SettingChange } from "./model.ts";

/** What telemetry measured of a thing, in the window or windows that made the version. */
export interface Measured {
  /** How often: requests of a node, calls of an edge. */
  readonly perSecond: number;
  /**
   * Of an edge: calls for each request of the caller. Of an operation: its part of its service's requests. Of an entry's
   * reach: the part of its requests that get there. Of an entry's membership: its part of all requests from outside.
   */
  readonly share: number;
  /** The part that failed. */
  readonly errorRatio: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Failures seen, and those of them that made whoever asked fail too. */
  readonly failures: number;
  readonly spread: number;
}

/** Rates and shares are of what telemetry was sent. */
export interface ObservedView extends Measured {
  /** When these numbers began to hold, in milliseconds since 1970. */
  readonly since: number;
}

export interface DeclaredView {
  readonly since: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly contracts: readonly Contract[];
}

/** What is known of a thing at the moment that was asked for. */
interface Known {
  readonly state: EvidenceState;
  /** Since when it is known in this state. */
  readonly since: number;
  readonly observed: ObservedView | null;
  readonly declared: DeclaredView | null;
}

export interface ModelNodeView extends Known {
  /** `kind:environment:name`. */
  readonly id: string;
  readonly kind: NodeKind;
  readonly environment: string | null;
  readonly name: string;
}

export interface ModelEdgeView extends Known {
  readonly kind: EdgeKind;
  readonly from: string;
  readonly to: string;
}

export interface ModelChangeView {
  readonly id: string;
  readonly kind: ChangeKind;
  readonly at: number;
  readonly recordedAt: number;
  readonly targets: readonly string[];
  readonly settings: readonly SettingChange[];
  /** What its code does; null where its lines were not shown. */
  readonly code: CodeChange | null;
  /** Parts of a million of all requests from outside: at stake, said before, measured after; null until it is measured. */
  readonly impact: {
    readonly exposure: PartInterval;
    readonly stated: PartInterval;
    readonly outcome: ImpactOutcome;
    readonly actual: PartInterval | null;
  } | null;
}

/** The moment that a read stands in. */
export interface ModelMoment {
  /** What was true then, in milliseconds since 1970. */
  readonly at: number;
  /** … as it was known then. */
  readonly knownAt: number;
  /** Events of the model's log that were known: the version of the model. */
  readonly modelVersion: number;
  /** The end of the last window of telemetry that was known; null when there was none. */
  readonly observedUntil: number | null;
}

/** A part of the graph: some nodes, and the edges that begin at them. */
export interface ModelGraphView extends ModelMoment {
  readonly nodes: readonly ModelNodeView[];
  readonly edges: readonly ModelEdgeView[];
  readonly cursor: string | null;
}

export type ModelDifference = "appeared" | "ended" | "changed";

/** What differs between two moments. */
export interface ModelDiffView {
  readonly from: ModelMoment;
  readonly to: ModelMoment;
  readonly nodes: readonly {
    readonly difference: ModelDifference;
    readonly id: string;
    readonly what: readonly string[];
  }[];
  readonly edges: readonly {
    readonly difference: ModelDifference;
    readonly kind: EdgeKind;
    readonly from: string;
    readonly to: string;
    readonly what: readonly string[];
  }[];
  readonly changes: readonly ModelChangeView[];
  /** Whether there is more than is listed. */
  readonly truncated: boolean;
}

/** One version of a node or of an edge at it. */
export interface ModelHistoryEntry {
  readonly validFrom: number;
  readonly recordedAt: number;
  readonly seq: number;
  readonly facet: "declared" | "observed" | "tested";
  /** Null where it ends. */
  readonly state: EvidenceState | null;
  /** Null for the node itself. */
  readonly edge: { readonly kind: EdgeKind; readonly from: string; readonly to: string } | null;
  readonly observed: ObservedView | null;
  readonly declared: DeclaredView | null;
  /** What a test names: actions, signals, incidents. */
  readonly evidence: readonly string[];
}

export interface ModelNodeHistoryView extends ModelMoment {
  readonly id: string;
  /** Null where it is not there at this moment. */
  readonly node: ModelNodeView | null;
  readonly edges: readonly ModelEdgeView[];
  /** Newest recorded first. */
  readonly history: readonly ModelHistoryEntry[];
  readonly changes: readonly ModelChangeView[];
  readonly truncated: boolean;
}

/** A number that is known within bounds: nine times in ten it lies between them. */
export interface IntervalView {
  readonly low: number;
  readonly mid: number;
  readonly high: number;
}

/** What suffers when a node fails. */
export interface ModelImpactView extends ModelMoment {
  readonly target: string;
  /** The part of the target's requests that fail. */
  readonly failing: number;
  /** The part of all requests from outside, of its environment, that fail. */
  readonly trafficShare: IntervalView;
  /** The most affected first. */
  readonly entries: readonly {
    readonly id: string;
    /** The part of its requests that get to the target. */
    readonly reaching: number;
    /** The part of its requests that fail. */
    readonly part: IntervalView;
  }[];
  readonly services: readonly {
    readonly id: string;
    /** The part of its requests that fail. */
    readonly part: IntervalView;
    /** From the service to the target, along the likeliest way. */
    readonly path: readonly string[];
  }[];
  /** Uses on the way of which nothing was ever measured: they widen the bounds. */
  readonly unknown: readonly string[];
  /** Whether telemetry is too old to say how it is: that widens the bounds too. */
  readonly isStale: boolean;
  /** Seconds since the last window of telemetry; null where there was none. */
  readonly staleS: number | null;
  readonly truncated: boolean;
}

/** How predictions for one kind of action compare with what was measured afterwards; parts of 1. */
export interface CalibrationView {
  /** An action's kind, or `change:` and the kind of a change. */
  readonly kind: string;
  /** Outcomes that were learned from in all, and the recent ones that count. */
  readonly count: number;
  readonly recent: number;
  readonly within: number;
  readonly stated: number;
  /** Of the recent outcomes, those that lay within what was said before; null without any. */
  readonly coverage: number | null;
  /** The part of what is at stake that the next prediction says will suffer. */
  readonly ofStake: IntervalView;
}

export interface ModelCalibrationView {
  readonly kinds: readonly CalibrationView[];
  /** The newest first; parts of a million. */
  readonly outcomes: readonly {
    readonly source: "action" | "change";
    readonly id: string;
    readonly kind: string;
    readonly target: string;
    readonly at: number;
    readonly exposure: PartInterval;
    readonly stated: PartInterval;
    readonly outcome: ImpactOutcome;
    readonly actual: PartInterval | null;
    /** Requests that came in, and those that failed. */
    readonly entries: readonly {
      readonly id: string;
      readonly before: number;
      readonly failedBefore: number;
      readonly after: number;
      readonly failedAfter: number;
    }[];
  }[];
}

/** `service`: one of ours that moved, and nothing says why. */
export type CauseKind = "change" | "traffic" | "infrastructure" | "outside" | "service";

/** What explains a symptom, surest first. */
export interface ModelCausesView extends ModelMoment {
  readonly symptom: { readonly node: string; readonly measure: string };
  /** No change explains it. */
  readonly none: boolean;
  readonly causes: readonly {
    readonly kind: CauseKind;
    /** The maker's own name of the change, a node, or an object of a cluster and what is wrong with it. */
    readonly cause: string;
    /** The same of a change; null for any other cause. */
    readonly change: string | null;
    readonly score: number;
    /** From the cause over the nodes that moved to the symptom. */
    readonly chain: readonly string[];
    readonly evidence: readonly string[];
  }[];
  /** Changes that could have reached it and that nothing was measured to judge by, newest first. */
  readonly unjudged: readonly string[];
  /** Nodes whose errors or delays rose with it, without the one that failed first. */
  readonly suffering: readonly string[];
}
