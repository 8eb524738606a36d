// What a sum of impact is made of.

/** One granted action, or several that were merged, of which the younger's time and target are kept. */
export type ImpactEntry = {
  readonly at: number;
  readonly action: string;
  readonly actions: number;
  readonly size: number;
  readonly target: string;
};
export type Impact = { readonly windowMs: number; readonly entries: readonly ImpactEntry[] };
