// What metrics say of services and of who calls whom: rates and quantiles that somebody else has counted.

export interface MeasuredRates {
  readonly perSecond: number;
  /** The part that failed. */
  readonly errorRatio: number;
  /** Null where it was not measured. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

export interface MeasuredRows {
  /** Plain names of services. */
  readonly services: readonly (MeasuredRates & { readonly service: string })[];
  readonly calls: readonly (MeasuredRates & { readonly from: string; readonly to: string })[];
}
