// Reducers of health after an action: samples, reverts, and the domains that a failed revert closes.

import { assert } from "../../core/assert.ts";
import type { ClosedDomain } from "../../wire/types/closed-domain.ts";
import type { KernelEvent } from "../events.ts";
import { LIMITS } from "../limits.ts";
import { dropChanges } from "../changes.ts";
import type { Action, State } from "../state.ts";
import { endInverse } from "./inverses.ts";
import { endImpact } from "./measuring.ts";
import { actionOf, moveTo } from "./actions.ts";

export function applyHealthSampled(state: State, { subject, facts }: KernelEvent<"health.sampled">): void {
  const { sample, passes, failures, nextAt } = facts;
  actionOf(state, subject).verifying = { sample, passes, failures, nextAt };
}

export function applyVerified(state: State, { subject, time }: KernelEvent<"action.verified">): void {
  moveTo(state, actionOf(state, subject), { status: "succeeded", at: time });
}

export function applyAdvanced(state: State, { subject, facts, time }: KernelEvent<"action.advanced">): void {
  const action = actionOf(state, subject);
  assert(action.grant !== null, "what is carried out has its grant");
  const { phase, beginBy } = facts;
  action.grant = { ...action.grant, beginBy };
  action.phase = phase;
  action.attemptsBefore = action.attempt;
  action.unsettled = false;
  action.dueAt = beginBy;
  delete action.verifying;
  moveTo(state, action, { status: "granted", at: time });
}

export function applyReverting(state: State, { subject, facts, time }: KernelEvent<"action.reverting">): void {
  endImpact(state, subject, time);
  endInverse(state, subject);
  const action = actionOf(state, subject);
  action.status = "reverting";
  action.dueAt = null;
  state.reverts.set(facts.revert, subject);
}

export function applyReverted(state: State, { subject, facts, time }: KernelEvent<"action.reverted">): void {
  const action = actionOf(state, subject);
  state.reverts.delete(facts.revert);
  dropChanges(state, action, [subject, facts.revert]);
  moveTo(state, action, { status: "reverted", at: time });
}

/** The domain that is closed; when the table is full, everything is. */
export function blockedKey({ environment, service }: { environment: string; service: string }): string {
  return `${environment}|${service}`;
}
const EVERYTHING = "*";

export function applyDomainBlocked(state: State, { facts }: KernelEvent<"domain.blocked">): void {
  const isFull = state.blocked.size >= LIMITS.blockedDomainsMax;
  state.blocked.set(isFull ? EVERYTHING : blockedKey(facts), facts.action);
}

export function applyDomainReleased(state: State, { facts }: KernelEvent<"domain.released">): void {
  state.blocked.delete(facts.domain);
}

export function closedDomains({ blocked }: Pick<State, "blocked">): readonly ClosedDomain[] {
  return [...blocked].map(([key, because]) => {
    const [environment = null, service = null] = key === EVERYTHING ? [] : key.split("|");
    return { environment, service, because };
  });
}

/** The action whose failed revert keeps this one from running; undefined when none does. */
export function blockedBy({ blocked }: Pick<State, "blocked">, action: Action): string | undefined {
  if (action.agentKind === "system" || action.effect !== "external") return undefined;
  return blocked.get(EVERYTHING) ?? blocked.get(blockedKey(action));
}
