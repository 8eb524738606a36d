// Policies, rules and routes as they are once read and checked.

import type { Asks, BreakGlass } from "../wire/types/approvals.ts";
import type { DecisionKind } from "../wire/types/verdict.ts";
import type { Condition } from "./cel/condition.ts";
import type { CheckGate } from "./gates/gate.ts";

export interface RouteStep {
  readonly asks: Asks;
  readonly withinMs: number;
  /** Null: nobody is reminded. */
  readonly remindEveryMs: number | null;
}

/**
 * Steps are asked in turn; when the last window ends unanswered, the hold expires and nothing runs. With `page` a page is
 * also asked for, where the hold was of an incident that claims to be serious.
 */
export interface Route {
  readonly name: string;
  readonly steps: readonly RouteStep[];
  readonly onTimeout: "deny" | "page";
  readonly breakGlass: BreakGlass | null;
}

export interface Gate {
  /** `policy/rule#gate`. */
  readonly name: string;
  readonly onFail: "hold" | "refuse";
  /** Where it cannot tell; as `onFail` where it is absent. */
  readonly onUnknown?: "hold" | "refuse";
  readonly route: string | null;
  readonly check: CheckGate;
}

/** Whether people may be asked because of it. */
export function mayHold({ onFail, onUnknown }: Pick<Gate, "onFail" | "onUnknown">): boolean {
  return onFail === "hold" || onUnknown === "hold";
}

export interface Rule {
  readonly name: string;
  /** Null: always. */
  readonly condition: Condition | null;
  readonly decision: DecisionKind;
  readonly gates: readonly Gate[];
  /** What an agent needs to do alone what the rule allows, see wire/types/level; 0: the rule asks for none. */
  readonly minimumLevel: number;
  /** Where to hold when the decision is hold; null only when nothing of the rule can hold. */
  readonly route: string | null;
  readonly line: number;
}

export interface Match {
  /** Kinds, `prefix.*` or `*`. */
  readonly actions: readonly string[];
  /** Canonical names; null: any. */
  readonly environments: readonly string[] | null;
  readonly services: readonly string[] | null;
}

export interface Policy {
  readonly name: string;
  readonly path: string;
  readonly line: number;
  readonly match: Match;
  readonly rules: readonly Rule[];
}

/** Whether `pattern` (a kind, `prefix.*` or `*`) covers the kind or pattern `other`. */
export function coversAction(pattern: string, other: string): boolean {
  if (pattern === other || pattern === "*") return true;
  return pattern.endsWith(".*") && other.startsWith(pattern.slice(0, -1));
}
