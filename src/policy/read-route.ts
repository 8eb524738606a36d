// Route documents: the steps that are asked in turn, what each asks for, and the emergency exit.

import { fillSeats } from "../core/matching.ts";
import type { Asks, BreakGlass, Independence, Seats } from "../wire/types/approvals.ts";
import type { Route, RouteStep } from "./definitions.ts";
import { isWhole, readPlainName, readPlainNames } from "./plain-names.ts";
import type { Schedule } from "./schedule.ts";
import type { Field } from "./yaml-reader.ts";

const STEPS_MAX = 8;
const ROLES_MAX = 16;
const PEOPLE_MAX = 32;
/** Of one step: kinds of seats, and seats in all. */
const KINDS_MAX = 8;
const SEATS_MAX = 16;
/** In one window: who was reminded so often does not answer for one more. */
const REMINDERS_MAX = 48;
const BREAKERS_MAX = 4;
const GLASS_MS_MAX = 24 * 3_600_000;
const REVIEW_MS = 24 * 3_600_000;
const INDEPENDENCE: readonly Independence[] = ["owner", "model"];

/** A step that asks people by name or duty, to be checked when all schedules are read. */
export interface StepUse {
  readonly asks: Asks;
  readonly field: Field;
}

/** The `spec` of a Route named `name`; its steps are added to `uses`. */
export function readRoute(name: string, spec: Field, uses: StepUse[]): Route | undefined {
  const fields = spec.fields(["steps", "onTimeout", "breakGlass"], ["steps"]);
  const onTimeout = fields?.onTimeout === undefined ? "deny" : fields.onTimeout.oneOf(["deny", "page"] as const);
  const breakGlass = fields?.breakGlass === undefined ? null : readBreakGlass(fields.breakGlass);
  const steps = fields?.steps?.items(STEPS_MAX)?.map((step) => readStep(step, uses));
  if (steps === undefined || !isWhole(steps) || onTimeout === undefined || breakGlass === undefined) return undefined;
  return { name, steps, onTimeout, breakGlass };
}

const STEP_FIELDS = ["roles", "count", "agents", "approvers", "within", "remindEvery", "independentOf"] as const;

function readStep(field: Field, uses: StepUse[]): RouteStep | undefined {
  const fields = field.fields(STEP_FIELDS, ["within"]);
  if (fields === undefined) return undefined;
  const { roles, count, agents, approvers, within, remindEvery, independentOf } = fields;
  if ((roles === undefined) === (approvers === undefined)) return field.fail("needs either `roles` or `approvers`");
  if (approvers !== undefined && (count ?? agents) !== undefined) {
    return (count ?? agents)?.fail("belongs to each of the approvers, or to `roles`");
  }
  const seats = roles === undefined ? approvers && readApprovers(approvers) : readShortForm({ roles, count, agents });
  const withinMs = within?.durationMs();
  const independent = independentOf === undefined ? [] : readIndependence(independentOf);
  if (seats === undefined || withinMs === undefined || independent === undefined) return undefined;
  const remindEveryMs = remindEvery === undefined ? null : readReminder(remindEvery, withinMs);
  if (remindEveryMs === undefined) return undefined;
  const asks = { seats, independentOf: independent };
  uses.push({ asks, field });
  return { asks, withinMs, remindEveryMs };
}

/** `roles: [a, b]`: one answer of somebody with any of them, or `count`. */
function readShortForm(of: {
  roles: Field;
  count: Field | undefined;
  agents: Field | undefined;
}): readonly Seats[] | undefined {
  const roles = readPlainNames(of.roles, { what: "a role's name", countMax: ROLES_MAX });
  const count = of.count === undefined ? 1 : of.count.integer(1, SEATS_MAX);
  const agents = of.agents === undefined ? false : of.agents.boolean();
  if (roles === undefined || count === undefined || agents === undefined) return undefined;
  return [{ roles, people: [], schedules: [], agents, count }];
}

/** `all`: every one of them has to be there. */
function readApprovers(field: Field): readonly Seats[] | undefined {
  const all = field.fields(["all"], ["all"])?.all;
  const seats = all?.items(KINDS_MAX)?.map(readSeats);
  if (all === undefined || seats === undefined || !isWhole(seats)) return undefined;
  const sum = seats.reduce((before, { count }) => before + count, 0);
  return sum > SEATS_MAX ? all.fail(`asks for more than ${SEATS_MAX} approvals`) : seats;
}

function readSeats(field: Field): Seats | undefined {
  const fields = field.fields(["role", "roles", "people", "schedule", "count", "agents"], []);
  if (fields === undefined) return undefined;
  const { role, roles, people, schedule, agents } = fields;
  const named = [role, roles, people, schedule].filter((part) => part !== undefined);
  if (named.length !== 1) return field.fail("must name one of `role`, `roles`, `people` or `schedule`");
  if (agents !== undefined && role === undefined && roles === undefined)
    return agents.fail("agents come by role alone");
  const count = fields.count === undefined ? 1 : fields.count.integer(1, SEATS_MAX);
  const mayBeAgents = agents === undefined ? false : agents.boolean();
  const who = readWho({ role, roles, people, schedule });
  if (who === undefined || count === undefined || mayBeAgents === undefined) return undefined;
  return { ...who, agents: mayBeAgents, count };
}

type Who = Pick<Seats, "roles" | "people" | "schedules">;
const NOBODY: Who = { roles: [], people: [], schedules: [] };

function readWho(of: Readonly<Record<"role" | "roles" | "people" | "schedule", Field | undefined>>): Who | undefined {
  if (of.role !== undefined) {
    const name = readPlainName(of.role, "a role's name");
    return name === undefined ? undefined : { ...NOBODY, roles: [name] };
  }
  if (of.schedule !== undefined) {
    const name = readPlainName(of.schedule, "a schedule's name");
    return name === undefined ? undefined : { ...NOBODY, schedules: [name] };
  }
  if (of.people !== undefined) {
    const people = readPlainNames(of.people, { what: "a person's name", countMax: PEOPLE_MAX });
    return people && { ...NOBODY, people };
  }
  const roles = of.roles && readPlainNames(of.roles, { what: "a role's name", countMax: ROLES_MAX });
  return roles && { ...NOBODY, roles };
}

function readIndependence(field: Field): readonly Independence[] | undefined {
  const of = field.items(INDEPENDENCE.length)?.map((item) => item.oneOf(INDEPENDENCE));
  if (of === undefined || !isWhole(of)) return undefined;
  return new Set(of).size < of.length ? field.fail("names something twice") : of;
}

function readReminder(field: Field, withinMs: number): number | undefined {
  const everyMs = field.durationMs();
  if (everyMs === undefined) return undefined;
  if (everyMs >= withinMs) return field.fail("the window ends before anybody is reminded");
  return withinMs / everyMs > REMINDERS_MAX ? field.fail(`reminds more than ${REMINDERS_MAX} times`) : everyMs;
}

function readBreakGlass(field: Field): BreakGlass | undefined {
  const fields = field.fields(["roles", "people", "within", "review"], ["roles", "within"]);
  const roles = fields?.roles && readPlainNames(fields.roles, { what: "a role's name", countMax: ROLES_MAX });
  const people = fields?.people === undefined ? 1 : fields.people.integer(1, BREAKERS_MAX);
  const withinMs = fields?.within && readTerm(fields.within);
  if (roles === undefined || people === undefined || withinMs === undefined) return undefined;
  const review = fields?.review === undefined ? {} : fields.review.fields(["roles", "within"], []);
  if (review === undefined) return undefined;
  const reviewRoles =
    review.roles === undefined ? roles : readPlainNames(review.roles, { what: "a role's name", countMax: ROLES_MAX });
  const reviewWithinMs = review.within === undefined ? REVIEW_MS : review.within.durationMs();
  if (reviewRoles === undefined || reviewWithinMs === undefined) return undefined;
  return { roles, people, withinMs, reviewRoles, reviewWithinMs };
}

function readTerm(field: Field): number | undefined {
  const ms = field.durationMs();
  if (ms === undefined || ms <= GLASS_MS_MAX) return ms;
  return field.fail("a broken glass is closed again within a day");
}

/** What no step may ask for: schedules that there are not, and more people than are named. */
export function checkSteps(uses: readonly StepUse[], schedules: ReadonlyMap<string, Schedule>): void {
  for (const { asks, field } of uses) {
    const unknown = asks.seats.flatMap((seats) => seats.schedules).find((name) => !schedules.has(name));
    if (unknown !== undefined) field.fail(`unknown schedule \`${unknown}\``);
    else if (!canBeMet(asks, schedules)) field.fail("can never be met: too few people are named for so many approvals");
  }
}

/** Whether there are enough people where they are named. Roles are given elsewhere: for them there may be. */
function canBeMet({ seats }: Asks, schedules: ReadonlyMap<string, Schedule>): boolean {
  const onDuty = seats.filter(({ schedules: named }) => named.length > 0);
  const isTwice = onDuty.some(({ count }) => count > 1) || new Set(onDuty.map(nameOf)).size < onDuty.length;
  if (isTwice) return false; // one at a time is on duty
  const named = seats
    .filter(({ roles }) => roles.length === 0)
    .flatMap(({ people, schedules: [schedule], count }) => {
      const who = schedule === undefined ? people : (schedules.get(schedule)?.everybody ?? []);
      return Array.from({ length: count }, () => who);
    });
  const everybody = [...new Set(named.flat())];
  const taken = fillSeats(
    named.length,
    everybody.length,
    (person, seat) => named[seat]?.includes(everybody[person] ?? "") === true,
  );
  return !taken.includes(null);
}

function nameOf({ schedules: [name] }: Seats): string {
  return name ?? "";
}
