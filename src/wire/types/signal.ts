// A signal: one normalized event from production, as it looks before any model sees it (S2).

export type SignalStatus = "firing" | "resolved";

/** Free text is redacted before it gets here; log lines never do. */
export interface Signal {
  /** Configured source that delivered it: `alertmanager`. */
  readonly source: string;
  /** What detected it at the source, for independence of signals: `prometheus:HighErrorRate`. */
  readonly detector: string;
  readonly status: SignalStatus;
  /** `change`: a deployment or a build, recorded and never triaged. Absent for an alert. */
  readonly nature?: "change" | undefined;
  /** Repeats what others detected, or was made by an AI: it confirms nothing (S6). Absent for a detection of its own. */
  readonly derived?: true | undefined;
  /** Told of once a change, with the time of that change: the later one counts. Absent where it may be repeated. */
  readonly dated?: true | undefined;
  /** Its source never tells of its end. Absent where it does. */
  readonly endless?: true | undefined;
  readonly environment: string;
  readonly service: string;
  readonly component: string | null;
  /** Lower-case hex SHA-256 over what makes two failures the same (S3). */
  readonly signature: string;
  /** Lower-case hex SHA-256 over the words of the failure alone: equal where two services fail the same way. */
  readonly failure: string;
  /** Identity of this very firing at its source: the same delivery twice has the same key. */
  readonly deliveryKey: string;
  /** Severity the source claims, `none` when it does not. */
  readonly claimedSeverity: "none" | "low" | "medium" | "high" | "sev1";
  /** Fraction of traffic or requests affected, 0..1, where the source says so. */
  readonly impactEstimate: number | null;
  /** Trace ids and ticket numbers, at most 16. */
  readonly correlationIds: readonly string[];
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly title: string;
  readonly summary: string;
  /** Labels that survived the allow-list and redaction. */
  readonly labels: Readonly<Record<string, string>>;
  /** Links to logs, dashboards and runbooks; never their content. */
  readonly pointers: readonly string[];
  /** How many values redaction replaced. */
  readonly redactions: number;
}

/** Why something that arrived is kept aside instead of becoming a run. */
export type QuarantineReason =
  | "environment-missing"
  | "service-missing"
  | "name-suspicious"
  | "timestamp-implausible"
  | "too-many-labels";

export interface QuarantinedSignal {
  readonly source: string;
  readonly deliveryKey: string;
  readonly reason: QuarantineReason;
  /** Redacted and bounded copy for the person who looks at it. */
  readonly excerpt: string;
}

/** How an incident stands at a pager or a tracker. `updated`: something else about it changed. */
export type TrackedState = "open" | "assigned" | "acknowledged" | "resolved" | "reopened" | "updated";

/** Where it stands: as a page, as a ticket, or as the record of a major incident. */
export type TrackedSystem = "pagerduty" | "servicenow" | "servicenow-major";

/** A pager's or a tracker's word about an incident that Holdpoint opened there. */
export interface TrackedIncident {
  readonly source: string;
  /** The same word twice has the same key; it ends in `:tracked`. */
  readonly deliveryKey: string;
  readonly system: TrackedSystem;
  /** Our dedup key or correlation id. */
  readonly key: string;
  /** What of ours the key names: an incident `inc_…`, a storm `stm_…`, or the action `act_…` of a ticket that is of neither. */
  readonly subject: string;
  readonly state: TrackedState;
  /** Its number or id there. */
  readonly record: string;
  /** When it came to stand so by the sender's clock, which tells words that overtook each other apart; null: implausible. */
  readonly at: number | null;
  /** The sender's count of its changes, where it has one: it tells two words of one second apart. */
  readonly revision: number | null;
}

export type NormalizedSignal =
  | { readonly kind: "signal"; readonly signal: Signal }
  | { readonly kind: "quarantined"; readonly quarantined: QuarantinedSignal }
  | { readonly kind: "tracked"; readonly tracked: TrackedIncident };
