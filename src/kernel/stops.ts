// What a brake of some scope stops: the preview of it, and what the event of it states.

import { covers, isBrakeable } from "./brakes.ts";
import type { BrakeScope, StopCounts, StopStage } from "./events.ts";
import { BY_TRIAGE, TRIAGE_AGENT } from "./triage-kinds.ts";
import type { Action, State } from "./state.ts";

export type Stop = {
  readonly id: string;
  readonly stage: StopStage;
  readonly kind: string;
  readonly environment: string;
  readonly service: string;
  readonly agent: string;
  readonly status: string;
};

const ORDER: readonly StopStage[] = ["in-flight", "granted", "scheduled", "held", "evaluating"];

/** All that a brake of this scope covers now, the most urgent first. */
export function stopsOf(state: Readonly<State>, scope: BrakeScope): readonly Stop[] {
  const stops: Stop[] = [];
  for (const action of state.actions.values()) {
    const stage = stageOf(action);
    if (stage === undefined || !isBrakeable(action) || !covers(scope, action)) continue;
    const { id, kind, environment, service, agent, status } = action;
    stops.push({ id, stage, kind, environment, service, agent, status });
  }
  for (const one of scheduledTriage(state)) if (covers(scope, { ...one, ...BY_TRIAGE })) stops.push(one);
  return stops.toSorted((a, b) => ORDER.indexOf(a.stage) - ORDER.indexOf(b.stage));
}

export function countStops(stops: readonly Stop[]): StopCounts {
  const counts = { "in-flight": 0, granted: 0, scheduled: 0, held: 0, evaluating: 0 };
  for (const { stage } of stops) counts[stage]++;
  return counts;
}

/** Kinds without an effect outside are decided and done in one commit: there is nothing of them to be stopped. */
function stageOf({ status }: Action): StopStage | undefined {
  switch (status) {
    case "executing":
    case "reconciling":
      return "in-flight";
    case "granted":
      return "granted";
    case "waiting":
    case "retrying":
      return "scheduled";
    case "held":
    case "evaluating":
      return status;
    default:
      return undefined;
  }
}

/** What triage asks for when its time comes: pages that have to be closed, and a storm's page nobody heard of. */
function* scheduledTriage({ owedResolves, storms }: Readonly<State>): Generator<Stop> {
  for (const { id, environment, service, dueAt } of owedResolves.values()) {
    if (dueAt === null) continue;
    yield {
      id,
      stage: "scheduled",
      kind: "pagerduty.resolve",
      environment,
      service,
      agent: TRIAGE_AGENT,
      status: "owed",
    };
  }
  for (const { id, environment, service, pageDueAt } of storms.values()) {
    if (pageDueAt === null) continue;
    yield {
      id,
      stage: "scheduled",
      kind: "pagerduty.trigger",
      environment,
      service,
      agent: TRIAGE_AGENT,
      status: "due",
    };
  }
}
