// What Holdpoint needs to know whether a service is well: one answer to one check, at one moment.

import type { JsonObject } from "../../core/json.ts";
import type { HealthCheck, HealthResult } from "../types/health.ts";

export interface HealthQuestion {
  readonly check: HealthCheck;
  /** The last moment before the action began, in milliseconds since the epoch. */
  readonly beforeMs: number;
}

export interface HealthAnswer {
  readonly result: HealthResult;
  /** What was seen: a status, a value, a bound. Evidence, never what the target wrote. */
  readonly evidence: JsonObject;
}

/** Whether a service has enough of its error budget left for a change. */
export interface BudgetReader {
  covers(target: { readonly environment: string; readonly service: string }): boolean;
  /** `pass` when enough is left; null where nothing is declared. Never throws. */
  ask(target: { readonly environment: string; readonly service: string }): Promise<HealthAnswer | null>;
}

export interface HealthProbe {
  /** Never throws: who cannot be asked is `unknown`. */
  ask(question: HealthQuestion, signal: AbortSignal): Promise<HealthAnswer>;
}
