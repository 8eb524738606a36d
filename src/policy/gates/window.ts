// window and freeze: when changes may be made, by the wall clock of the place where people are.

import { readDate, type Calendar, type Calendars } from "../calendars.ts";
import { isWhole } from "../plain-names.ts";
import type { Field } from "../yaml-reader.ts";
import { findZone, WEEKDAYS, type Weekday, type Zone } from "../zones.ts";
import { type BoundGate, readFailure } from "./gate.ts";

const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$/;
const DAY_MINUTES = 24 * 60;
const DATES_MAX = 400;
const ZONE_CHARS_MAX = 64;
const CALENDARS_MAX = 16;
const WINDOW = ["zone", "days", "from", "to", "exceptDates", "exceptCalendars", "onFail", "route"] as const;
const FREEZE = ["zone", "from", "to", "calendar", "onFail", "route"] as const;

/**
 * `{zone, days, from, to, exceptDates?, exceptCalendars?, onFail?, route?}`: passes on these weekdays from `from` until
 * before `to`, but not on the dates excepted, nor on those of the calendars. A window may go over midnight: it belongs to the day on which it began.
 */
export function readWindow(params: Field, _rule: string, calendars: Calendars): BoundGate | undefined {
  const fields = params.fields(WINDOW, ["zone", "days", "from", "to"]);
  const zone = readZone(fields?.zone);
  const days = fields?.days?.items(WEEKDAYS.length)?.map((day) => day.oneOf(WEEKDAYS));
  const from = readClock(fields?.from);
  const to = readClock(fields?.to);
  const except = fields?.exceptDates === undefined ? [] : fields.exceptDates.items(DATES_MAX)?.map(readDate);
  const closed =
    fields?.exceptCalendars === undefined
      ? []
      : fields.exceptCalendars.items(CALENDARS_MAX)?.map((field) => calendars.use(field));
  if (fields === undefined || zone === undefined || from === undefined || to === undefined) return undefined;
  if (closed === undefined || !isWhole(closed)) return undefined;
  if (days === undefined || days.includes(undefined) || except === undefined || except.includes(undefined))
    return undefined;
  if (new Set(days).size < days.length) return fields.days?.fail("names a day twice");
  if (from === to) return fields.to?.fail("is when it begins: a window of no length, or of a whole day");
  const open = { days: new Set(days as Weekday[]), from, to, except: new Set(except as string[]), closed };
  return {
    ...readFailure(fields),
    label: `window:${zone.name}/${from}-${to}`,
    check: ({ timeMs }) => {
      const passed = isOpen(open, zone, timeMs);
      const { minute, weekday } = zone.localAt(timeMs);
      return { passed, code: passed ? "in-window" : "outside-window", evidence: { zone: zone.name, weekday, minute } };
    },
  };
}

type Open = {
  readonly days: ReadonlySet<Weekday>;
  readonly from: number;
  readonly to: number;
  readonly except: ReadonlySet<string>;
  readonly closed: readonly Calendar[];
};

function isOpen({ days, from, to, except, closed }: Open, zone: Zone, timeMs: number): boolean {
  const now = zone.localAt(timeMs);
  const begins = ({ weekday, date }: { weekday: Weekday; date: string }): boolean =>
    days.has(weekday) && !except.has(date) && !closed.some((calendar) => calendar.has(date));
  if (from < to) return now.minute >= from && now.minute < to && begins(now);
  if (now.minute >= from) return begins(now);
  // After midnight it is the window of the day before: at that wall clock, which a changing offset cannot mistake by a day.
  const midnight = timeMs - now.minute * 60_000;
  return now.minute < to && begins(zone.localAt(midnight - (DAY_MINUTES / 2) * 60_000));
}

/**
 * `{zone, from, to, onFail?, route?}`: fails from the first to the last of these dates, both whole days there; with
 * `calendar` in place of the two on the days of that.
 */
export function readFreeze(params: Field, _rule: string, calendars: Calendars): BoundGate | undefined {
  const fields = params.fields(FREEZE, ["zone"]);
  const zone = readZone(fields?.zone);
  if (fields === undefined || zone === undefined) return undefined;
  const frozen = fields.calendar === undefined ? readFrozen(params, fields) : readShared(fields, calendars);
  if (frozen === undefined) return undefined;
  const { label, evidence, has } = frozen;
  return {
    ...readFailure(fields),
    label: `freeze:${zone.name}/${label}`,
    check: ({ timeMs }) => {
      const { date } = zone.localAt(timeMs);
      const passed = !has(date);
      return { passed, code: passed ? "not-frozen" : "frozen", evidence: { zone: zone.name, date, ...evidence } };
    },
  };
}

type FreezeFields = { readonly [name in (typeof FREEZE)[number]]?: Field };
type Frozen = {
  readonly label: string;
  readonly evidence: Readonly<Record<string, string>>;
  readonly has: (date: string) => boolean;
};

function readFrozen(params: Field, fields: FreezeFields): Frozen | undefined {
  if (fields.from === undefined || fields.to === undefined) return params.fail("needs from and to, or a calendar");
  const [from, to] = [readDate(fields.from), readDate(fields.to)];
  if (from === undefined || to === undefined) return undefined;
  if (from > to) return fields.to.fail("is before it begins");
  return { label: `${from}-${to}`, evidence: { until: to }, has: (date) => date >= from && date <= to };
}

function readShared({ calendar, from, to }: FreezeFields, calendars: Calendars): Frozen | undefined {
  const other = from ?? to;
  if (other !== undefined) return other.fail("says nothing beside `calendar`");
  const shared = calendar && calendars.use(calendar);
  if (shared === undefined) return undefined;
  return { label: `calendar:${shared.name}`, evidence: { calendar: shared.name }, has: (date) => shared.has(date) };
}

function readZone(field: Field | undefined): Zone | undefined {
  const name = field?.text(ZONE_CHARS_MAX);
  if (field === undefined || name === undefined) return undefined;
  return findZone(name) ?? field.fail("is no name of the time-zone database, such as Europe/Berlin");
}

/** Minutes since midnight. */
function readClock(field: Field | undefined): number | undefined {
  const text = field?.textLike(CLOCK, "a time of day such as 09:30", 5);
  if (text === undefined) return undefined;
  const [hours = "0", minutes = "0"] = text.split(":");
  return Number(hours) * 60 + Number(minutes);
}
