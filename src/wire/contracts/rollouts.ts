// What health checks need of a cluster: how far a workload's rollout is.

export interface Rollout {
  /** False while the controller has not seen the newest specification. */
  readonly isObserved: boolean;
  /** The controller has given up waiting for it. */
  readonly isStuck: boolean;
  /** How many pods there should be of the newest template. */
  readonly wanted: number;
  readonly updated: number;
  readonly available: number;
  /** Pods of earlier templates that are still there. */
  readonly old: number;
}

export interface RolloutReader {
  /** `workload` is `deployment/cart` or like. Never throws: a text is a code that says why nobody can tell. */
  read(workload: string, namespace: string, signal: AbortSignal): Promise<Rollout | string>;
}
