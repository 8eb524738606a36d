// What state wants done outside: derived from live actions and runs, never remembered on its own.

import { seqFromId } from "../core/ids.ts";
import { isRevert } from "../kernel/reverts.ts";
import type { Action, State } from "../kernel/state.ts";

type WorkKind =
  | "classify"
  | "plan"
  | "measure"
  | "check-inverse"
  | "predict"
  | "explain"
  | "await"
  | "execute"
  | "reconcile"
  | "verify";

export type Work = {
  readonly kind: WorkKind;
  readonly subject: string;
  /** What it shares room with: work at one slow system must not keep work at another waiting. */
  readonly lane: string;
};

export type WorkView = { readonly state: Readonly<State>; readonly durableSize: number; readonly now: number };

/** The work that an action wants now, if any. What is not durable yet wants nothing. */
function workForAction(view: WorkView, action: Action): Work | undefined {
  const seq = action.predicting ?? action.planSeq ?? action.contentSeq;
  if (seq >= view.durableSize) return undefined;
  // What has no effect outside, or is carried out by the kernel itself, is decided like anything else.
  if (action.predicting !== undefined) return { kind: "predict", subject: action.id, lane: "predict" };
  if (action.effect !== "external") return undefined;
  const kind = workKind(view, action);
  // What takes something back queues behind nothing that was only asked for.
  const whose = isRevert(action) ? " revert" : "";
  return kind === undefined ? undefined : { kind, subject: action.id, lane: `${kind} ${action.kind}${whose}` };
}

function workKind({ now, state }: WorkView, action: Action): WorkKind | undefined {
  switch (action.status) {
    case "evaluating":
      return action.planHash === null ? "plan" : undefined;
    case "waiting":
      return now >= (state.waiting.get(action.id)?.nextAt ?? Infinity) ? "await" : undefined;
    case "granted":
      return "execute";
    case "retrying":
      return action.dueAt !== null && now >= action.dueAt ? "execute" : undefined;
    case "executing":
      // One that runs is not started again. Nobody waits for the others: an earlier process began them, or their end
      // could not be recorded.
      return "reconcile";
    case "reconciling":
      return action.dueAt === null || now >= action.dueAt ? "reconcile" : undefined;
    case "verifying":
      return action.verifying !== undefined && now >= action.verifying.nextAt ? "verify" : undefined;
    default:
      return undefined;
  }
}

/** An action of which the real impact is due: it may have left memory long ago, or still be under way. */
export const IMPACT_OF = "impact:";

/** An action whose inverse is to be tried without an effect: beside its health, which is asked at the same time. */
export const INVERSE_OF = "inverse:";

/** The work for one subject that a durable event named. */
export function workForSubject(view: WorkView, subject: string): Work | undefined {
  if (subject.startsWith(IMPACT_OF)) return workForImpact(view, subject);
  if (subject.startsWith(INVERSE_OF)) return workForInverse(view, subject);
  if (view.state.runs.has(subject)) {
    const seq = seqFromId("run", subject);
    return seq !== undefined && seq < view.durableSize ? { kind: "classify", subject, lane: "classify" } : undefined;
  }
  const ended = view.state.resolved.get(subject);
  if (ended !== undefined && ended.incident.explained !== true) return { kind: "explain", subject, lane: "explain" };
  const action = view.state.actions.get(subject);
  return action === undefined ? undefined : workForAction(view, action);
}

function workForImpact({ state, now }: WorkView, subject: string): Work | undefined {
  const due = state.measuring.get(subject.slice(IMPACT_OF.length))?.dueAt;
  return due === undefined || now < due ? undefined : { kind: "measure", subject, lane: "measure" };
}

function workForInverse({ state, now, durableSize }: WorkView, subject: string): Work | undefined {
  const due = state.inverses.get(subject.slice(INVERSE_OF.length));
  if (due === undefined || due.endSeq >= durableSize || now < due.dueAt) return undefined;
  return { kind: "check-inverse", subject, lane: `check-inverse ${due.inverse.kind}` };
}

/** All work that state wants now: after a start, a released brake, or a retry that came due. */
export function allWork(view: WorkView): Work[] {
  const work: Work[] = [];
  const { runs, actions, resolved } = view.state;
  const beside = [...impactsOf(view), ...inversesOf(view)];
  for (const subject of [...runs.keys(), ...actions.keys(), ...resolved.keys(), ...beside]) {
    const wanted = workForSubject(view, subject);
    if (wanted !== undefined) work.push(wanted);
  }
  return work;
}

function inversesOf({ state }: WorkView): readonly string[] {
  return [...state.inverses.keys()].map((id) => `${INVERSE_OF}${id}`);
}

function impactsOf({ state }: WorkView): readonly string[] {
  return [...state.measuring.keys()].map((id) => `${IMPACT_OF}${id}`);
}
