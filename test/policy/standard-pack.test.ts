// The standard pack loads clean, passes its own cases, and is what its JSON Schema says.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parseAllDocuments } from "yaml";
import { GATES } from "../../src/policy/gates/table.ts";
import { lintBundle } from "../../src/policy/lint.ts";
import { loadBundle } from "../../src/policy/load.ts";
import { runPolicyTests } from "../../src/policy/test-cases.ts";
import { loadPack, mustLoad, packFiles, policyText, readSchema } from "./pack.ts";

const validate = new Ajv2020({ allErrors: false, strict: false }).compile(readSchema());

function isValid(text: string): boolean {
  return parseAllDocuments(text).every((document) => validate(document.toJS()));
}

test("the pack has no lint findings", () => {
  assert.deepEqual(lintBundle(loadPack()), []);
});

test("the pack passes its own cases", () => {
  const { results, problems } = runPolicyTests(loadPack(), packFiles("tests/"));
  assert.deepEqual(problems, []);
  assert.deepEqual(
    results.filter((result) => !result.passed),
    [],
  );
  assert.ok(results.length >= 20);
});

test("the schema accepts every file of the pack and of its cases", () => {
  for (const { path, text } of [...packFiles(), ...packFiles("tests/")]) {
    assert.ok(isValid(text), `${path}: ${JSON.stringify(validate.errors)}`);
  }
});

test("the schema knows every gate that the loader knows, and no other", () => {
  const { $defs } = readSchema() as { $defs: { gate: { properties: object } } };
  assert.deepEqual(Object.keys($defs.gate.properties).toSorted(), Object.keys(GATES).toSorted());
});

const SOUND = policyText(
  "- name: r\n  when: incident.known\n  gates: [{ duplicate: { per: 30m, by: [kind] } }]\n  decision: hold",
);

// Each change breaks the structure; schema and loader must both say so.
const BROKEN: readonly (readonly [string, string, string])[] = [
  ["another version", "holdpoint.dev/v1", "holdpoint.dev/v2"],
  ["an unknown kind", "kind: Policy", "kind: Polizei"],
  ["an unknown field", "  route: on-call", "  rout: on-call"],
  ["a missing name", "- name: r\n", "-\n"],
  ["a bad name", "name: r\n", "name: R_1\n"],
  ["an unknown decision", "decision: hold", "decision: maybe"],
  ["an unknown gate", "duplicate:", "duplicates:"],
  ["a missing parameter", "per: 30m, ", ""],
  ["a bad duration", "30m", "30 minutes"],
  ["an unknown key", "[kind]", "[kindd]"],
  ["a key twice", "[kind]", "[kind, kind]"],
  ["no actions", "['*']", "[]"],
  ["a bad action", "'*'", "'page*'"],
  ["a condition that is no text", "incident.known", "12"],
  ["a window of a route", "15m", "15"],
  ["a route without steps", "[{ roles: [on-call], within: 15m }]", "[]"],
];

test("the schema accepts the sound example that the broken ones start from", () => {
  assert.ok(isValid(SOUND));
  assert.deepEqual(loadBundle([{ path: "a", text: SOUND }]).problems, []);
});

for (const [what, from, to] of BROKEN) {
  test(`schema and loader both refuse ${what}`, () => {
    const text = SOUND.replace(from, to);
    assert.notEqual(text, SOUND);
    assert.equal(isValid(text), false);
    assert.equal(loadBundle([{ path: "a", text }]).bundle, null);
  });
}

test("the examples of the manual load and pass", () => {
  const manual = readFileSync(new URL("../../docs/policy.md", import.meta.url), "utf8");
  const blocks = [...manual.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1] as string);
  assert.equal(blocks.length, 10);
  const [policy = "", route = "", quorum = "", calendar = "", ...more] = blocks;
  const [catalog = "", memory = "", level = "", ladder = "", cases = "", verification = ""] = more;
  for (const text of [quorum, calendar, level, catalog, memory, ladder, verification])
    assert.ok(isValid(text), JSON.stringify(validate.errors));
  const bundle = mustLoad([
    { path: "policy.yaml", text: policy },
    { path: "route.yaml", text: route },
    { path: "quorum.yaml", text: quorum },
    { path: "ladder.yaml", text: ladder },
    { path: "verification.yaml", text: verification },
    { path: "level.yaml", text: level },
    { path: "catalog.yaml", text: catalog },
    { path: "calendar.yaml", text: calendar },
    { path: "memory.yaml", text: memory },
  ]);
  const { results, problems } = runPolicyTests(bundle, [{ path: "cases.yaml", text: cases }]);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    results.map((result) => result.difference),
    [""],
  );
});
