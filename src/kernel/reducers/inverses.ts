// Reducers of inverse dry runs: an action that took effect waits for its own, unless it is taken back before.

import type { KernelEvent } from "../events.ts";
import { LIMITS } from "../limits.ts";
import type { Action, State } from "../state.ts";

/** Once the last phase is done; a full table takes no more, and decides nothing. */
export function awaitInverse(state: State, action: Action, { seq, time }: Pick<KernelEvent, "seq" | "time">): void {
  const { id, environment, service, resource, inverse, planSeq, phase = 1, phases = 1 } = action;
  if (inverse === undefined || planSeq === null || phase < phases || state.inverses.size >= LIMITS.inversesMax) return;
  const at = { planSeq, endSeq: seq, tries: 0, doneAt: time, dueAt: time };
  state.inverses.set(id, { environment, service, resource, inverse, ...at });
}

/** What begins in earnest needs no trying. */
export function endInverse({ inverses }: State, action: string): void {
  inverses.delete(action);
}

export function applyInverseChecked({ inverses }: State, { subject, facts }: KernelEvent<"inverse.checked">): void {
  const due = inverses.get(subject);
  if (due === undefined || facts.againAt === null) inverses.delete(subject);
  else inverses.set(subject, { ...due, tries: facts.tries, dueAt: facts.againAt });
}
