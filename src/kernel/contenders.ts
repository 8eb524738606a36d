// Actions under way on one target: two changes of the same thing at once are a conflict.

import type { Contender, UnderWay } from "../wire/types/policy-facts.ts";
import type { Action, State } from "./state.ts";

const LISTED_MAX = 16;

/**
 * Granted actions of others on the action's target that have not ended, oldest first. What triage asks for is about a
 * target and changes nothing there; the same request again is the duplicate gate's to judge. Looked up by whoever asks:
 * few rules do.
 */
export function contendersOf({ actions }: Readonly<State>, id: string): readonly Contender[] {
  const own = actions.get(id);
  const found: Contender[] = [];
  if (own === undefined) return found;
  for (const other of actions.values()) {
    if (found.length >= LISTED_MAX) break;
    if (other.id !== id && isUnderWay(other) && isSameTarget(own, other) && !isSameRequest(own, other)) {
      found.push({ id: other.id, kind: other.kind });
    }
  }
  return found;
}

/** All of them, the same request too: how many there are is exact. */
export function underWayWith({ actions }: Readonly<State>, id: string): readonly UnderWay[] {
  const own = actions.get(id);
  const found: UnderWay[] = [];
  if (own === undefined) return found;
  for (const other of actions.values()) {
    if (other.id === id || other.environment !== own.environment || !isUnderWay(other)) continue;
    const { kind, environment, service, prediction } = other;
    found.push({ id: other.id, kind, environment, service, neighbourhood: prediction?.neighbourhood ?? [] });
  }
  return found;
}

function isUnderWay({ grant, agentKind, effect }: Action): boolean {
  return grant !== null && agentKind !== "system" && effect === "external";
}

type Place = Pick<Action, "environment" | "service">;

/** The same service: a resource is the proposer's own word, which no executor compares with what it calls. */
export function isSameTarget(one: Place, other: Place): boolean {
  return one.environment === other.environment && one.service === other.service;
}

function isSameRequest(one: Action, other: Action): boolean {
  return one.kind === other.kind && one.requestHash === other.requestHash;
}
