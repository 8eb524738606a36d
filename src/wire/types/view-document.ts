// What every document of a view has, and how documents name an action.

import type { ActionStatus } from "./action-status.ts";

/** In every document: `id` is unique in its view, `seq` is the sequence of the event that began it. */
export interface Document {
  readonly id: string;
  readonly seq: number;
}

/** An action as its run, its incident or its storm names it. */
export interface ActionReference {
  readonly id: string;
  readonly kind: string;
  readonly status: ActionStatus;
  /** As of its status: why it was refused, or how it ended; null where there is nothing to say. */
  readonly code: string | null;
  readonly dryRun: boolean;
}
