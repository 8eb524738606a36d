// Facts of what comes in: a signal that was received, and a word about an incident of ours.

import type { SignalStatus, TrackedState, TrackedSystem } from "../wire/types/signal.ts";

/** Why a firing signal is of its incident, the first that fits. */
export type JoinedBy = "signature" | "reopened" | "service" | "failure" | "opened";

export type SignalFacts = {
  readonly source: string;
  readonly detector: string;
  readonly status: SignalStatus;
  readonly environment: string;
  readonly service: string;
  readonly signature: string;
  /** The failure alone, whatever it befell: see `Signal`. */
  readonly failure: string;
  readonly deliveryKey: string;
  readonly claimedSeverity: string;
  /** When it began, or for an end when it ended, by its source's word, in milliseconds since the epoch. */
  readonly occurredAt?: number;
  /** Absent for an alert. A change is recorded and starts nothing. */
  readonly nature?: "change";
  /** An AI made it, or another signal did: it confirms nothing. */
  readonly derived?: true;
  /** `occurredAt` is the time of the change it tells of: of two the later one counts, in whatever order they come. */
  readonly dated?: true;
  /** Its source never tells of its end. */
  readonly endless?: true;
};

export type ReceivedFacts = SignalFacts & {
  readonly incident: string | null;
  /** Null for what does not fire or joins none. */
  readonly joinedBy: JoinedBy | null;
  /** The silence that keeps it quiet: then it is of no incident. */
  readonly silence?: string;
  readonly forgets?: string;
};

export type NotedFacts = {
  readonly source: string;
  readonly deliveryKey: string;
  readonly system: TrackedSystem;
  readonly state: TrackedState;
  readonly record: string;
  readonly at: number | null;
  readonly revision: number | null;
  /** About a page or a ticket of an incident that this one absorbed, beside the one that stands for both. */
  readonly aside?: true;
  readonly forgets?: string;
};
