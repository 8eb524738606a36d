// What must hold of rights, over the whole ledger of a simulated life.

import type { KernelEvent } from "../../src/kernel/events.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import type { Rights } from "../../src/wire/types/rights.ts";

type Known = { readonly rights: Rights; readonly active: boolean };

/**
 * Nobody has rights but those of the installation, and those that an action gave which somebody else approved who gets
 * nothing by it; or an owner before there was ever another. And whoever has lost them begins nothing.
 */
export function checkRights(events: readonly LedgerEvent[]): string[] {
  const broken: string[] = [];
  const known = new Map<string, Known>();
  const owners = new Set<string>(); // humans, and groups, that ever were
  const proposals = new Map<string, KernelEvent<"action.proposed">>();
  const approvals = new Map<string, KernelEvent<"action.approved">>();
  const learn = (rights: Rights): void => {
    known.set(rights.id, { rights, active: true });
    if (rights.roles.includes("owner")) owners.add(rights.person ?? rights.id);
  };
  for (const event of events as readonly KernelEvent[]) {
    const { subject: id } = event;
    if (event.type === "rights.installed") (event as KernelEvent<"rights.installed">).facts.holders.forEach(learn);
    if (event.type === "rights.revoked") {
      const before = known.get(id);
      if (before !== undefined) known.set(id, { ...before, active: false });
    }
    if (event.type === "action.proposed") proposals.set(id, event as KernelEvent<"action.proposed">);
    if (event.type === "action.approved") approvals.set(id, event as KernelEvent<"action.approved">);
    const proposal = proposals.get(id);
    if (event.type === "step.started" && known.get(proposal?.actor ?? "")?.active === false)
      broken.push(`${id}: began for somebody who has lost all rights`);
    if (event.type !== "rights.given") continue;
    const { facts } = event as KernelEvent<"rights.given">;
    const asked = proposals.get(facts.action);
    const approval = approvals.get(facts.action);
    const owner = known.get(asked?.actor ?? "");
    const isOwner = owner?.active === true && owner.rights.roles.includes("owner");
    const isAlone = isOwner && [...owners].every((one) => one === owner.rights.person);
    if (asked?.facts.operand === undefined) broken.push(`${id}: given without being asked for`);
    if (approval === undefined && !isAlone) broken.push(`${id}: given without an approval`);
    const concerned = [id, asked?.actor, facts.person, known.get(id)?.rights.person, asked?.facts.person];
    const answered = [approval?.actor ?? "", approval?.facts.person ?? ""];
    if (approval !== undefined && answered.some((one) => concerned.includes(one)))
      broken.push(`${id}: approved by whoever asked for it or gets it`);
    learn(facts);
  }
  return broken;
}
