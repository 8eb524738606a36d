// Seats and approvals as the tests of this room write them.

import type { Approval, Seats } from "../../src/wire/types/approvals.ts";

export function seats(roles: readonly string[], more: Partial<Seats> = {}): Seats {
  return { roles, people: [], schedules: [], agents: false, count: 1, ...more };
}

export function approval(name: string, roles: readonly string[]): Approval {
  return { id: `person:${name}`, kind: "person", person: name, roles, owner: null, models: [], onDuty: [], at: 0 };
}

export function agent(name: string, roles: readonly string[], of: Partial<Approval> = {}): Approval {
  return { ...approval(name, roles), id: `agent:${name}`, kind: "agent", person: null, ...of };
}
