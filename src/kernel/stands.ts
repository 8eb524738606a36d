// How an incident stands outside: its ticket, and what pager and tracker say of it.

import type { ClassificationFacts } from "./events.ts";
import type { TrackedState, TrackedSystem } from "../wire/types/signal.ts";

/** A ticket that triage opened: `act_…:inc_…`, as its correlation id ends, and whether it was told that it is over. */
export type Ticket = {
  readonly name: string;
  readonly closed: boolean;
  /** The last run since it was opened: what a ticket that is being told something is told after that. */
  readonly news?: { readonly run: string; readonly signal: string; readonly classification: ClassificationFacts };
};

/** A pager's or a tracker's last word. */
export type Word = { readonly state: TrackedState; readonly at: number; readonly revision: number | null };
export type Stands = { readonly [S in TrackedSystem]?: Word };
