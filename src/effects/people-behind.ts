// Who is behind an action, long after it has ended too: whoever may not be the other pair of eyes on it.

import { seqFromId } from "../core/ids.ts";
import type { State } from "../kernel/state.ts";
import type { Facts } from "../wire/types/event.ts";
import type { ExecuteParts } from "./execute.ts";

type Parts = Pick<ExecuteParts, "kernel" | "payloads">;

/**
 * The proposer, for whom it acts, who owns an agent among them or above it, and every identity of the same humans, in
 * order. Null where the log has no such action. By the event that proposed it: its facts are kept for ever.
 */
export async function peopleBehind({ kernel, payloads }: Parts, action: string): Promise<readonly string[] | null> {
  const seq = seqFromId("act", action) ?? Number.POSITIVE_INFINITY;
  if (seq >= kernel.durableSize) return null;
  const { type, subject, actor, facts } = await payloads.event(seq);
  if (type !== "action.proposed" || subject !== action) return null;
  const told = [{ id: actor, person: facts["person"] }, ...delegatorsIn(facts)];
  const ids = [
    ...told.map(({ id }) => id),
    ...told.flatMap(({ person }) => (typeof person === "string" ? [`person:${person}`] : [])),
  ];
  return identitiesOf(kernel.state, [...ids, ...ids.flatMap((id) => ownersOf(kernel.state, id))]);
}

function delegatorsIn(facts: Facts): readonly { readonly id: string; readonly person: unknown }[] {
  return (facts["actsFor"] ?? []) as unknown as readonly { readonly id: string; readonly person: unknown }[];
}

function ownersOf({ agents }: Readonly<State>, id: string): readonly string[] {
  return [id, ...(agents.get(id)?.parents ?? [])].flatMap((one) => agents.get(one)?.owner ?? []);
}

/** One human may be registered more than once. */
function identitiesOf({ rights }: Readonly<State>, ids: readonly string[]): readonly string[] {
  const named = ids.filter((id) => id.startsWith("person:"));
  const humans = new Set(named.map((id) => rights.get(id)?.person ?? id.slice("person:".length)));
  const registered = [...rights.values()].filter(({ person }) => person !== null && humans.has(person));
  const all = [...named, ...[...humans].map((human) => `person:${human}`), ...registered.map(({ id }) => id)];
  return [...new Set(all)].toSorted();
}
