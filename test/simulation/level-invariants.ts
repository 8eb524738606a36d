// What must hold of levels and revoked grants, over the whole ledger of a simulated life.

import type { KernelEvent } from "../../src/kernel/events.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import type { LevelScope } from "../../src/wire/types/level.ts";

type Held = { readonly id: string; readonly level: number; readonly expiresAt: number } & Pick<
  LevelScope,
  "agent" | "kinds" | "environments"
>;

/** The level of an agent counted from the ledger alone, by the words of the grants: `*`, `prefix.*` or a kind. */
function levelAt(
  grants: readonly Held[],
  at: number,
  of: { agent: string; kind: string; environment: string },
): number {
  const covering = grants.filter(
    ({ agent, kinds, environments, expiresAt }) =>
      agent === of.agent &&
      at < expiresAt &&
      (environments?.includes(of.environment) ?? true) &&
      kinds.some((kind) => kind === "*" || kind === of.kind || (kind === "model.*" && of.kind.startsWith("model."))),
  );
  return Math.max(0, ...covering.map(({ level }) => level));
}

/**
 * No agent's action is granted, and no step of it begins, below its level: alone from 2 on, with people's consent from 1 on,
 * at 0 never, and then nobody is asked either. No level comes without an owner's approval, and none of one's own.
 */
export function checkLevels(events: readonly LedgerEvent[]): string[] {
  const broken: string[] = [];
  let grants: readonly Held[] = [];
  const approvers = new Map<string, string>();
  const consented = new Set<string>(); // also by breaking the glass, which people did as well
  const proposals = new Map<string, KernelEvent<"action.proposed">>();
  for (const event of events as readonly KernelEvent[]) {
    const { subject: id, time } = event;
    if (event.type === "action.proposed") proposals.set(id, event as KernelEvent<"action.proposed">);
    if (event.type === "action.approved") approvers.set(id, event.actor);
    const isUnderSet = event.type === "action.granted" && "under" in event.facts;
    if (isUnderSet || event.type === "action.approved" || event.type === "action.glass-broken") consented.add(id);
    if (event.type === "level.granted") {
      const { facts } = event as KernelEvent<"level.granted">;
      const asked = proposals.get(facts.action);
      const approver = approvers.get(facts.action);
      if (approver !== "person:ben" || asked?.actor === approver)
        broken.push(`${id}: without another owner's approval`);
      grants = [...grants, { id, ...facts }];
    }
    if (event.type === "level.revoked" || event.type === "level.expired")
      grants = grants.filter((one) => one.id !== id);
    if (event.type === "agent.revoked") grants = grants.filter(({ agent }) => agent !== id);
    const proposed = proposals.get(id);
    if (proposed?.facts.agentKind !== "agent" || proposed.facts.effect === "kernel") continue;
    const level = levelAt(grants, time, { agent: proposed.actor, ...proposed.facts });
    const needed = consented.has(id) ? 1 : 2;
    const acts = event.type === "action.granted" || event.type === "step.started";
    if (acts && level < needed) broken.push(`${id}: ${event.type} at level ${level}`);
    if (event.type === "action.held" && level === 0) broken.push(`${id}: asked about at level 0`);
  }
  return broken;
}

/** Of advice alone, by people who have no part in the agent, each with one last word; and it moves nothing. */
export function checkLabels(events: readonly LedgerEvent[]): string[] {
  const broken: string[] = [];
  const people = new Map<string, string | null>();
  const advice = new Map<string, Map<string, string>>();
  for (const event of events as readonly KernelEvent[]) {
    const { subject: id } = event;
    if (event.type === "action.proposed") people.set(id, (event as KernelEvent<"action.proposed">).facts.person);
    if (event.type === "action.advised" && (event as KernelEvent<"action.advised">).facts.code === "level")
      advice.set(id, new Map());
    if (event.type !== "action.labelled") continue;
    const { label, person, replaces } = (event as KernelEvent<"action.labelled">).facts;
    const labels = advice.get(id);
    if (labels === undefined) broken.push(`${id}: labelled, and no advice`);
    if ((labels?.get(person) ?? null) !== replaces) broken.push(`${id}: ${replaces} is not what ${person} had said`);
    if (people.get(id) === person || !event.actor.startsWith("person:"))
      broken.push(`${id}: labelled by ${event.actor}`);
    labels?.set(person, label);
  }
  return broken;
}

/** A dry run is decided and over: nobody is asked, nothing is granted, no step begins. */
export function checkDryRuns(events: readonly LedgerEvent[]): string[] {
  const dry = new Set<string>();
  const broken: string[] = [];
  for (const { type, subject, facts } of events) {
    if (type === "action.proposed" && facts["dryRun"] === true) dry.add(subject);
    const isMore = type === "action.held" || type === "action.granted" || type.startsWith("step.");
    if (isMore && dry.has(subject)) broken.push(`${subject}: ${type} of a dry run`);
  }
  return broken;
}

/** Nothing begins under a grant that was taken back. */
export function checkRevoked(events: readonly LedgerEvent[]): string[] {
  const revoked = new Set<string>();
  const broken: string[] = [];
  for (const event of events) {
    if (event.type === "action.grant-revoked") revoked.add(event.subject);
    if (event.type === "step.started" && revoked.has(event.subject))
      broken.push(`${event.subject}: began when revoked`);
  }
  return broken;
}
