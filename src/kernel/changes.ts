// What was begun where, in order: whoever takes something back without seeing what changed since must not go over a later
// change. Of Holdpoint's own changes that can be told for every target, also for those that tell nothing themselves.

import { setBounded } from "./bounded.ts";
import { isSameTarget } from "./contenders.ts";
import { LIMITS } from "./limits.ts";
import type { Action, State } from "./state.ts";

/** An action that took effect, may have, or is about to. */
export type Change = Pick<Action, "kind" | "environment" | "service" | "resource"> & { readonly action: string };

function keyOf({ environment, service }: Pick<Action, "environment" | "service">): string {
  return `${environment}|${service}`;
}

/** With each call, of which the first and the last count. What triage asks for is about a target and changes nothing there. */
export function noteChange({ changes }: State, action: Action): void {
  const { id, kind, environment, service, resource, agentKind, effect, revertOf } = action;
  if (effect !== "external" || (agentKind === "system" && revertOf === undefined)) return;
  const key = keyOf(action);
  const before = changes.get(key) ?? [];
  const first = before.findIndex((one) => one.action === id);
  const kept = before.filter((one, at) => one.action !== id || at === first);
  const all = [...kept, { action: id, kind, environment, service, resource }];
  const gone = new Set(all.slice(0, -LIMITS.changesMax).map((one) => one.action));
  const value = all.filter((one) => !gone.has(one.action)); // half of what is known of one would be wrong
  setBounded(changes, { key, value, max: LIMITS.changedServicesMax });
}

/** It had no effect after all, or what it did was taken back, as was what did that. */
export function dropChanges({ changes }: State, at: Action, actions: readonly (string | undefined)[]): void {
  const key = keyOf(at);
  const kept = changes.get(key)?.filter(({ action }) => !actions.includes(action));
  if (kept === undefined) return;
  if (kept.length === 0) changes.delete(key);
  else changes.set(key, kept);
}

/** `http.call-once` is `http.call` that may not be repeated: both change the same things. */
function sortOf(kind: string): string {
  return kind.replace(/-once$/, "");
}

/**
 * Taking it back would go over a later change of its target, by an action of the kind that is taken back or of this one.
 * Also where it is not known any more what came later.
 */
export function goesOverLater({ changes }: Readonly<State>, action: Action): boolean {
  const undone = action.revertOf ?? action.undoes;
  if (action.blind !== true || undone === undefined) return false;
  const known = changes.get(keyOf(action)) ?? [];
  const at = known.findIndex((one) => one.action === undone);
  const sorts = [action.kind, known[at]?.kind ?? ""].map(sortOf);
  const later = known.slice(at + 1).filter((one) => one.action !== action.id && one.action !== undone);
  return at < 0 || later.some((one) => sorts.includes(sortOf(one.kind)) && isSameTarget(one, action));
}
