// Incidents of one cause: where the runtime model measured that one service's failure is another's, they become one (S7).
//
// An incident's roots are the services that nothing else of it explains. Two incidents are of one cause when a service of
// the one makes a root of the other fail: who only suffers from what already has a cause there brings nothing together.

import type { Relation } from "../../wire/types/relation.ts";
import { RELATIONS_MAX } from "../../wire/types/relation.ts";
import type { Command, Reply } from "../command.ts";
import { incidentOf } from "../incident-index.ts";
import { LIMITS, TERMS } from "../limits.ts";
import type { Incident, State } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import { mayMerge, merge } from "./incidents.ts";

/** What a run's incident is asked about: the services of open incidents of its environment that had a signal of late. */
export function nearIncidents({ incidents }: Readonly<State>, incident: Incident, now: number): readonly Incident[] {
  const near: Incident[] = [];
  for (const one of incidents.values()) {
    if (one === incident || one.environment !== incident.environment) continue;
    if (now - one.lastSignalAt <= TERMS.joinServiceMs) near.push(one);
  }
  return near;
}

/** Without anything that is related enough nothing is recorded: the model was asked, and knew of nothing. */
export function relateIncidents(tx: Transaction, { input }: Command<"relate-incidents">): Reply {
  const run = tx.state.runs.get(input.run);
  let incident = incidentOf(tx.state, run?.incident ?? null);
  if (run === undefined || incident === undefined) return { subject: input.run, result: "ended", repeated: true };
  const relations = input.relations.slice(0, RELATIONS_MAX).filter(({ lowPpm }) => lowPpm >= LIMITS.relatedPpmMin);
  let merged = false;
  for (const other of oldestFirst(nearIncidents(tx.state, incident, tx.now))) {
    const relation = relationOf(incident, other, relations);
    if (relation === undefined || !mayMerge(tx, incident, other)) continue;
    const facts = { with: other.id, ...relation, modelVersion: input.modelVersion };
    tx.emit({ type: "incident.related", subject: incident.id, facts });
    incident = merge(tx, incident, other) ?? incident;
    merged = true;
  }
  return { subject: incident.id, result: merged ? "merged" : "unrelated", repeated: !merged };
}

function oldestFirst(incidents: readonly Incident[]): readonly Incident[] {
  return incidents.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** The strongest relation that makes one of the two the other's cause. */
function relationOf(one: Incident, other: Incident, relations: readonly Relation[]): Relation | undefined {
  const [roots, otherRoots] = [rootsOf(one, relations), rootsOf(other, relations)];
  let found: Relation | undefined;
  for (const relation of relations) {
    const { cause, effect, lowPpm } = relation;
    const isOf =
      (one.services.includes(cause) && otherRoots.includes(effect)) ||
      (other.services.includes(cause) && roots.includes(effect));
    if (isOf && cause !== effect && (found === undefined || lowPpm > found.lowPpm)) found = relation;
  }
  return found;
}

/** Of services that explain each other in a circle each is one. */
function rootsOf({ services }: Incident, relations: readonly Relation[]): readonly string[] {
  const explained = new Set<string>();
  for (const { cause, effect } of relations) {
    if (cause !== effect && services.includes(cause) && services.includes(effect)) explained.add(effect);
  }
  const roots = services.filter((one) => !explained.has(one));
  return roots.length > 0 ? roots : services;
}
