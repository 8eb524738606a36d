// Documents of what happens to many signals at once: incidents, storms, silences.

import type { ExplainedCause, Explanation } from "./explanation.ts";
import type { Relation } from "./relation.ts";
import type { TrackedState, TrackedSystem } from "./signal.ts";
import type { ActionReference, Document } from "./view-document.ts";

export interface IncidentView extends Document {
  readonly status: "open" | "resolved" | "merged";
  readonly environment: string;
  /** What it is named after: its first signal's. */
  readonly service: string;
  /** All that it names. */
  readonly services: readonly string[];
  readonly signature: string;
  readonly openedAt: number;
  /** How often it came back within half an hour of its end, with the same id. */
  readonly reopened: number;
  /** It comes and goes: only quiet ends it. */
  readonly flapping: boolean;
  /** The older incident that absorbed it, and those that it absorbed. */
  readonly mergedInto: string | null;
  readonly absorbed: readonly string[];
  /** Why it was joined with another: what the runtime model measured. Services by name, parts of a million requests. */
  readonly related: readonly (Relation & { readonly incident: string; readonly modelVersion: number })[];
  /** What the runtime model found to explain it when it ended; null before, and where the model knew nothing of it. */
  readonly explained: (Explanation & { readonly at: number; readonly evidenceSeq: number }) | null;
  /** What people took out of it, and what they took it out of. */
  readonly splitInto: readonly string[];
  readonly splitFrom: string | null;
  readonly lastSignalAt: number;
  readonly resolvedAt: number | null;
  readonly resolution: string | null;
  readonly claimedSeverity: string;
  readonly signalCount: number;
  /** The newest of each, bounded; the counts and the filters of the other views have the rest. */
  readonly signals: readonly string[];
  readonly runs: readonly string[];
  readonly actions: readonly string[];
  readonly paged: boolean;
  /** The newest attempt to close its page at the pager; null before there was one. */
  readonly pageClosing: ActionReference | null;
  /** How it stands at the pager and the tracker by their own last word. */
  readonly systems: TrackedViews;
  /** Retention classes of its payloads that are gone. */
  readonly erased: readonly string[];
}

/** What explained an incident that is over. */
export interface IncidentExplanationView {
  /** The one that absorbed it, where that is asked about. */
  readonly incident: string;
  readonly symptom: { readonly node: string; readonly measure: string };
  /** When it was noticed: the model's answer is of then, as it was known when this was recorded. */
  readonly at: number;
  /** Null while it lasts, and where the model knew nothing of it. */
  readonly recordedAt: number | null;
  readonly modelVersion: number | null;
  /** What became of the words for it: `withheld` from who may not read content. */
  readonly evidence: "recorded" | "erased" | "withheld" | "none";
  readonly causes: readonly (ExplainedCause & { readonly evidence: readonly string[] })[];
}

/** What a drafted policy would have changed of what is on record: it only ever holds. */
export interface DraftTrial {
  /** How many decisions about its services were looked at, the newest ones, and since when. */
  readonly decisions: number;
  readonly since: number | null;
  /** Of those that it is about: allowed then, which it would have held; and held or refused anyway. */
  readonly wouldHold: number;
  readonly held: number;
  readonly refused: number;
  /** Newest actions that it would have held, at most ten. */
  readonly examples: readonly string[];
}

export type TrackedViews = { readonly [S in TrackedSystem]?: TrackedView };

export interface TrackedView {
  readonly state: TrackedState;
  /** Since when, by the clock there. */
  readonly at: number;
  /** Its number or id there. */
  readonly record: string;
  readonly revision: number | null;
}

/** Where many services of an environment fired at once. */
export interface StormView extends Document {
  readonly status: "open" | "ended";
  readonly environment: string;
  /** The one whose signal made it a storm, and how many fired then. */
  readonly service: string;
  readonly services: number;
  readonly openedAt: number;
  readonly endedAt: number | null;
  /** The newest action that asks to page about it, and the newest attempt to close that page. */
  readonly page: ActionReference | null;
  readonly pageClosing: ActionReference | null;
  readonly systems: TrackedViews;
}

/** Maintenance; what it says is in force from `startsAt` until before `endsAt`, or until it is ended. */
export interface SilenceView extends Document {
  readonly status: "standing" | "ended";
  readonly environment: string;
  readonly service: string | null;
  readonly signature: string | null;
  readonly startsAt: number;
  readonly endsAt: number;
  /** The `silence.create` that people approved. */
  readonly action: string;
  readonly createdAt: number;
  readonly endedAt: number | null;
  readonly endedBy: string | null;
  /** How it ended: `expired` or `ended`. */
  readonly code: string | null;
  /** Signals that it kept quiet, and those of them that were triaged when it had ended. */
  readonly signalCount: number;
  readonly releasedCount: number;
}
