// Health checks after an action: what is asked, of whom, and what an answer may be.

/** `unknown`: nobody could tell, which counts as failure. */
export type HealthResult = "pass" | "fail" | "unknown";

/** An HTTP probe passes when `endpoint`, a place that configuration names, answers `path` with one of these statuses. */
export type HttpCheck = {
  readonly kind: "http";
  readonly name: string;
  readonly endpoint: string;
  readonly path: string;
  readonly statuses: readonly number[];
};

/**
 * A Prometheus query passes when its one value lies within the bounds, and, where a factor is given, is at most so many
 * times the value just before the action.
 */
export type PrometheusCheck = {
  readonly kind: "prometheus";
  readonly name: string;
  readonly endpoint: string;
  readonly query: string;
  readonly min: number | null;
  readonly max: number | null;
  readonly maxTimesBefore: number | null;
};

export type HealthCheck = HttpCheck | PrometheusCheck;

/** Which checks an action must pass before it counts as done. All times in milliseconds. */
export interface Verification {
  readonly name: string;
  /** Waited for before the first sample. */
  readonly settleMs: number;
  /** Between samples. */
  readonly everyMs: number;
  /** So many samples in a row must pass, each with every check. */
  readonly samples: number;
  /** So many samples that do not pass are a failure at once. */
  readonly failures: number;
  /** From the end of the action: not healthy by then is a failure. */
  readonly withinMs: number;
  readonly onFailure: "revert" | "page";
  readonly checks: readonly HealthCheck[];
}
