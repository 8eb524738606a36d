// An alert of any source, as far as reading its payload goes.

import type { SignalStatus, TrackedIncident } from "../wire/types/signal.ts";

/** An alert in the words of its source, before anything about it is believed. */
export interface RawAlert {
  /** What kind of thing raises alerts there: `prometheus`. */
  readonly detectorKind: string;
  /** Name of the rule that fired; empty where the source has none. */
  readonly name: string;
  readonly status: SignalStatus;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  /** RFC 3339, or milliseconds since the epoch. */
  readonly startsAt: string | number;
  /** As `startsAt`; empty for none. */
  readonly endsAt: string | number;
  /** Addresses beside those in annotations. */
  readonly links: readonly string[];
  /** Identity of the alert at its source, without its time; empty where it gives none. */
  readonly fingerprint: string;
  /** What tells this firing from the next of the same alert, where the source says so at both ends; else its start. */
  readonly occurrence?: string;
  /** Something that changed, not something that failed: recorded, never triaged. */
  readonly isChange?: true;
  /** A pager's or a tracker's incident: somebody else's detection, or nobody's. */
  readonly isDerived?: true;
  /** It is told of once a change, with the time of that change: the later one counts, in whatever order they come. */
  readonly isDated?: true;
  /** Its source never tells of its end. */
  readonly isEndless?: true;
  /** A tracker's word, at `startsAt`, about an incident that Holdpoint itself opened there: never a signal. */
  readonly tracked?: Omit<TrackedIncident, "source" | "deliveryKey" | "at">;
}
