// The events of the model's own log. Nodes and edges are named once, and are numbers from then on.

import type { ImpactOutcome } from "../wire/types/impact-outcome.ts";
import type { PartInterval } from "../wire/types/prediction.ts";
import type { Change, Contract } from "../wire/types/model.ts";

/** What is said for the first time: nodes by their text, edges as kind, from and to, three numbers each. */
export interface Minted {
  readonly nodes: readonly string[];
  readonly edges: readonly number[];
}

/** What somebody declared of a node or an edge. */
export interface Declaration {
  readonly attributes: Readonly<Record<string, string>>;
  readonly contracts: readonly Contract[];
}

export interface RecordedChange extends Omit<Change, "targets"> {
  /** Numbers of nodes. */
  readonly targets: readonly number[];
}

/** Parts of a million. */
export interface ImpactFacts {
  readonly source: "action" | "change";
  readonly id: string;
  /** What it is calibrated by: an action's kind, or `change:` and the kind of a change. */
  readonly kind: string;
  readonly target: number;
  /** Seconds since 1970. */
  readonly at: number;
  readonly exposure: PartInterval;
  readonly stated: PartInterval;
  readonly outcome: ImpactOutcome;
  readonly actual: PartInterval | null;
  /** Rows of an entry's node, requests and failures before, requests and failures after. */
  readonly entries: readonly number[];
}

/**
 * Facts by type. A subject is a node or an edge as one number (`subjectOfNode`, `subjectOfEdge`); instants within rows are
 * seconds since 1970; rows follow each other in one flat list.
 */
export interface ModelFacts {
  readonly "model.opened": { readonly format: number };
  /** One window of telemetry: what is new, what moved, what is no longer seen. */
  readonly "model.window": Minted & {
    readonly from: number;
    readonly to: number;
    /** Rows of subject, beginning and the seven measures. */
    readonly measured: readonly number[];
    /** Rows of subject and the instant it was last seen. */
    readonly ended: readonly number[];
    /** What was traced of entries, services and calls, as in `CountedWindow`; absent in what was recorded before there were any. */
    readonly counts?: readonly number[];
  };
  /** What a feed declares now, as far as it differs from before. */
  readonly "model.declared": Minted & {
    readonly feed: string;
    readonly declarations: readonly Declaration[];
    /** Rows of subject and the number of what this feed says of it, 0 for nothing any more. */
    readonly owned: readonly number[];
    /** Rows of subject, beginning, and the number of what all feeds together say of it, 0 where it ends. */
    readonly effective: readonly number[];
  };
  readonly "model.changed": Minted & { readonly change: RecordedChange };
  /** What an action, or a change, did tested an edge; `unconfirmed`: nobody could tell, and the edge is no more than supposed. */
  readonly "model.tested": Minted & {
    readonly subject: number;
    readonly validFrom: number;
    readonly result: "confirmed" | "refuted" | "unconfirmed";
    /** Ids: of the action, or the change, that tested it; of `caused` also of the change that it begins at. */
    readonly evidence: readonly string[];
  };
  /** What a change, or an action, was said to do and did. */
  readonly "model.impact": ImpactFacts;
  /** Of what was only measured before an instant one version a month stays. */
  readonly "model.thinned": { readonly before: number };
}

export type ModelEventType = keyof ModelFacts;

/** An event of the model's log as far as the fold needs it. */
export type ModelEvent = {
  readonly [T in ModelEventType]: {
    readonly seq: number;
    /** Milliseconds since 1970; never decreases. */
    readonly time: number;
    readonly type: T;
    readonly facts: ModelFacts[T];
  };
}[ModelEventType];

/** An event that is not recorded yet. */
export type ModelDraft = {
  readonly [T in ModelEventType]: { readonly type: T; readonly facts: ModelFacts[T] };
}[ModelEventType];

/** Numbers in a row of `measured`. */
export const MEASURED_WIDTH = 9;
export const MODEL_FORMAT = 1;
