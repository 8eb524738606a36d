// The Calendar documents: days that gates of many policies name together, such as holidays and freezes.

import { readPlainName } from "./plain-names.ts";
import type { Field } from "./yaml-reader.ts";

const DATE = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const YEARLY = /^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const DAYS_MAX = 1_000;
const CALENDARS_MAX = 200;
const DATE_CHARS = 10;

/** The first and the last of some days as `2026-12-24`; of a day of every year both as `12-24`. */
type Days = { readonly from: string; readonly to: string };

/** A calendar that a gate names; it may be read after the gate is. */
export interface Calendar {
  readonly name: string;
  /** `date` as `2026-12-24`. */
  has(date: string): boolean;
}

/** Of one bundle. */
export class Calendars {
  readonly #days = new Map<string, readonly Days[]>();
  readonly #places = new Map<string, { readonly path: string; readonly line: number }>();
  readonly #uses: { readonly name: string; readonly field: Field }[] = [];

  /** The document of that name. */
  add(name: string, document: Field, spec: Field): void {
    const days = spec.fields(["days"], ["days"])?.days?.items(DAYS_MAX)?.map(readDays);
    if (days === undefined || days.includes(undefined)) return;
    if (this.#days.has(name)) document.fail(`a second calendar named \`${name}\``);
    else if (this.#days.size >= CALENDARS_MAX) document.fail(`more than ${CALENDARS_MAX} calendars`);
    else {
      this.#days.set(name, days as Days[]);
      this.#places.set(name, { path: document.path, line: document.line });
    }
  }

  /** Reads a name; whether there is such a calendar is checked once everything is read. */
  use(field: Field): Calendar | undefined {
    const name = readPlainName(field, "a calendar's name");
    if (name === undefined) return undefined;
    this.#uses.push({ name, field });
    return { name, has: (date) => this.#days.get(name)?.some((days) => isAmong(days, date)) ?? false };
  }

  /** Documents that nothing names. */
  unused(): readonly { readonly name: string; readonly path: string; readonly line: number }[] {
    const used = new Set(this.#uses.map(({ name }) => name));
    return [...this.#places].filter(([name]) => !used.has(name)).map(([name, place]) => ({ name, ...place }));
  }

  checkUses(): void {
    for (const { name, field } of this.#uses) if (!this.#days.has(name)) field.fail(`unknown calendar \`${name}\``);
  }
}

function isAmong({ from, to }: Days, date: string): boolean {
  const day = date.slice(DATE_CHARS - from.length);
  return day >= from && day <= to;
}

/** `{on}`, `{every}` or `{from, to}`. */
function readDays(field: Field): Days | undefined {
  const { on, every, from, to } = field.fields(["on", "every", "from", "to"], []) ?? {};
  const isSpan = from !== undefined && to !== undefined && on === undefined && every === undefined;
  if (isSpan) return readSpan(from, to);
  const isDay = from === undefined && to === undefined && (on === undefined) !== (every === undefined);
  if (!isDay) return field.fail("is `on` a date, `every` day of the year such as 12-25, or `from` one `to` another");
  const day = on === undefined ? every && readYearly(every) : readDate(on);
  return day === undefined ? undefined : { from: day, to: day };
}

function readSpan(first: Field, last: Field): Days | undefined {
  const [from, to] = [readDate(first), readDate(last)];
  if (from === undefined || to === undefined) return undefined;
  return from > to ? last.fail("is before it begins") : { from, to };
}

export function readDate(field: Field): string | undefined {
  const date = field.textLike(DATE, "a date such as 2026-12-24", DATE_CHARS);
  return date === undefined || isDay(date) ? date : field.fail("is a day that does not exist");
}

/** The 29th of February is one, in the years that have it. */
function readYearly(field: Field): string | undefined {
  const day = field.textLike(YEARLY, "a day of the year such as 12-25", 5);
  return day === undefined || isDay(`2000-${day}`) ? day : field.fail("is a day that does not exist");
}

/** What never comes would never hold. */
function isDay(date: string): boolean {
  const [year = 0, month = 0, day = 0] = date.split("-").map(Number);
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = month === 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
  return day <= days;
}
