// Local times of the world: the rules of the time-zone database as a pinned package has them, the same for ever.

import packed from "moment-timezone/data/packed/latest.json" with { type: "json" };

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** The wall clock somewhere at some instant. */
export type LocalTime = {
  readonly weekday: Weekday;
  /** Since midnight, 0 to 1439. */
  readonly minute: number;
  /** `2026-11-21`. */
  readonly date: string;
};

export interface Zone {
  readonly name: string;
  /** `timeMs` since the epoch. */
  localAt(timeMs: number): LocalTime;
}

const ZONES: ReadonlyMap<string, string> = new Map(
  packed.zones.map((text) => [text.slice(0, text.indexOf("|")), text]),
);
const LINKS: ReadonlyMap<string, string> = new Map(
  packed.links.map((link) => {
    const [target = "", name = ""] = link.split("|");
    return [name, target];
  }),
);
const unpacked = new Map<string, Zone>();

/** The zone of that name (`Europe/Berlin`, `UTC`), exactly as the database writes it; undefined when there is none. */
export function findZone(name: string): Zone | undefined {
  const known = unpacked.get(name);
  if (known !== undefined) return known;
  const text = ZONES.get(LINKS.get(name) ?? name);
  if (text === undefined) return undefined;
  const zone = unpack(name, text);
  unpacked.set(name, zone);
  return zone;
}

/** `name|abbreviations|offsets|indices|untils|population`: numbers in base 60, untils as differences in minutes. */
function unpack(name: string, text: string): Zone {
  const [, , offsetTexts = "", indices = "", untilTexts = ""] = text.split("|");
  // Minutes west of UTC, as the package has them.
  const offsets = offsetTexts.split(" ").map((offset) => base60(offset) * MINUTE_MS);
  const untils: number[] = [];
  let until = 0;
  for (const difference of untilTexts === "" ? [] : untilTexts.split(" ")) {
    until += base60(difference) * MINUTE_MS;
    untils.push(until);
  }
  const offsetAt = (timeMs: number): number => {
    const era = firstAfter(untils, timeMs);
    return offsets[digit(indices.charCodeAt(era))] ?? 0;
  };
  return { name, localAt: (timeMs) => localOf(timeMs - Math.round(offsetAt(timeMs))) };
}

/** The first era that lasts beyond that time. */
function firstAfter(untils: readonly number[], timeMs: number): number {
  let [low, high] = [0, untils.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((untils[middle] as number) > timeMs) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Digits 0-9, a-z, A-X. */
function digit(code: number): number {
  if (code > 96) return code - 87;
  return code > 64 ? code - 29 : code - 48;
}

function base60(text: string): number {
  const isNegative = text.startsWith("-");
  const [whole = "", fraction = ""] = (isNegative ? text.slice(1) : text).split(".");
  let value = 0;
  for (const char of whole) value = value * 60 + digit(char.charCodeAt(0));
  let part = 1;
  for (const char of fraction) {
    part /= 60;
    value += digit(char.charCodeAt(0)) * part;
  }
  return isNegative ? -value : value;
}

/** The calendar day of a time that is local already (days from civil, after Howard Hinnant's algorithm). */
function localOf(localMs: number): LocalTime {
  const day = Math.floor(localMs / DAY_MS);
  const minute = Math.floor((localMs - day * DAY_MS) / MINUTE_MS);
  const weekday = WEEKDAYS[(((day + 4) % 7) + 7) % 7] as Weekday;
  return { weekday, minute, date: dateOf(day) };
}

function dateOf(day: number): string {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const year = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const shiftedMonth = Math.floor((5 * ofYear + 2) / 153);
  const dayOfMonth = ofYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const fullYear = year + era * 400 + (month <= 2 ? 1 : 0);
  return `${String(fullYear).padStart(4, "0")}-${padded(month)}-${padded(dayOfMonth)}`;
}

function padded(value: number): string {
  return String(value).padStart(2, "0");
}
