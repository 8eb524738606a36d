// What a question about a cause comes with: the symptom, the graph around it, what was measured, and what was changed.

import type { CodeChange, SettingChange } from "../../wire/types/model.ts";
import type { ClusterState } from "../kubernetes/cluster.ts";

/** What a series measures. `latency`, `errors` and `wait` travel from callee to caller; the others belong to their node. */
export const MEASURES = ["latency", "errors", "wait", "cpu", "memory", "saturation", "traffic", "other"] as const;
export type Measure = (typeof MEASURES)[number];

/** Samples of one measure of one node while all was well, and while it was not. Higher is worse. */
export interface Series {
  node: string;
  measure: Measure;
  /** As the source names it, for evidence. */
  name: string;
  usual: readonly (number | null)[];
  now: readonly (number | null)[];
  /** How many requests the samples of `now` stand for, where that is known. */
  requests?: readonly (number | null)[];
}

/** A series over time of one node, as alerts and dashboards see it. Times ascend, in milliseconds. */
export interface Timeline {
  node: string;
  name: string;
  atMs: readonly number[];
  values: readonly number[];
}

/** A timeline of one caller's calls to one callee, as the caller sees them. */
export interface CallTimeline extends Omit<Timeline, "node"> {
  caller: string;
  callee: string;
}

export interface Span {
  id: string;
  parent: string;
  node: string;
  operation: string;
  startUs: number;
  durationUs: number;
  failed: boolean;
}

/** One line of a log with what varies in it taken out, and how often it was seen before and during. */
export interface Pattern {
  node: string;
  text: string;
  usual: number;
  now: number;
  /** True where the line itself says that something went wrong. */
  bad: boolean;
}

/** Success, latency and use of one instance of a service, as its callers or its host see it. */
export interface InstanceSeries {
  service: string;
  instance: string;
  /** The edge that is measured, caller and callee; null for the instance's own use of resources. */
  edge: readonly [string, string] | null;
  measure: "success" | "latency" | "cpu" | "memory";
  atMs: readonly number[];
  values: readonly (number | null)[];
}

/** Something that was made different, with what is known of it. */
export interface CandidateChange {
  /** What the answer names. */
  id: string;
  kind: "rollout" | "commit" | "flag";
  /** When it took effect: deployed, or written where nobody deploys it; null where it never took effect. */
  atMs: number | null;
  /** Whether a recorded deploy carried it, or only its being written is known. */
  deployed: boolean;
  /** Nodes it was made to, by deploy or by path. */
  targets: readonly string[];
  settings: readonly SettingChange[];
  /** What was read of its lines, where they themselves are not kept. */
  code?: CodeChange | undefined;
  title: string;
  /** Lines taken away and put in, without their signs. */
  removed: readonly string[];
  added: readonly string[];
  files: readonly string[];
  newInstances: readonly string[];
  oldInstances: readonly string[];
}

export interface Symptom {
  node: string;
  /** The KPI as its monitor names it. */
  measure: string;
  text: string;
  atMs: number;
}

export interface NodeMismatch {
  node: string;
  object: string;
  cause: string;
  weight: number;
  evidence: string;
}

export interface CauseQuestion {
  /** What kind of thing is asked for. */
  want: "change" | "service" | "node" | "mismatch";
  symptom: Symptom | null;
  /** Real calls: caller, callee. */
  edges: readonly (readonly [string, string])[];
  series: readonly Series[];
  timelines: readonly Timeline[];
  calls: readonly CallTimeline[];
  spans: { usual: readonly Span[]; now: readonly Span[] } | null;
  patterns: readonly Pattern[];
  instances: readonly InstanceSeries[];
  changes: readonly CandidateChange[];
  /** Nodes that say nothing themselves and that nobody declares: all that is known of them is how they answer. */
  outsiders: ReadonlySet<string>;
  /** Where a watched cluster is not what it is declared to be, of nodes in question. */
  mismatches: readonly NodeMismatch[];
  cluster: ClusterState | null;
}

export function emptyQuestion(want: CauseQuestion["want"]): CauseQuestion {
  return {
    want,
    symptom: null,
    edges: [],
    series: [],
    timelines: [],
    calls: [],
    spans: null,
    patterns: [],
    instances: [],
    changes: [],
    outsiders: new Set(),
    mismatches: [],
    cluster: null,
  };
}

export interface RankedCause {
  cause: string;
  score: number;
  /** From the cause to the symptom: each hop is a real edge whose ends moved, in that order. */
  chain: readonly string[];
  evidence: readonly string[];
}

/** A cause that nobody made by changing something. */
export interface OtherCause extends RankedCause {
  kind: "traffic" | "infrastructure" | "outside" | "service";
}

export interface CauseAnswer {
  /** Surest first. `none` stands for: nothing of what was asked for explains it. */
  ranked: readonly RankedCause[];
  /** Where changes are asked for: what explains it beside them, or where none does; surest first. */
  others: readonly OtherCause[];
  /** Services that suffer, besides the one that the cause is in. */
  blastRadius: readonly string[];
}
