// What state keeps in its tables of counters and keys, and in lists of alerts.

export type Counter = { readonly windowMs: number; readonly times: number[] };
export type DuplicateMark = {
  readonly action: string;
  readonly at: number;
  /** It followed a page that had been closed: this one is not to be followed so soon again. */
  readonly again: boolean;
  /** The page that set it is closed at the pager: what fails now is another occurrence. */
  readonly closed: boolean;
};
/** The action that went well, and when; they stand in the order of that. */
export type Rehearsal = { readonly action: string; readonly at: number };
export type IdempotencyMark = {
  readonly subject: string;
  readonly requestHash: string;
  readonly client: string;
  /** When an agent signed the proposal, of which this is the `jti`. */
  readonly signedAt?: number;
};
export type Delivery = {
  readonly signal: string;
  readonly source: string;
  /** When it came; 0 for one that was quarantined, which says nothing about its alert. */
  readonly at: number;
  /** When it began or ended by its source's word. */
  readonly occurredAt?: number;
};
/** One alert that fires; of a source that tells of no end until when it is taken to, unless it is heard of again. */
export type Firing = { readonly key: string; readonly service: string; readonly lapsesAt?: number };
