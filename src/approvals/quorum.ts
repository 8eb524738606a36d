// Whether a step has what it asks for: every seat taken, each by somebody else.

import { fillSeats } from "../core/matching.ts";
import type { Approval, Asks, Seats } from "../wire/types/approvals.ts";

/** How far one kind of seats is. */
export interface Need {
  readonly seats: Seats;
  readonly have: number;
}

export interface Quorum {
  readonly met: boolean;
  readonly needs: readonly Need[];
  /** Index into `asks.seats` of the seat that each approval takes, null for one that takes none. */
  readonly takes: readonly (number | null)[];
}

/**
 * The best that the approvals come to. Somebody with two roles takes one seat; approvals of one human under two
 * identities count as one. Exact: no order of giving them makes a difference to whether the quorum is met.
 */
export function countQuorum(asks: Asks, approvals: readonly Approval[]): Quorum {
  const each = asks.seats.flatMap((seats, kind) => Array.from({ length: seats.count }, () => ({ seats, kind })));
  const humans = groupByHuman(approvals);
  const taken = fillSeats(each.length, humans.length, (human, seat) =>
    (humans[human] ?? []).some((one) => fits(each[seat]?.seats, approvals[one])),
  );
  const takes: (number | null)[] = approvals.map(() => null);
  const have = asks.seats.map(() => 0);
  for (const [seat, human] of taken.entries()) {
    const at = each[seat];
    if (human === null || at === undefined) continue;
    const by = (humans[human] ?? []).find((one) => fits(at.seats, approvals[one]));
    if (by !== undefined) takes[by] = at.kind;
    have[at.kind] = (have[at.kind] ?? 0) + 1;
  }
  const needs = asks.seats.map((seats, kind) => ({ seats, have: have[kind] ?? 0 }));
  // A step without seats asks nobody, and what asks nobody is never approved.
  return { met: each.length > 0 && !taken.includes(null), needs, takes };
}

/** Indexes of the approvals of each human, or of each agent that speaks for none. */
function groupByHuman(approvals: readonly Approval[]): readonly (readonly number[])[] {
  const groups = new Map<string, number[]>();
  for (const [index, { person, id }] of approvals.entries()) {
    const key = person === null ? `agent ${id}` : `person ${person}`;
    groups.set(key, [...(groups.get(key) ?? []), index]);
  }
  return [...groups.values()];
}

/** Whether this approval may take such a seat: an agent never one that is for people. */
export function fits(seats: Seats | undefined, approval: Approval | undefined): boolean {
  if (seats === undefined || approval === undefined) return false;
  const { kind, person, roles, onDuty } = approval;
  const hasRole = roles.some((role) => seats.roles.includes(role));
  if (kind === "agent") return seats.agents && hasRole;
  if (person === null) return false;
  return hasRole || seats.people.includes(person) || onDuty.some((name) => seats.schedules.includes(name));
}
