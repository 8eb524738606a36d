// Routes and schedules: what loads, what can never be met and so does not, and who is on duty when.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { parseAllDocuments } from "yaml";
import { lintBundle } from "../../src/policy/lint.ts";
import { loadBundle } from "../../src/policy/load.ts";
import type { Schedule } from "../../src/policy/schedule.ts";
import { mustLoad, problemsOf, readSchema } from "./pack.ts";

const validate = new Ajv2020({ allErrors: false, strict: false, validateFormats: false }).compile(readSchema());

function isValid(text: string): boolean {
  return parseAllDocuments(text).every((document) => validate(document.toJS()));
}

const SOUND = `apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: database }
spec:
  steps:
    - approvers:
        all:
          - { role: database-owner, count: 1 }
          - { role: sre, count: 2, agents: true }
          - { people: [ada, ben, cid], count: 2 }
          - { schedule: platform }
      within: 30m
      remindEvery: 10m
      independentOf: [owner, model]
    - { roles: [lead, owner], count: 2, within: 15m }
  onTimeout: deny
  breakGlass: { roles: [incident-commander], people: 2, within: 15m, review: { roles: [owner], within: 12h } }
---
apiVersion: holdpoint.dev/v1
kind: Schedule
metadata: { name: platform }
spec:
  rotation: { people: [ada, ben, dan], start: 2026-01-05T09:00:00Z, length: 7d }
  overrides:
    - { person: eve, from: 2026-01-07T00:00:00Z, until: 2026-01-08T00:00:00Z }
`;

test("a route asks for several people at once, by role, by name and by duty", () => {
  assert.ok(isValid(SOUND), JSON.stringify(validate.errors));
  const route = mustLoad([{ path: "a.yaml", text: SOUND }]).routes.get("database");
  const [first, second] = route?.steps ?? [];
  const seats = { roles: [], people: [], schedules: [], agents: false, count: 1 };
  assert.deepEqual(first?.asks, {
    seats: [
      { ...seats, roles: ["database-owner"] },
      { ...seats, roles: ["sre"], count: 2, agents: true },
      { ...seats, people: ["ada", "ben", "cid"], count: 2 },
      { ...seats, schedules: ["platform"] },
    ],
    independentOf: ["owner", "model"],
  });
  assert.deepEqual([first?.withinMs, first?.remindEveryMs], [30 * 60_000, 10 * 60_000]);
  assert.deepEqual(second?.asks.seats, [{ ...seats, roles: ["lead", "owner"], count: 2 }]);
  assert.deepEqual([second?.remindEveryMs, route?.onTimeout], [null, "deny"]);
  assert.deepEqual(route?.breakGlass, {
    roles: ["incident-commander"],
    people: 2,
    withinMs: 15 * 60_000,
    reviewRoles: ["owner"],
    reviewWithinMs: 12 * 3_600_000,
  });
});

// Structure: loader and schema must both say so.
const BROKEN: readonly (readonly [string, string, string])[] = [
  ["a step that asks nobody", "{ roles: [lead, owner], count: 2, within: 15m }", "{ within: 15m }"],
  ["a step that asks in both ways", "- approvers:", "- roles: [sre]\n      approvers:"],
  ["a count beside approvers", "within: 30m", "count: 2\n      within: 30m"],
  ["agents beside approvers", "within: 30m", "agents: true\n      within: 30m"],
  ["no approvals", "count: 1 }", "count: 0 }"],
  ["half an approval", "count: 1 }", "count: 1.5 }"],
  ["more approvals than a step has room for", "count: 1 }", "count: 17 }"],
  ["seats for nobody", "{ role: database-owner, count: 1 }", "{ count: 1 }"],
  ["seats by role and by name", "{ role: database-owner,", "{ role: database-owner, people: [ada],"],
  ["seats without a role", "{ role: database-owner,", "{ roles: [],"],
  ["a person twice", "[ada, ben, cid]", "[ada, ben, ada]"],
  ["a role twice", "[lead, owner]", "[lead, lead]"],
  ["agents by name", "people: [ada, ben, cid],", "people: [ada, ben, cid], agents: true,"],
  ["agents on duty", "{ schedule: platform }", "{ schedule: platform, agents: true }"],
  ["an unknown independence", "[owner, model]", "[owner, team]"],
  ["a step without a window", "count: 2, within: 15m }", "count: 2 }"],
  ["a glass that nobody may break", "roles: [incident-commander]", "roles: []"],
  ["a glass that takes nobody", "people: 2, within: 15m", "people: 0, within: 15m"],
  ["a rotation of nobody", "people: [ada, ben, dan]", "people: []"],
  ["a rotation without a start", "start: 2026-01-05T09:00:00Z, ", ""],
];

for (const [what, from, to] of BROKEN) {
  test(`schema and loader both refuse ${what}`, () => {
    const text = SOUND.replace(from, to);
    assert.notEqual(text, SOUND);
    assert.equal(isValid(text), false, "the schema");
    assert.equal(loadBundle([{ path: "a", text }]).bundle, null, "the loader");
  });
}

// What only the loader can see, with the line that it names.
const NEVER: readonly (readonly [string, string, string, RegExp])[] = [
  ["a schedule that there is not", "schedule: platform", "schedule: nobody", /^6: unknown schedule `nobody`/],
  ["two who are on duty at once", "schedule: platform", "schedule: platform, count: 2", /^6: can never be met/],
  [
    "the same duty twice",
    "- { schedule: platform }",
    "- { schedule: platform }\n          - { schedule: platform }",
    /^6: can never be met/,
  ],
  ["more approvals than people", "people: [ada, ben, cid]", "people: [ada]", /^6: can never be met/],
  [
    "the same two people twice",
    "- { schedule: platform }",
    "- { people: [ada, ben, cid], count: 2 }",
    /^6: can never be met/,
  ],
  ["a reminder after the window", "remindEvery: 10m", "remindEvery: 30m", /^13: the window ends before/],
  ["a reminder every second", "remindEvery: 10m", "remindEvery: 1s", /^13: reminds more than 48 times/],
  ["more seats than a step has room for", "role: sre, count: 2", "role: sre, count: 13", /^8: .*more than 16/],
  ["a glass open for longer than a day", "people: 2, within: 15m", "people: 2, within: 25h", /^17: .*within a day/],
  ["a day that does not exist", "2026-01-05T", "2026-02-30T", /^23: must be an instant/],
  ["an exception that ends before it begins", "until: 2026-01-08", "until: 2026-01-06", /^25: it ends before/],
  [
    "two exceptions at once",
    "    - { person: eve",
    "    - { person: ada, from: 2026-01-07T12:00:00Z, until: 2026-01-09T00:00:00Z }\n    - { person: eve",
    /^25: two overrides/,
  ],
];

for (const [what, from, to, message] of NEVER) {
  test(`a route or schedule with ${what} does not load`, () => {
    const text = SOUND.replace(from, to);
    assert.notEqual(text, SOUND);
    const [problem] = problemsOf(text);
    assert.ok(problem, "it loaded");
    assert.match(`${problem.line}: ${problem.message}`, message);
  });
}

test("people who are named in several places are enough when each can take another", () => {
  const text = SOUND.replace("- { schedule: platform }", "- { people: [ada, dan] }");
  mustLoad([{ path: "a.yaml", text }]);
});

test("a schedule that no route asks is a finding", () => {
  const text = SOUND.replace("- { schedule: platform }", "- { role: another }");
  const findings = lintBundle(mustLoad([{ path: "a.yaml", text }])).filter(({ code }) => code === "schedule-unused");
  assert.deepEqual(
    findings.map(({ subject, path, line }) => [subject, path, line]),
    [["platform", "a.yaml", 23]],
  );
});

const at = (text: string): number => Date.parse(text);

function platform(): Schedule {
  const schedule = mustLoad([{ path: "a.yaml", text: SOUND }]).schedules.get("platform");
  assert.ok(schedule);
  return schedule;
}

test("turns begin and end to the millisecond, and an exception takes its time out of them", () => {
  const schedule = platform();
  const duties: readonly (readonly [string, string | null])[] = [
    ["2026-01-05T08:59:59.999Z", null],
    ["2026-01-05T09:00:00Z", "ada"],
    ["2026-01-06T23:59:59.999Z", "ada"],
    ["2026-01-07T00:00:00Z", "eve"],
    ["2026-01-07T23:59:59.999Z", "eve"],
    ["2026-01-08T00:00:00Z", "ada"],
    ["2026-01-12T08:59:59.999Z", "ada"],
    ["2026-01-12T09:00:00Z", "ben"],
    ["2026-01-26T09:00:00Z", "ada"],
    // No zone changes its clock for it: 2026-03-29 is as long as any other day.
    ["2026-03-30T08:59:59.999Z", "dan"],
    ["2026-03-30T09:00:00Z", "ada"],
  ];
  for (const [instant, person] of duties) assert.equal(schedule.onDuty(at(instant)), person, instant);
});

test("in a rotation everybody is on duty for as long, one after the other", () => {
  const schedule = platform();
  const later = fc.integer({ min: 10, max: 5_000 });
  fc.assert(
    fc.property(later, fc.integer({ min: 0, max: schedule.lengthMs - 1 }), (turn, ms) => {
      const start = schedule.startMs + turn * schedule.lengthMs;
      assert.equal(schedule.onDuty(start + ms), schedule.people[turn % 3]);
      assert.equal(schedule.onDuty(start + ms + 3 * schedule.lengthMs), schedule.people[turn % 3]);
    }),
  );
});
