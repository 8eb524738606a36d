// Incident command: it holds back agents alone, covers what its incident names, and ends only as it may.

import { apply } from "../../src/kernel/apply.ts";
import type { KernelEvent } from "../../src/kernel/events.ts";
import { incidentOf } from "../../src/kernel/incident-index.ts";
import { emptyState, type State } from "../../src/kernel/state.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";

export function checkCommands(events: readonly LedgerEvent[]): string[] {
  const state = emptyState();
  const broken: string[] = [];
  let isTick = false;
  let command = -1;
  for (const event of events) {
    if (event.command !== command) {
      if (isTick) broken.push(...checkWide(state));
      command = event.command;
      isTick = event.facts["by"] === "tick";
    }
    if (event.type === "brake.released") broken.push(...checkEnd(state, event as KernelEvent<"brake.released">));
    const action = state.actions.get(event.subject);
    if (event.type === "action.refused" && event.facts["code"] === "paused" && action?.agentKind !== "agent") {
      const others = [...state.brakes.values()].filter(({ command, mode }) => command === null && mode === "pause");
      if (others.length === 0) broken.push(`${event.subject}: a command held back more than agents`);
    }
    apply(state, event);
  }
  return broken;
}

/** After a tick, that is: it follows within one. */
function checkWide(state: State): string[] {
  const broken: string[] = [];
  for (const { id, command, scope } of state.brakes.values()) {
    const incident = command?.follows === true ? incidentOf(state, command.incident) : undefined;
    const left = incident?.services.filter((service) => scope.services?.includes(service) !== true) ?? [];
    if (left.length > 0) broken.push(`${id}: ${left.join(", ")} of its incident go on`);
  }
  return broken;
}

function checkEnd(state: State, { subject, actor, facts }: KernelEvent<"brake.released">): string[] {
  const command = state.brakes.get(subject)?.command ?? null;
  switch (facts.code) {
    case "approved":
      return [];
    case "incident-over":
      return command !== null && state.resolved.has(command.incident) ? [] : [`${subject}: ended with no incident`];
    case "handed-back":
    case "replaced":
      return command !== null && actor === `person:${command.person}` ? [] : [`${subject}: ended by ${actor}`];
  }
}
