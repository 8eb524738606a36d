// window and freeze: when changes may be made, by the wall clock of the place where people are.

import type { Field } from "../yaml-reader.ts";
import { findZone, WEEKDAYS, type Weekday, type Zone } from "../zones.ts";
import { type BoundGate, readFailure } from "./gate.ts";

const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$/;
const DAY_MINUTES = 24 * 60;
const DATE = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const DATES_MAX = 400;
const ZONE_CHARS_MAX = 64;
const WINDOW = ["zone", "days", "from", "to", "exceptDates", "onFail", "route"] as const;
const FREEZE = ["zone", "from", "to", "onFail", "route"] as const;

/**
 * `{zone, days, from, to, exceptDates?, onFail?, route?}`: passes on these weekdays from `from` until before `to`, but not
 * on the dates excepted. A window may go over midnight: it belongs to the day on which it began.
 */
export function readWindow(params: Field): BoundGate | undefined {
  const fields = params.fields(WINDOW, ["zone", "days", "from", "to"]);
  const zone = readZone(fields?.zone);
  const days = fields?.days?.items(WEEKDAYS.length)?.map((day) => day.oneOf(WEEKDAYS));
  const from = readClock(fields?.from);
  const to = readClock(fields?.to);
  const except = fields?.exceptDates === undefined ? [] : fields.exceptDates.items(DATES_MAX)?.map(readDate);
  if (fields === undefined || zone === undefined || from === undefined || to === undefined) return undefined;
  if (days === undefined || days.includes(undefined) || except === undefined || except.includes(undefined))
    return undefined;
  if (new Set(days).size < days.length) return fields.days?.fail("names a day twice");
  if (from === to) return fields.to?.fail("is when it begins: a window of no length, or of a whole day");
  const open = { days: new Set(days as Weekday[]), from, to, except: new Set(except as string[]) };
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
};

function isOpen({ days, from, to, except }: Open, zone: Zone, timeMs: number): boolean {
  const now = zone.localAt(timeMs);
  const begins = (day: { weekday: Weekday; date: string }): boolean => days.has(day.weekday) && !except.has(day.date);
  if (from < to) return now.minute >= from && now.minute < to && begins(now);
  if (now.minute >= from) return begins(now);
  // After midnight it is the window of the day before: at that wall clock, which a changing offset cannot mistake by a day.
  const midnight = timeMs - now.minute * 60_000;
  return now.minute < to && begins(zone.localAt(midnight - (DAY_MINUTES / 2) * 60_000));
}

/** `{zone, from, to, onFail?, route?}`: fails from the first to the last of these dates, both whole days there. */
export function readFreeze(params: Field): BoundGate | undefined {
  const fields = params.fields(FREEZE, ["zone", "from", "to"]);
  const zone = readZone(fields?.zone);
  const from = fields?.from && readDate(fields.from);
  const to = fields?.to && readDate(fields.to);
  if (fields === undefined || zone === undefined || from === undefined || to === undefined) return undefined;
  if (from > to) return fields.to?.fail("is before it begins");
  return {
    ...readFailure(fields),
    label: `freeze:${zone.name}/${from}-${to}`,
    check: ({ timeMs }) => {
      const { date } = zone.localAt(timeMs);
      const passed = date < from || date > to;
      return { passed, code: passed ? "not-frozen" : "frozen", evidence: { zone: zone.name, date, until: to } };
    },
  };
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

function readDate(field: Field): string | undefined {
  return field.textLike(DATE, "a date such as 2026-12-24", 10);
}
