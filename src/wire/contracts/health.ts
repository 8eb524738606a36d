// What Holdpoint needs to know whether a service is well: one answer to one check, at one moment.

import type { JsonObject } from "../../core/json.ts";
import type { HealthCheck, HealthResult } from "../types/health.ts";

export interface HealthQuestion {
  readonly check: HealthCheck;
  /** The last moment before the action began, in milliseconds since the epoch. */
  readonly beforeMs: number;
  /** The last moment before the step that is checked, where there were others before it: of a plan in phases, before its phase. */
  readonly stepMs?: number;
  /** The action that is verified: where, and when it was done. */
  readonly action?: { readonly environment: string; readonly service: string; readonly doneMs: number };
}

export interface ServiceStateAsk {
  readonly environment: string;
  readonly service: string;
  readonly beforeMs: number;
  readonly stepMs: number;
  readonly doneMs: number;
}

/** What was counted on one side of an action. */
export interface StateCounts {
  readonly requests: number;
  readonly failed: number;
  /** Windows that counted any of these. */
  readonly windows: number;
  /** Those with enough requests for a 95th percentile, and the median of these; null where there are none. */
  readonly p95Windows: number;
  readonly p95Ms: number | null;
}

export interface StateCompared {
  readonly before: StateCounts;
  readonly after: StateCounts;
}

/** Of a service by itself, and by those that call it; each null where nothing was counted of it before. */
export interface ServiceState {
  readonly own: StateCompared | null;
  readonly called: StateCompared | null;
}

/** The runtime model, as a check reads it. */
export interface ServiceStateReader {
  /** Throws `model-node-not-found`, and `model-unavailable` while the model is gone. */
  stateOf(ask: ServiceStateAsk): Promise<ServiceState>;
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
