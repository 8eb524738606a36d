// What executors need of a place that keeps secrets: the value behind a reference, at the moment of the call.

export interface Credentials {
  /**
   * The secret behind `ref` (`pagerduty/default`). Rejects when there is none. The value is used for one call and never
   * kept, logged or recorded; plans and outcomes name the reference only. Aborting `signal` gives up the wait.
   */
  get(ref: string, signal?: AbortSignal): Promise<string>;
}
