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

/**
 * A query of a database passes when its one value is true, or a number within the bounds where bounds are given.
 * `database` is a name that configuration gives.
 */
export type SqlCheck = {
  readonly kind: "sql";
  readonly name: string;
  readonly database: string;
  readonly query: string;
  readonly min: number | null;
  readonly max: number | null;
};

/** How many requests there were since the action began, and how many of them went badly: two Prometheus queries. */
export type CountQueries = { readonly bad: string; readonly all: string };

/**
 * A canary passes when it is certain enough that its share of bad requests is at most `maxRise` above that of the
 * baseline beside it; fails when it is certain enough that it is not. In the queries `$window` is the time since the
 * action began.
 */
export type CanaryCheck = {
  readonly kind: "canary";
  readonly name: string;
  readonly endpoint: string;
  readonly canary: CountQueries;
  readonly baseline: CountQueries;
  /** From 0 on, below 1. */
  readonly maxRise: number;
  /** Between 0 and 1: how rarely a look at any time may be wrong. */
  readonly confidence: number;
};

/** The rollout of a workload (`deployment/cart`) passes when all of its pods are of the newest template and available. */
export type RolloutCheck = {
  readonly kind: "rollout";
  readonly name: string;
  readonly cluster: string;
  readonly namespace: string;
  readonly workload: string;
};

/**
 * What the runtime model counted of a service since the action was done, beside the time before: well when it is certain
 * enough that its requests, and calls of it, fail at most `maxRise` more often, and when it is at most so many times as slow.
 */
export type ModelCheck = {
  readonly kind: "model";
  readonly name: string;
  /** That of the action where it is null. */
  readonly service: string | null;
  /** From 0 on, below 1. */
  readonly maxRise: number | null;
  readonly maxTimesBefore: number | null;
  /** As of a canary. */
  readonly confidence: number;
};

export type HealthCheck = HttpCheck | PrometheusCheck | SqlCheck | CanaryCheck | RolloutCheck | ModelCheck;

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

/** How far the verification of one action has come. */
export interface VerificationView {
  readonly name: string;
  readonly samples: number;
  /** In a row. */
  readonly passes: number;
  readonly needed: number;
  readonly failures: number;
  readonly last: HealthResult | null;
  /** Names of the checks that did not pass last. */
  readonly failed: readonly string[];
}
