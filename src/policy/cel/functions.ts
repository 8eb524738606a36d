// Every function and operator that conditions may use, one row per overload; what is not here does not load.

import { FAULTS } from "./fault.ts";
import { type CalendarPart, calendarPart, checkDuration, checkTimestamp } from "./instants.ts";
import { parseDuration, parseTimestamp, parseZone } from "./instants.ts";
import { compilePattern, PatternError } from "./pattern.ts";
import { BOOL, DOUBLE, DURATION, INT, STRING, TIMESTAMP, UINT, type Type, type Value } from "./value-type.ts";
import { type Arithmetic, INT_MATH, UINT_MATH, type Whole } from "./whole-numbers.ts";

/** Arguments a caller has no value for are undefined; the checker has proved the types. */
type Run = (a: Value, b: Value) => Value;

export interface Overload {
  /** As in the syntax tree; receiver-style calls begin with a dot. */
  readonly name: string;
  readonly params: readonly Type["kind"][];
  readonly result: Type;
  readonly run: Run;
  /** True when running it can throw a ConditionFault. */
  readonly faults: boolean;
  /**
   * For functions whose last argument must be constant: prepares it once. Returns what is wrong with it as text.
   */
  readonly prepare?: (argument: Value) => ((a: Value) => Value) | string;
}

const SECOND = 1_000_000_000n;
const ROWS: Overload[] = [];

function add<A extends Value, B extends Value>(
  name: string,
  params: readonly Type["kind"][],
  result: Type,
  run: (a: A, b: B) => Value,
  faults = false,
): void {
  ROWS.push({ name, params, result, run: run as unknown as Run, faults });
}

const ORDERED = ["bool", "int", "uint", "double", "string", "timestamp", "duration"] as const;
// JavaScript orders numbers and bigints exactly among each other, and strings by UTF-16 units, as the CEL library does.
for (const kind of ORDERED) {
  add("_<_", [kind, kind], BOOL, (a: number, b: number) => a < b);
  add("_<=_", [kind, kind], BOOL, (a: number, b: number) => a <= b);
  add("_>_", [kind, kind], BOOL, (a: number, b: number) => a > b);
  add("_>=_", [kind, kind], BOOL, (a: number, b: number) => a >= b);
}

const WHOLE: readonly (readonly ["int" | "uint", Type, Arithmetic])[] = [
  ["int", INT, INT_MATH],
  ["uint", UINT, UINT_MATH],
];
for (const [kind, type, math] of WHOLE) {
  add("_+_", [kind, kind], type, math.add, true);
  add("_-_", [kind, kind], type, math.subtract, true);
  add("_*_", [kind, kind], type, math.multiply, true);
  add("_/_", [kind, kind], type, math.divide, true);
  add("_%_", [kind, kind], type, math.modulo, true);
  add("string", [kind], STRING, (a: Whole) => String(a));
  add("double", [kind], DOUBLE, (a: Whole) => Number(a));
  add("int", [kind], INT, (a: Whole) => INT_MATH.from(BigInt(a)), kind === "uint");
  add("uint", [kind], UINT, (a: Whole) => UINT_MATH.from(BigInt(a)), kind === "int");
}
add("-_", ["int"], INT, (a: Whole) => INT_MATH.subtract(0, a), true);
add("-_", ["double"], DOUBLE, (a: number) => -a);
add("_+_", ["double", "double"], DOUBLE, (a: number, b: number) => a + b);
add("_-_", ["double", "double"], DOUBLE, (a: number, b: number) => a - b);
add("_*_", ["double", "double"], DOUBLE, (a: number, b: number) => a * b);
add("_/_", ["double", "double"], DOUBLE, (a: number, b: number) => a / b);
add("double", ["double"], DOUBLE, (a: number) => a);
add("int", ["double"], INT, INT_MATH.fromDouble, true);
add("uint", ["double"], UINT, UINT_MATH.fromDouble, true);

add("_+_", ["string", "string"], STRING, joined, true);
add("string", ["string"], STRING, (a: string) => a);
add("string", ["bool"], STRING, (a: boolean) => String(a));
add(".startsWith", ["string", "string"], BOOL, (a: string, b: string) => a.startsWith(b));
add(".endsWith", ["string", "string"], BOOL, (a: string, b: string) => a.endsWith(b));
add(".contains", ["string", "string"], BOOL, (a: string, b: string) => a.includes(b));

for (const name of ["size", ".size"]) {
  add(name, ["string"], INT, countCodePoints);
  add(name, ["list"], INT, (a: readonly Value[]) => a.length);
  add(name, ["map"], INT, (a: ReadonlyMap<Value, Value>) => a.size);
}

add("_+_", ["timestamp", "duration"], TIMESTAMP, (a: bigint, b: bigint) => checkTimestamp(a + b), true);
add("_+_", ["duration", "timestamp"], TIMESTAMP, (a: bigint, b: bigint) => checkTimestamp(a + b), true);
add("_-_", ["timestamp", "duration"], TIMESTAMP, (a: bigint, b: bigint) => checkTimestamp(a - b), true);
add("_-_", ["timestamp", "timestamp"], DURATION, (a: bigint, b: bigint) => checkDuration(a - b), true);
add("_+_", ["duration", "duration"], DURATION, (a: bigint, b: bigint) => checkDuration(a + b), true);
add("_-_", ["duration", "duration"], DURATION, (a: bigint, b: bigint) => checkDuration(a - b), true);
add("timestamp", ["timestamp"], TIMESTAMP, (a: bigint) => a);
add("timestamp", ["string"], TIMESTAMP, parseTimestamp, true);
add("duration", ["duration"], DURATION, (a: bigint) => a);
add("duration", ["string"], DURATION, parseDuration, true);
add("int", ["timestamp"], INT, (a: bigint) => INT_MATH.from((a - (((a % SECOND) + SECOND) % SECOND)) / SECOND));

const wholeUnits = (unit: bigint) => (a: bigint) => INT_MATH.from(a / unit);
add(".getHours", ["duration"], INT, wholeUnits(3600n * SECOND));
add(".getMinutes", ["duration"], INT, wholeUnits(60n * SECOND));
add(".getSeconds", ["duration"], INT, wholeUnits(SECOND));
add(".getMilliseconds", ["duration"], INT, (a: bigint) => INT_MATH.from((a % SECOND) / 1_000_000n));

const PARTS: readonly CalendarPart[] = [
  "getFullYear",
  "getMonth",
  "getDate",
  "getDayOfMonth",
  "getDayOfWeek",
  "getDayOfYear",
  "getHours",
  "getMinutes",
  "getSeconds",
  "getMilliseconds",
];
for (const part of PARTS) {
  add(`.${part}`, ["timestamp"], INT, (a: bigint) => calendarPart(part, a, 0));
  ROWS.push({
    name: `.${part}`,
    params: ["timestamp", "string"],
    result: INT,
    run: unprepared,
    faults: false,
    prepare: (zone) => {
      const offset = parseZone(zone as string);
      if (offset === undefined) return "only `UTC` and fixed offsets such as `+02:00` are supported as time zones";
      return (a) => calendarPart(part, a as bigint, offset);
    },
  });
}

for (const name of ["matches", ".matches"]) {
  ROWS.push({
    name,
    params: ["string", "string"],
    result: BOOL,
    run: unprepared,
    faults: false,
    prepare: (pattern) => {
      try {
        return compilePattern(pattern as string) as (a: Value) => Value;
      } catch (error) {
        if (error instanceof PatternError) return `the pattern is not supported: ${error.message}`;
        throw error;
      }
    },
  });
}

/** Stands where `prepare` always takes over. */
function unprepared(): Value {
  throw FAULTS.conversion;
}

/** Text doubled often enough in a chain of macros would fill the memory. */
const JOINED_CHARS_MAX = 65_536;

function joined(a: string, b: string): string {
  if (a.length + b.length > JOINED_CHARS_MAX) throw FAULTS["text-too-long"];
  return a + b;
}

function countCodePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i + 1 < text.length; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      count--;
      i++;
    }
  }
  return count;
}

const BY_SIGNATURE: ReadonlyMap<string, Overload> = new Map(
  ROWS.map((row) => [`${row.name}(${row.params.join()})`, row]),
);
const NAMES: ReadonlySet<string> = new Set(ROWS.map((row) => row.name));

export function findOverload(name: string, args: readonly Type[]): Overload | undefined {
  return BY_SIGNATURE.get(`${name}(${args.map((arg) => arg.kind).join()})`);
}

/** True when some overload has this name: tells a wrong argument from an unknown function. */
export function isFunction(name: string): boolean {
  return NAMES.has(name);
}

/** For `==`, `!=` and `in`, which take every comparable type. */
export function makeOverload(
  name: string,
  params: readonly Type["kind"][],
  run: (a: never, b: never) => boolean,
): Overload {
  return { name, params, result: BOOL, run: run as unknown as Run, faults: false };
}
