// Change windows and freezes: wall clocks of other places, summer time, midnight, and what never loads.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { loadBundle } from "../../src/policy/load.ts";
import { findZone, WEEKDAYS } from "../../src/policy/zones.ts";
import { factsWith, NO_COUNTERS } from "./pack.ts";

const at = (text: string): number => Date.parse(text);

function bundleWith(gate: string, more = "") {
  const text = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: p }
spec:
  match: { actions: [a.b] }
  rules: [{ name: r, gates: [${gate}], decision: allow }]
${more}`;
  return loadBundle([{ path: "p.yaml", text }]);
}

function decides(gate: string, time: string): string {
  const { bundle, problems } = bundleWith(gate);
  assert.deepEqual(problems, []);
  const facts = factsWith({ action: { kind: "a.b" }, timeMs: at(time) });
  return bundle?.evaluate(facts, NO_COUNTERS).decision ?? "none";
}

describe("local time", () => {
  it("is that of the platform's own database, for every zone that both know, over thirty years", () => {
    const zones = Intl.supportedValuesOf("timeZone").filter((name) => findZone(name) !== undefined);
    assert.ok(zones.length > 300, `${zones.length} zones`);
    const property = fc.property(
      fc.constantFrom(...zones),
      fc.integer({ min: at("1995-01-01T00:00:00Z"), max: at("2026-01-01T00:00:00Z") }),
      (name, timeMs) => {
        const local = findZone(name)?.localAt(timeMs);
        const parts = new Intl.DateTimeFormat("en-CA", {
          timeZone: name,
          hourCycle: "h23",
          weekday: "short",
          year: "numeric",
          month: "2-digit",
          day: "2-digit",
          hour: "2-digit",
          minute: "2-digit",
        }).formatToParts(timeMs);
        const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? "";
        assert.deepEqual(local, {
          weekday: part("weekday").slice(0, 3).toLowerCase(),
          minute: Number(part("hour")) * 60 + Number(part("minute")),
          date: `${part("year")}-${part("month")}-${part("day")}`,
        });
      },
    );
    fc.assert(property, { numRuns: 2_000 });
  });

  it("knows dates before the epoch and after the last rule", () => {
    const utc = findZone("UTC");
    assert.deepEqual(utc?.localAt(at("1969-12-31T23:59:59Z")), { weekday: "wed", minute: 1439, date: "1969-12-31" });
    assert.deepEqual(utc?.localAt(at("2096-02-29T12:00:00Z")), { weekday: "wed", minute: 720, date: "2096-02-29" });
    assert.equal(findZone("Europe/Berlin")?.localAt(at("2090-07-01T10:00:00Z"))?.date, "2090-07-01");
    assert.equal(WEEKDAYS.length, 7);
  });

  it("has no zone of another name", () => {
    for (const name of ["", "Berlin", "europe/berlin", "CEST+1", "__proto__", "Europe/Berlin|x"]) {
      assert.equal(findZone(name), undefined, name);
    }
  });
});

describe("a change window", () => {
  const OFFICE = "window: { zone: Europe/Berlin, days: [mon, tue, wed, thu], from: '09:00', to: '16:00' }";

  it("is open by the clock of its place, in summer as in winter", () => {
    assert.equal(decides(OFFICE, "2026-01-07T08:00:00Z"), "allow", "nine in winter");
    assert.equal(decides(OFFICE, "2026-01-07T07:59:59Z"), "refuse");
    assert.equal(decides(OFFICE, "2026-07-08T07:00:00Z"), "allow", "nine in summer");
    assert.equal(decides(OFFICE, "2026-07-08T13:59:59Z"), "allow");
    assert.equal(decides(OFFICE, "2026-07-08T14:00:00Z"), "refuse", "its end is not in it");
    assert.equal(decides(OFFICE, "2026-07-10T09:00:00Z"), "refuse", "a Friday");
  });

  it("over midnight belongs to the day on which it began", () => {
    const night = "window: { zone: America/New_York, days: [sat], from: '22:00', to: '04:00' }";
    assert.equal(decides(night, "2026-06-07T02:00:00Z"), "allow", "Saturday, ten in the evening");
    assert.equal(decides(night, "2026-06-07T07:59:00Z"), "allow", "Sunday, before four");
    assert.equal(decides(night, "2026-06-07T08:00:00Z"), "refuse");
    assert.equal(decides(night, "2026-06-06T06:00:00Z"), "refuse", "the night to Saturday is Friday's");
    assert.equal(decides(night, "2026-03-08T06:59:00Z"), "allow", "before the clock jumps");
    assert.equal(decides(night, "2026-03-08T07:30:00Z"), "allow", "half past three, after it has jumped");
    assert.equal(decides(night, "2026-03-08T08:00:00Z"), "refuse", "four o'clock, an hour of that night missing");
  });

  it("is closed on the dates that it excepts, the night after included", () => {
    const gate =
      "window: { zone: UTC, days: [thu, fri], from: '22:00', to: '02:00', exceptDates: ['2026-12-24'], onFail: refuse }";
    assert.equal(decides(gate, "2026-12-24T23:00:00Z"), "refuse");
    assert.equal(decides(gate, "2026-12-25T01:00:00Z"), "refuse");
    assert.equal(decides(gate, "2026-12-25T23:00:00Z"), "allow");
  });

  it("that says nothing sensible does not load", () => {
    const problem = (gate: string) => bundleWith(gate).problems[0]?.message ?? "";
    assert.match(problem("window: { zone: Berlin, days: [mon], from: '09:00', to: '16:00' }"), /time-zone database/);
    assert.match(problem("window: { zone: UTC, days: [monday], from: '09:00', to: '16:00' }"), /one of/);
    assert.match(problem("window: { zone: UTC, days: [mon, mon], from: '09:00', to: '16:00' }"), /twice/);
    assert.match(problem("window: { zone: UTC, days: [mon], from: '9:00', to: '16:00' }"), /time of day/);
    assert.match(problem("window: { zone: UTC, days: [mon], from: '24:00', to: '16:00' }"), /time of day/);
    assert.match(problem("window: { zone: UTC, days: [mon], from: '09:00', to: '09:00' }"), /no length/);
    assert.match(problem("freeze: { zone: UTC, from: 2026-12-24, to: 2026-12-20 }"), /before it begins/);
    assert.match(problem("freeze: { zone: UTC, from: 2026-13-01, to: 2026-12-20 }"), /a date/);
  });
});

describe("a freeze", () => {
  it("lasts from the first to the last of its days, there", () => {
    const gate = "freeze: { zone: Pacific/Auckland, from: '2026-12-20', to: '2027-01-04' }";
    assert.equal(decides(gate, "2026-12-19T10:59:59Z"), "allow");
    assert.equal(decides(gate, "2026-12-19T11:00:00Z"), "refuse", "midnight in Auckland");
    assert.equal(decides(gate, "2027-01-04T10:59:59Z"), "refuse");
    assert.equal(decides(gate, "2027-01-04T11:00:00Z"), "allow");
  });
});

describe("a calendar", () => {
  const CALENDARS = `---
apiVersion: holdpoint.dev/v1
kind: Calendar
metadata: { name: closed }
spec: { days: [{ on: 2026-12-24 }, { every: 05-01 }, { from: 2026-12-31, to: 2027-01-03 }] }
---
apiVersion: holdpoint.dev/v1
kind: Calendar
metadata: { name: fairs }
spec: { days: [{ on: 2026-11-27 }] }
`;
  const decided = (gate: string, time: string): string => {
    const { bundle, problems } = bundleWith(gate, CALENDARS);
    assert.deepEqual(problems, []);
    return bundle?.evaluate(factsWith({ action: { kind: "a.b" }, timeMs: at(time) }), NO_COUNTERS).decision ?? "none";
  };

  it("closes windows and freezes changes on its days, by the clock of the place of the gate", () => {
    const gate =
      "window: { zone: UTC, days: [mon, tue, wed, thu, fri], from: '09:00', to: '16:00', exceptCalendars: [closed, fairs], onFail: refuse }";
    assert.equal(decided(gate, "2026-12-23T10:00:00Z"), "allow");
    assert.equal(decided(gate, "2026-12-24T10:00:00Z"), "refuse");
    assert.equal(decided(gate, "2026-11-27T10:00:00Z"), "refuse", "of the other calendar");
    assert.equal(decided(gate, "2028-05-01T10:00:00Z"), "refuse", "every year");
    assert.equal(decided(gate, "2029-05-02T10:00:00Z"), "allow");
    const freeze = "freeze: { zone: Pacific/Auckland, calendar: closed }";
    assert.equal(decided(freeze, "2026-12-30T10:59:59Z"), "allow");
    assert.equal(decided(freeze, "2026-12-30T11:00:00Z"), "refuse", "midnight in Auckland");
    assert.equal(decided(freeze, "2027-01-03T10:59:59Z"), "refuse");
    assert.equal(decided(freeze, "2027-01-03T11:00:00Z"), "allow");
  });

  it("that is not there, is there twice or has no such days does not load", () => {
    const problem = (gate: string, more = CALENDARS) => bundleWith(gate, more).problems[0]?.message ?? "";
    const freeze = "freeze: { zone: UTC, calendar: closed }";
    assert.equal(problem(freeze), "");
    assert.match(problem(freeze, ""), /unknown calendar `closed`/);
    assert.match(problem(freeze, CALENDARS.replace("fairs", "closed")), /a second calendar/);
    assert.match(problem("freeze: { zone: UTC, calendar: closed, to: 2026-12-31 }"), /beside `calendar`/);
    assert.match(problem("freeze: { zone: UTC }"), /needs from and to, or a calendar/);
    for (const days of [
      "{ on: 2026-12-24, every: 12-24 }",
      "{ from: 2026-12-24 }",
      "{ every: 2026-12-24 }",
      "{ every: 13-01 }",
    ])
      assert.notEqual(problem(freeze, CALENDARS.replace("{ on: 2026-12-24 }", days)), "", days);
    const backwards = CALENDARS.replace("from: 2026-12-31", "from: 2027-12-31");
    assert.match(problem(freeze, backwards), /before it begins/);
  });
});

describe("a day that does not exist", () => {
  const calendar = (days: string): string =>
    `apiVersion: holdpoint.dev/v1\nkind: Calendar\nmetadata: { name: closed }\nspec: { days: [${days}] }\n`;
  const problems = (text: string): readonly string[] =>
    loadBundle([{ path: "days.yaml", text }]).problems.map(
      ({ line, column, message }) => `${line}:${column} ${message}`,
    );
  const WRONG = "is a day that does not exist";

  for (const [days, column] of [
    ["{ on: 2026-11-31 }", 22],
    ["{ on: 2026-02-29 }", 22],
    ["{ on: 2100-02-29 }", 22],
    ["{ every: 02-30 }", 25],
    ["{ from: 2026-04-01, to: 2026-04-31 }", 40],
  ] as const) {
    it(`is refused in a calendar: ${days}`, () => {
      assert.deepEqual(problems(calendar(days))[0], `4:${column} ${WRONG}`);
    });
  }

  it("is refused in a freeze and among a window's exceptions", () => {
    for (const gate of [
      "freeze: { zone: UTC, from: 2026-11-31, to: 2026-12-01 }",
      "window: { zone: UTC, days: [mon], from: '09:00', to: '10:00', exceptDates: ['2026-02-31'], onFail: refuse }",
    ]) {
      const [problem] = bundleWith(`{ ${gate} }`).problems;
      assert.deepEqual([problem?.message, problem?.line], [WRONG, 6], gate);
    }
  });

  it("is none that comes in leap years alone", () => {
    assert.ok(problems(calendar("{ every: 02-29 }, { on: 2028-02-29 }")).every((one) => !one.includes(WRONG)));
  });
});
