// What must hold of bounded grants, counted from the ledger alone.

import { isSeated } from "./approvals.ts";
import { isGivenBack } from "./limit-invariants.ts";
import type { KernelEvent } from "../../src/kernel/events.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";

type Created = KernelEvent<"grant.created">["facts"];
type Standing = Created & { used: number; usedSize: number };
type Proposed = KernelEvent<"action.proposed">;

/**
 * Nothing is granted under a bounded grant that has ended, is another agent's, does not cover it, or is used up; each was
 * agreed to by the quorum that its route asked; what never began, or was refused with nothing done, is not counted.
 */
export function checkGrantSets(events: readonly LedgerEvent[]): string[] {
  const broken: string[] = [];
  const sets = new Map<string, Standing>();
  const proposed = new Map<string, Proposed>();
  const under = new Map<string, { readonly grant: string; readonly size: number }>();
  const begun = new Set<string>();
  const approved = new Map<string, KernelEvent<"action.approved">["facts"]>();
  for (const event of events) {
    const { type, subject: id, time } = event;
    if (type === "action.proposed") proposed.set(id, event as unknown as Proposed);
    if (type === "action.approved") approved.set(id, (event as unknown as KernelEvent<"action.approved">).facts);
    if (type === "grant.created") {
      const facts = event.facts as unknown as Created;
      const consent = approved.get(facts.action);
      const isAgreed = consent !== undefined && isSeated(facts.asks, consent.approvals);
      if (!isAgreed) broken.push(`${id}: nobody agreed to it`);
      if (facts.approvals.some(({ kind }) => kind === "agent")) broken.push(`${id}: an agent agreed to it`);
      sets.set(id, { ...facts, used: 0, usedSize: 0 });
    }
    if (type === "grant.revoked" || type === "grant.expired") sets.delete(id);
    if (type === "step.started") begun.add(id);
    const spent = under.get(id);
    const set = sets.get(spent?.grant ?? "");
    if (spent !== undefined && isGivenBack(type, begun.has(id))) {
      if (set !== undefined) [set.used, set.usedSize] = [set.used - 1, set.usedSize - spent.size];
      under.delete(id);
    }
    const taken = (event.facts as Partial<KernelEvent<"action.granted">["facts"]>).under;
    if (type !== "action.granted" || taken === undefined) continue;
    under.set(id, taken);
    broken.push(
      ...take(sets.get(taken.grant), { action: proposed.get(id), taken, time }).map((why) => `${id}: ${why}`),
    );
  }
  return broken;
}

type Taking = {
  readonly action: Proposed | undefined;
  readonly taken: { readonly size: number };
  readonly time: number;
};

function take(set: Standing | undefined, { action, taken, time }: Taking): readonly string[] {
  if (set === undefined || action === undefined) return ["granted under a grant that has ended"];
  set.used++;
  set.usedSize += taken.size;
  const { kind, environment, service } = action.facts;
  const isOfKind = set.kinds.some(
    (one) => one === "*" || one === kind || (one === "model.*" && kind.startsWith("model.")),
  );
  const isThere = set.environments.includes(environment) && (set.services?.includes(service) ?? true);
  return [
    set.agent === action.actor ? "" : "granted under another agent's grant",
    isOfKind && isThere ? "" : "granted under a grant that does not cover it",
    time < set.expiresAt ? "" : "granted under a grant that was over",
    set.used <= set.count ? "" : "granted beyond the count",
    set.usedSize <= (set.size ?? Infinity) ? "" : "granted beyond the size",
  ].filter((why) => why !== "");
}
