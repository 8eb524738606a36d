// What went well where, by what it did: a change that is asked for elsewhere can be held to have been tried before.

import { setBounded } from "./bounded.ts";
import { LIMITS, TERMS } from "./limits.ts";
import type { Action, State } from "./state.ts";

type Done = Pick<Action, "kind" | "service" | "environment"> & { readonly change: string };

function keyOf({ kind, service, environment, change }: Done): string {
  return `${environment}|${kind}|${service}|${change}`;
}

/**
 * An action that had its effect, and passed its checks where it has any. Those that still count are never evicted for
 * others: while there is no room, nothing new counts as tried.
 */
export function noteRehearsed(state: State, { change, attempt, id, ...action }: Action, at: number): void {
  if (change === undefined || attempt === 0) return;
  const { rehearsals } = state;
  for (const [key, { at: before }] of rehearsals) {
    if (at - before < TERMS.rehearsalMs) break;
    rehearsals.delete(key);
  }
  const key = keyOf({ ...action, change });
  if (rehearsals.size >= LIMITS.rehearsalsMax && !rehearsals.has(key)) return;
  setBounded(rehearsals, { key, value: { action: id, at }, max: LIMITS.rehearsalsMax });
}

/** The action that did the same there within the time; null where none did, undefined where its plan does not say what it does. */
export function findRehearsal(
  { actions, rehearsals }: Readonly<State>,
  id: string,
  { environment, windowMs, now }: { readonly environment: string; readonly windowMs: number; readonly now: number },
): string | null | undefined {
  const action = actions.get(id);
  if (action?.change === undefined) return undefined;
  const { kind, service, change } = action;
  const found = rehearsals.get(keyOf({ kind, service, environment, change }));
  return found !== undefined && now - found.at < windowMs ? found.action : null;
}
