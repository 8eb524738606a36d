// An alert of any source, as far as reading its payload goes.

import type { SignalStatus } from "../wire/types/signal.ts";

/** An alert in the words of its source, before anything about it is believed. */
export interface RawAlert {
  /** What kind of thing raises alerts there: `prometheus`. */
  readonly detectorKind: string;
  /** Name of the rule that fired; empty where the source has none. */
  readonly name: string;
  readonly status: SignalStatus;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  /** RFC 3339. */
  readonly startsAt: string;
  /** RFC 3339; empty for none. */
  readonly endsAt: string;
  /** Addresses beside those in annotations. */
  readonly links: readonly string[];
  /** Identity of the alert at its source, without its time; empty where it gives none. */
  readonly fingerprint: string;
}
