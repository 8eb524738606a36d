// Reducers of advice: what may be labelled, and the labels.

import { isAdvice, type Advice } from "../advice.ts";
import { addShare, dropShare } from "../bounded.ts";
import type { KernelEvent } from "../events.ts";
import type { State } from "../state.ts";
import { applyEnded } from "./actions.ts";

const endAdvised = applyEnded("advised");

export function applyAdvised(state: State, event: KernelEvent<"action.advised">): void {
  const { code, forgets } = event.facts;
  const action = state.actions.get(event.subject);
  if (forgets !== undefined) forget(state, forgets);
  if (action !== undefined && isAdvice(action, code)) {
    const { id, agent, person, actsFor } = action;
    const advice: Advice = { agent, person, ...(actsFor === undefined ? {} : { actsFor }), labels: [] };
    state.advice.set(id, advice);
    addShare(state.shares.advice, agent, id);
  }
  endAdvised(state, event);
}

function forget({ advice, shares }: State, id: string): void {
  const known = advice.get(id);
  if (known === undefined) return;
  advice.delete(id);
  dropShare(shares.advice, known.agent, id);
}

export function applyLabelled({ advice }: State, { subject, facts }: KernelEvent<"action.labelled">): void {
  const known = advice.get(subject);
  if (known === undefined) return;
  const others = known.labels.filter(([person]) => person !== facts.person);
  advice.set(subject, { ...known, labels: [...others, [facts.person, facts.label]] });
}
