// What a sum of impact is made of.

import type { ReservedImpact } from "../wire/types/verdict.ts";

/** One granted action, or several that were merged: of the younger's time and target, and in every neighbourhood. */
export type ImpactEntry = ReservedImpact & {
  readonly at: number;
  readonly action: string;
  readonly actions: number;
};
export type Impact = { readonly windowMs: number; readonly entries: readonly ImpactEntry[] };
