// What state wants done outside: derived from live actions and runs, never remembered on its own.

import { seqFromId } from "../core/ids.ts";
import type { Action, State } from "../kernel/state.ts";

export type Work =
  | { readonly kind: "classify"; readonly subject: string }
  | { readonly kind: "plan"; readonly subject: string }
  | { readonly kind: "execute"; readonly subject: string }
  | { readonly kind: "reconcile"; readonly subject: string };

export type WorkView = { readonly state: Readonly<State>; readonly durableSize: number; readonly now: number };

/** The work that an action wants now, if any. What is not durable yet wants nothing. */
function workForAction(view: WorkView, action: Action): Work | undefined {
  const seq = action.planSeq ?? action.contentSeq;
  if (action.effect !== "external" || seq >= view.durableSize) return undefined;
  switch (action.status) {
    case "evaluating":
      return action.planHash === null ? { kind: "plan", subject: action.id } : undefined;
    case "granted":
      return { kind: "execute", subject: action.id };
    case "retrying":
      return action.dueAt !== null && view.now >= action.dueAt ? { kind: "execute", subject: action.id } : undefined;
    case "executing":
      // A step of this very process is awaited; one of an earlier process is asked about.
      return action.stepEpoch < view.state.epoch ? { kind: "reconcile", subject: action.id } : undefined;
    case "reconciling":
      return action.dueAt === null || view.now >= action.dueAt ? { kind: "reconcile", subject: action.id } : undefined;
    default:
      return undefined;
  }
}

/** The work for one subject that a durable event named. */
export function workForSubject(view: WorkView, subject: string): Work | undefined {
  if (view.state.runs.has(subject)) {
    const seq = seqFromId("run", subject);
    return seq !== undefined && seq < view.durableSize ? { kind: "classify", subject } : undefined;
  }
  const action = view.state.actions.get(subject);
  return action === undefined ? undefined : workForAction(view, action);
}

/** All work that state wants now: after a start, a released brake, or a retry that came due. */
export function allWork(view: WorkView): Work[] {
  const work: Work[] = [];
  for (const subject of [...view.state.runs.keys(), ...view.state.actions.keys()]) {
    const wanted = workForSubject(view, subject);
    if (wanted !== undefined) work.push(wanted);
  }
  return work;
}
