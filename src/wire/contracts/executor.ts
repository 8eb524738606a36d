// What Holdpoint needs of an executor: describe, plan, execute with a grant, and say afterwards what happened.

import type { Json, JsonObject } from "../../core/json.ts";
import type { RiskDomain } from "../types/risk.ts";

/** Whether running a step twice is harmless, guarded by a condition, or neither. */
export type Repeatability = "idempotent" | "conditional" | "neither";

export interface ActionKind {
  /** `pagerduty.trigger`. */
  readonly kind: string;
  readonly title: string;
  /** JSON Schema (2020-12) of the arguments. */
  readonly argumentsSchema: JsonObject;
  readonly repeat: Repeatability;
  /** `pure`: the plan follows from target and arguments alone; `reads`: planning asks the world first. */
  readonly planning: "pure" | "reads";
  /** `none`: the record of the decision is all there is, and no step is run. */
  readonly effect: "external" | "none";
  /** False when no inverse exists. */
  readonly reversible: boolean;
  /** Empty for what changes nothing in production: it tells people, or itself alone. */
  readonly risks: readonly RiskDomain[];
}

export interface Target {
  readonly environment: string;
  readonly service: string;
  readonly resource?: string;
}

export interface PlanRequest {
  readonly actionId: string;
  readonly kind: string;
  readonly target: Target;
  readonly args: JsonObject;
  /** What the triage run or agent gave as context: run, incident, classification; shown to people, part of the bytes. */
  readonly context: JsonObject;
  /**
   * The people behind an action of this log, this one or an earlier one: `person:ada`, each by all their identities; null
   * where there is no such action. Absent for a plan at once, which asks nobody, and for a trial.
   */
  readonly behind?: (action: string) => Promise<readonly string[] | null>;
  /**
   * For the plan of a revert: how the action left the target, as its outcome said. An executor that can tell throws
   * `target-moved` when it is not so any more: what somebody changed since is not overwritten. Null: nobody knows how, since
   * nobody saw the end of the action, or its executor tells it another way. Absent of reverts for what is `Plan.blind`.
   */
  readonly left?: string | null;
}

/** The exact bytes an executor will run, before hashing. Holds references to secrets, never values. */
export interface Plan {
  readonly kind: string;
  readonly calls: readonly Json[];
  readonly diff: Json;
  /** The proposal that would undo it, or null. */
  readonly inverse: Json | null;
  readonly reversible: boolean;
  /**
   * What takes it back cannot see what somebody changed since. It is then not begun over a later change that Holdpoint made
   * itself; of other people's changes nobody can tell.
   */
  readonly blind?: true;
  /** State of the target at planning time; execution refuses when it moved. Null for pure plans. */
  readonly fingerprint: string | null;
  /**
   * Why only a person may let it through, whatever policy says (`opaque`); absent where policy decides. With `irreversible`
   * that person also types the name of the target.
   */
  readonly signature?: string;
  /**
   * How much it does, in whatever its kind counts: statements, rows, replicas; a whole number. Absent: one thing. Plans of
   * one kind for one service and person add up, so that pieces are judged as the whole.
   */
  readonly size?: number;
  /**
   * SHA-256 of what it does, the same wherever it is done: without the names of places, with what a name stands for.
   * Absent where the executor cannot say, and then nothing counts as having been tried elsewhere.
   */
  readonly change?: string;
  /**
   * What it does in several goes, in order, from two to twenty: each is called for by itself, and only when the checks
   * after the one before it have passed. Its inverse takes back however many were done. Absent: all at once.
   */
  readonly phases?: readonly string[];
  /**
   * A step of it begins only when something has come that is not Holdpoint's to give: the approval of its change, somebody's
   * review of its pull request. Until then it waits, and `Executor.awaited` is asked. Absent: nothing has to come.
   */
  readonly awaits?: true;
}

/**
 * Whether what a plan awaits is there. `pending`: not yet, or nobody can tell now; asked again not before `afterMs`.
 * `over`: it will not come. Codes are the executor's own, as those of outcomes are.
 */
export type Awaited =
  | { readonly status: "come" }
  | { readonly status: "pending"; readonly code: string; readonly afterMs?: number }
  | { readonly status: "over"; readonly code: string };

export interface ExecuteRequest {
  readonly plan: Plan;
  /** Of a plan in phases: which one, from 1. */
  readonly phase?: number;
  readonly grantId: string;
  /** Stable over retries and restarts; each phase has its own. */
  readonly idempotencyKey: string;
  /**
   * An earlier attempt may have taken effect, and nothing since has told whether it did. False: what the target has of it,
   * somebody else has done. Always true for `reconcile`.
   */
  readonly unsettled: boolean;
  /** Verdicts of the decision that granted it, for the justification that executors append where the kind has a place. */
  readonly justification: JsonObject;
  readonly timeoutMs: number;
}

/**
 * How a call ended. `failed`: it had no effect, for certain, and a repeat would fail again. `retry`: no effect, for
 * certain, try again not before `afterMs`. `partial`: of several parts some took effect and the others had none, all for
 * certain; running it again, not before `afterMs`, does the rest and nothing twice, and 0 means that it would not help.
 * `unknown`: nobody can tell; only `reconcile` may settle it.
 */
export type StepOutcome =
  | {
      readonly status: "succeeded";
      readonly reference: string;
      readonly detail: Json;
      /** How the target was left, for the plan of its revert: see `PlanRequest.left`. */
      readonly left?: string;
    }
  | { readonly status: "failed"; readonly code: string; readonly detail: Json }
  | { readonly status: "retry"; readonly afterMs: number; readonly code: string; readonly detail: Json }
  | { readonly status: "partial"; readonly afterMs: number; readonly code: string; readonly detail: Json }
  | { readonly status: "unknown"; readonly code: string; readonly detail: Json };

/**
 * What asking the target about an earlier step gave. `absent`: it never happened, so it may be run. `partial`: some of
 * it happened, and running it does the rest and nothing twice. `unclear` with
 * `afterMs`: nobody can tell yet, and asking again after that may; without, asking again will not help.
 */
export type Reconciliation =
  | { readonly status: "happened"; readonly reference: string; readonly detail: Json; readonly left?: string }
  | { readonly status: "absent"; readonly detail: Json }
  | { readonly status: "partial"; readonly detail: Json }
  | { readonly status: "unclear"; readonly detail: Json; readonly afterMs?: number };

/**
 * Whether one target can be worked with now. `ready`: it answered and took the credential. `reached`: it answered, and no
 * question without an effect would try the credential. `refused`: it did not take the credential. `missing`: there is no
 * credential, so nothing was asked. `away`: it did not answer.
 */
export interface Reach {
  /** In the words of the configuration: `database orders`. */
  readonly target: string;
  readonly status: "ready" | "reached" | "refused" | "missing" | "away";
  /** Of an outcome, or of the target; empty for `ready`. Nothing that the target said freely. */
  readonly code: string;
}

export interface Executor {
  /** Action kinds offered: what each needs to be described by. */
  readonly kinds: readonly ActionKind[];
  /** References of the secrets that its calls need. */
  readonly credentials: readonly string[];
  /** Throws `arguments-invalid` for what it cannot plan. For `planning: "pure"` kinds it does no I/O. */
  plan(request: PlanRequest, signal: AbortSignal): Promise<Plan>;
  /** Asked of plans with `awaits`, without any effect. Whoever makes such plans has it. `execute` asks again by itself. */
  awaited?(plan: Plan, signal: AbortSignal): Promise<Awaited>;
  /** Runs one step. Never throws for what the target did: that is a StepOutcome. */
  execute(request: ExecuteRequest, signal: AbortSignal): Promise<StepOutcome>;
  /** Asks the target whether an interrupted step took effect. */
  reconcile(request: ExecuteRequest, signal: AbortSignal): Promise<Reconciliation>;
  /** Asks every target that configuration names whether it is there, without any effect. Never throws. */
  probe(signal: AbortSignal): Promise<readonly Reach[]>;
}
