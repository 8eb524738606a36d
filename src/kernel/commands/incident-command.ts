// Incident command: while an incident lasts, agents in its domain wait, but for those that its commander lets through.
//
//   person takes command ─► pause on agents in the incident's services ──the incident grows, or is absorbed──► follows it
//                                      └── all clear, or the commander hands back ──► released, without an approval
//
// It is a brake like any other, on agents alone: people, and the triage of the incident itself, go on. Ending it gives
// back what policy allowed before, so whoever took command alone may also end it alone; anybody else asks for
// `killswitch.resume`, which owners decide. An incident that is lost rather than over (nothing was heard of it, or it was
// pushed out of memory) ends nothing.

import { AppError } from "../../core/errors.ts";
import { liftBrake, putBrake } from "../brake-changes.ts";
import type { Command, Reply } from "../command.ts";
import type { BrakeScope } from "../events.ts";
import { turnClocks } from "../hold-clocks.ts";
import { incidentOf } from "../incident-index.ts";
import type { Brake, Incident, State } from "../state.ts";
import type { Transaction } from "../transaction.ts";

/** Who may take command. */
const COMMANDERS: ReadonlySet<string> = new Set(["on-call", "owner"]);

/** A second command by the same person replaces the exceptions: the new pause stands before the old one goes. */
export function commandIncident(tx: Transaction, { input }: Command<"command-incident">): Reply {
  const { incident: id, person, roles, exceptAgents, exceptKinds, services } = input;
  if (!roles.some((role) => COMMANDERS.has(role))) {
    throw new AppError("not-eligible", "incidents are commanded by people on call and owners", { incident: id });
  }
  const incident = incidentOf(tx.state, id);
  if (incident === undefined) {
    throw new AppError("incident-not-found", "no incident of that id is open", { incident: id });
  }
  const before = commandOf(tx.state, incident);
  if (before !== undefined && before.command?.person !== person) {
    const facts = { incident: incident.id, brake: before.id };
    throw new AppError("killswitch-conflict", "somebody else commands this incident", facts);
  }
  const scope = scopeOf(incident, { services, exceptAgents, exceptKinds });
  const command = { incident: incident.id, person, follows: services.length === 0 };
  const subject = putBrake(tx, { mode: "pause", scope, command });
  if (before !== undefined) liftBrake(tx, before.id, "replaced");
  return { subject, result: "applied", repeated: false };
}

type Asked = {
  /** None: all that the incident names, also what it comes to name later. */
  readonly services: readonly string[];
  readonly exceptAgents: readonly string[];
  readonly exceptKinds: readonly string[];
};

function scopeOf(
  { environment, services: named }: Incident,
  { services, exceptAgents, exceptKinds }: Asked,
): BrakeScope {
  return {
    agentKind: "agent",
    environment,
    services: [...new Set(services.length === 0 ? named : services)].toSorted(),
    ...(exceptAgents.length === 0 ? {} : { exceptAgents: [...new Set(exceptAgents)].toSorted() }),
    ...(exceptKinds.length === 0 ? {} : { exceptKinds: [...new Set(exceptKinds)].toSorted() }),
  };
}

function commandOf({ brakes }: Readonly<State>, { id }: Incident): Brake | undefined {
  return [...brakes.values()].find(({ command }) => command?.incident === id);
}

/** The commander hands back. */
export function endCommand(tx: Transaction, { input }: Command<"end-command">): Reply {
  const brake = [...tx.state.brakes.values()].find(({ command }) => {
    return command !== null && (command.incident === input.incident || isAbsorbedBy(tx.state, input.incident, command));
  });
  if (brake === undefined) {
    throw new AppError("killswitch-conflict", "nobody commands this incident", { incident: input.incident });
  }
  if (brake.command?.person !== input.person) {
    const what = "only its commander ends it alone; propose to resume its brake";
    throw new AppError("not-eligible", what, { incident: input.incident, brake: brake.id });
  }
  liftBrake(tx, brake.id, "handed-back");
  return { subject: brake.id, result: "released", repeated: false };
}

function isAbsorbedBy(state: Readonly<State>, id: string, { incident }: { incident: string }): boolean {
  return incidentOf(state, id)?.id === incident;
}

/** Commands follow their incidents: wider when those grow, over when those are. */
export function tickCommands(tx: Transaction): void {
  for (const brake of [...tx.state.brakes.values()]) {
    const due = commandDue(tx.state, brake);
    if (due === "over") liftBrake(tx, brake.id, "incident-over");
    else if (due !== null) {
      tx.emit({ type: "brake.followed", subject: brake.id, facts: { brake: brake.id, ...due } });
      turnClocks(tx);
    }
  }
}

export function isCommandDue(state: Readonly<State>, brake: Brake): boolean {
  return brake.command !== null && commandDue(state, brake) !== null;
}

function commandDue(
  state: Readonly<State>,
  { scope, command }: Brake,
): "over" | { readonly incident: string; readonly scope: BrakeScope } | null {
  if (command === null) return null;
  const incident = incidentOf(state, command.incident);
  if (incident === undefined) return state.resolved.has(command.incident) ? "over" : null;
  const services = scope.services ?? [];
  const isWide = !command.follows || incident.services.every((service) => services.includes(service));
  if (isWide && incident.id === command.incident) return null;
  const wider = isWide ? services : [...new Set([...services, ...incident.services])].toSorted();
  return { incident: incident.id, scope: { ...scope, services: wider } };
}
