// What a step asks for, in words and as the roles that it names.

import type { Asks } from "../wire/types/approvals.ts";

/** `1 of database-owner and 2 of sre or lead`. */
export function asksText({ seats }: Asks): string {
  const each = seats.map(({ count, roles, people, schedules, agents }) => {
    const who = [...roles, ...people.map((name) => `person ${name}`), ...schedules.map((name) => `on duty in ${name}`)];
    return `${count} of ${who.join(" or ")}${agents ? " (people or agents)" : ""}`;
  });
  return each.join(" and ");
}

/** Every role with which somebody may answer, each once. */
export function rolesAsked({ seats }: Asks): readonly string[] {
  return [...new Set(seats.flatMap(({ roles }) => roles))];
}
