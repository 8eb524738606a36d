// The Schedule document: who is on duty at an instant, by a rotation and its exceptions, in exact arithmetic of UTC.

import { instantFromRfc3339 } from "../core/rfc3339.ts";
import { isWhole, readPlainName } from "./plain-names.ts";
import type { Field } from "./yaml-reader.ts";

const PEOPLE_MAX = 64;
const OVERRIDES_MAX = 256;
const INSTANT_CHARS_MAX = 40;

interface Override {
  readonly person: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Immutable. Instants are milliseconds since the epoch. */
export class Schedule {
  readonly name: string;
  readonly path: string;
  readonly line: number;
  /** In turn; whoever is named twice has two turns. */
  readonly people: readonly string[];
  readonly startMs: number;
  readonly lengthMs: number;
  /** Never two at once. */
  readonly overrides: readonly Override[];

  constructor(of: Pick<Schedule, "name" | "path" | "line" | "people" | "startMs" | "lengthMs" | "overrides">) {
    this.name = of.name;
    this.path = of.path;
    this.line = of.line;
    this.people = of.people;
    this.startMs = of.startMs;
    this.lengthMs = of.lengthMs;
    this.overrides = of.overrides;
  }

  /** The person on duty; nobody before the rotation starts. A turn ends where the next one begins. */
  onDuty(nowMs: number): string | null {
    const override = this.overrides.find(({ fromMs, untilMs }) => nowMs >= fromMs && nowMs < untilMs);
    if (override !== undefined) return override.person;
    if (nowMs < this.startMs) return null;
    const turn = Math.floor((nowMs - this.startMs) / this.lengthMs);
    return this.people[turn % this.people.length] ?? null;
  }

  /** Everybody who is ever on duty. */
  get everybody(): readonly string[] {
    return [...new Set([...this.people, ...this.overrides.map(({ person }) => person)])];
  }
}

/** The `spec` of a Schedule named `name`. */
export function readSchedule(name: string, spec: Field): Schedule | undefined {
  const fields = spec.fields(["rotation", "overrides"], ["rotation"]);
  const names = ["people", "start", "length"] as const;
  const rotation = fields?.rotation?.fields(names, names);
  const people = rotation?.people?.items(PEOPLE_MAX)?.map((one) => readPlainName(one, "a person's name"));
  const startMs = rotation?.start && readInstant(rotation.start);
  const lengthMs = rotation?.length?.durationMs();
  const overrides = fields?.overrides === undefined ? [] : readOverrides(fields.overrides);
  if (people === undefined || !isWhole(people) || overrides === undefined) return undefined;
  if (startMs === undefined || lengthMs === undefined) return undefined;
  return new Schedule({ name, path: spec.path, line: spec.line, people, startMs, lengthMs, overrides });
}

function readOverrides(field: Field): readonly Override[] | undefined {
  const overrides = field.items(OVERRIDES_MAX)?.map(readOverride);
  if (overrides === undefined || !isWhole(overrides)) return undefined;
  const sorted = overrides.toSorted((a, b) => a.fromMs - b.fromMs);
  const overlap = sorted.some(({ fromMs }, i) => fromMs < (sorted[i - 1]?.untilMs ?? fromMs));
  return overlap ? field.fail("two overrides are in force at once") : overrides;
}

function readOverride(field: Field): Override | undefined {
  const names = ["person", "from", "until"] as const;
  const fields = field.fields(names, names);
  const person = fields?.person && readPlainName(fields.person, "a person's name");
  const fromMs = fields?.from && readInstant(fields.from);
  const untilMs = fields?.until && readInstant(fields.until);
  if (person === undefined || fromMs === undefined || untilMs === undefined) return undefined;
  return untilMs > fromMs ? { person, fromMs, untilMs } : field.fail("it ends before it begins");
}

function readInstant(field: Field): number | undefined {
  const text = field.text(INSTANT_CHARS_MAX);
  if (text === undefined) return undefined;
  return instantFromRfc3339(text) ?? field.fail("must be an instant such as 2026-01-05T09:00:00Z");
}
