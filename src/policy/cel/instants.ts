// Timestamps and durations as bigints of nanoseconds: parsing, bounds and UTC calendar parts, without a clock.

import { instantFromRfc3339 } from "../../core/rfc3339.ts";
import { FAULTS } from "./fault.ts";

const SECOND = 1_000_000_000n;
const DAY_S = 86_400;
/** 0001-01-01T00:00:00Z and the last nanosecond of 9999, as google.protobuf.Timestamp has them. */
const TIMESTAMP_MIN = -62_135_596_800n * SECOND;
const TIMESTAMP_MAX = 253_402_300_800n * SECOND - 1n;
const DURATION_MAX = 2n ** 63n - 1n;
const DURATION_TEXT_MAX = 128;

const UNIT_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: SECOND,
  m: 60n * SECOND,
  h: 3_600n * SECOND,
};

export function checkTimestamp(ns: bigint): bigint {
  if (ns < TIMESTAMP_MIN || ns > TIMESTAMP_MAX) throw FAULTS["timestamp-overflow"];
  return ns;
}

export function checkDuration(ns: bigint): bigint {
  if (ns > DURATION_MAX || ns < -DURATION_MAX - 1n) throw FAULTS["duration-overflow"];
  return ns;
}

/** RFC 3339 with up to nine fractional digits, as the CEL specification asks for. Faults with `conversion`. */
export function parseTimestamp(text: string): bigint {
  const ms = /[tz]/.test(text) ? undefined : instantFromRfc3339(text);
  if (ms === undefined) throw FAULTS.conversion;
  const fraction = (/\.(\d+)/.exec(text)?.[1] ?? "").padEnd(9, "0");
  const wholeMs = ms - Number(fraction.slice(0, 3));
  return checkTimestamp(BigInt(wholeMs) * 1_000_000n + BigInt(fraction));
}

/** `1h30m`, `-1.5s`, `0`: Go's form, as the CEL specification asks for. Faults with `conversion`. */
export function parseDuration(text: string): bigint {
  if (text.length > DURATION_TEXT_MAX) throw FAULTS.conversion;
  if (/^[-+]?0$/.test(text)) return 0n;
  if (!/^[-+]?((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+$/.test(text)) throw FAULTS.conversion;
  let total = 0n;
  for (const [, whole, fraction, unit] of text.matchAll(/(\d*)\.?(\d*)(ns|us|µs|ms|s|m|h)/g)) {
    const unitNs = UNIT_NS[unit as string] as bigint;
    total += BigInt(whole || "0") * unitNs;
    total += (BigInt(fraction || "0") * unitNs) / 10n ** BigInt((fraction as string).length);
  }
  return checkDuration(text.startsWith("-") ? -total : total);
}

/** Minutes east of UTC for `UTC`, `+02:00`, `-08:00` or `02:00`; undefined for names, whose rules change. */
export function parseZone(text: string): number | undefined {
  if (text === "UTC") return 0;
  const match = /^([+-]?)(\d\d):(\d\d)$/.exec(text);
  if (match === null || Number(match[2]) > 23 || Number(match[3]) > 59) return undefined;
  return (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]));
}

export type CalendarPart =
  | "getFullYear"
  | "getMonth"
  | "getDate"
  | "getDayOfMonth"
  | "getDayOfWeek"
  | "getDayOfYear"
  | "getHours"
  | "getMinutes"
  | "getSeconds"
  | "getMilliseconds";

/** One part of the instant in the zone `offsetMinutes` east of UTC; months, days of month and year count from 0. */
export function calendarPart(part: CalendarPart, ns: bigint, offsetMinutes: number): number {
  const floorSeconds = (ns - (((ns % SECOND) + SECOND) % SECOND)) / SECOND;
  const seconds = Number(floorSeconds) + offsetMinutes * 60;
  const days = Math.floor(seconds / DAY_S);
  const inDay = seconds - days * DAY_S;
  if (part === "getHours") return Math.floor(inDay / 3600);
  if (part === "getMinutes") return Math.floor(inDay / 60) % 60;
  if (part === "getSeconds") return inDay % 60;
  if (part === "getMilliseconds") return Number((ns - floorSeconds * SECOND) / 1_000_000n);
  if (part === "getDayOfWeek") return (((days + 4) % 7) + 7) % 7; // 1970-01-01 was a Thursday
  const { year, month, day } = civilFromDays(days);
  if (part === "getFullYear") return year;
  if (part === "getMonth") return month - 1;
  if (part === "getDate") return day;
  if (part === "getDayOfMonth") return day - 1;
  return days - yearStart(year);
}

/** Days from 1970-01-01 to the first day of `year`. */
function yearStart(year: number): number {
  const before = year - 1;
  const leapDays = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  return (year - 1970) * 365 + leapDays - 477;
}

/** Proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible date algorithms"): years run from March. */
function civilFromDays(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}
