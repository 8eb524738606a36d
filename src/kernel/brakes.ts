// Which brake, if any, holds back an action.

import type { Delegator } from "../wire/types/identity.ts";
import type { BrakeScope } from "./events.ts";
import { REVERT_AGENT } from "./reverts.ts";
import type { Brake } from "./state.ts";

/** What a scope is compared with. */
export type Braked = {
  readonly agent: string;
  readonly agentKind: "agent" | "person" | "system";
  /** The owner of the agent, or the person who proposed; null for what nobody owns. */
  readonly person: string | null;
  /** For whom the agent acts: what stops one of them stops that too. */
  readonly actsFor?: readonly Delegator[];
  /** The agents that its own is registered under, whose stop is its own too. */
  readonly above?: readonly string[];
  readonly kind: string;
  readonly environment: string;
  readonly service: string;
};

/** True when every part that the scope names is the action's own; an empty scope covers everything. */
export function covers(scope: BrakeScope, action: Braked): boolean {
  return (
    (scope.agent === undefined || isOfAgent(action, scope.agent)) &&
    (scope.owner === undefined ||
      scope.owner === action.person ||
      isFor(action, ({ person }) => person === scope.owner)) &&
    (scope.kind === undefined || isOfKind(scope.kind, action.kind)) &&
    (scope.environment === undefined || scope.environment === action.environment) &&
    (scope.service === undefined || scope.service === action.service) &&
    (scope.services === undefined || scope.services.includes(action.service)) &&
    (scope.agentKind === undefined || scope.agentKind === action.agentKind) &&
    !isExcepted(scope, action)
  );
}

/** Its own, one for which that acts, or one above it. */
function isOfAgent(action: Braked, agent: string): boolean {
  return action.agent === agent || action.above?.includes(agent) === true || isFor(action, ({ id }) => id === agent);
}

function isFor({ actsFor }: Braked, is: (one: Delegator) => boolean): boolean {
  return actsFor?.some(is) === true;
}

/** What an incident's commander lets through. */
function isExcepted({ exceptAgents, exceptKinds }: BrakeScope, { agent, kind }: Braked): boolean {
  return exceptAgents?.includes(agent) === true || exceptKinds?.some((pattern) => isOfKind(pattern, kind)) === true;
}

/** A kind, or a class of them: `servicenow.*`. */
function isOfKind(pattern: string, kind: string): boolean {
  return pattern.endsWith(".*") ? kind.startsWith(pattern.slice(0, -1)) : pattern === kind;
}

/**
 * The way out, the stage of the triage agent, and what takes authority away: they have no effect outside, and a pause
 * that kept somebody from revoking a key would make an attack easier.
 */
const NEVER_BRAKED: ReadonlySet<string> = new Set(["killswitch.resume", "stage.set", "agent.revoke", "level.revoke"]);

/** Also what takes back an action that failed its checks: a pause must not keep production in that state. */
export function isBrakeable({ kind, agent }: Pick<Braked, "kind" | "agent">): boolean {
  return !NEVER_BRAKED.has(kind) && agent !== REVERT_AGENT;
}

/** The strongest brake on an action: pause over dry-run. */
export function brakeOn(brakes: Iterable<Brake>, action: Braked): "run" | "dry-run" | "pause" {
  if (!isBrakeable(action)) return "run";
  let mode: "run" | "dry-run" | "pause" = "run";
  for (const brake of brakes) {
    if (!covers(brake.scope, action)) continue;
    if (brake.mode === "pause") return "pause";
    mode = "dry-run";
  }
  return mode;
}
