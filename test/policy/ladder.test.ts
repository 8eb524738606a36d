// The ladder file: what loads, what does not and why, what the linter says of it, and the exact lists of the shipped one.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parseAllDocuments } from "yaml";
import { lintBundle } from "../../src/policy/lint.ts";
import { loadBundle } from "../../src/policy/load.ts";
import { STAGES } from "../../src/wire/types/stage.ts";
import { GRADES, isListed, KINDS } from "../kernel/stage-lists.ts";
import { loadPack, mustLoad, packFiles, policyText, readSchema } from "./pack.ts";

const SHIPPED = packFiles().find(({ path }) => path === "ladder.yaml")?.text ?? "";
const REST = packFiles().filter(({ path }) => path !== "ladder.yaml");
const validate = new Ajv2020({ allErrors: false, strict: false }).compile(readSchema());

function changed(from: string | RegExp, to: string): string {
  const text = SHIPPED.replace(from, to);
  assert.notEqual(text, SHIPPED);
  return text;
}

function findings(text: string): readonly string[] {
  return lintBundle(mustLoad([...REST, { path: "ladder.yaml", text }])).map(
    ({ code, subject }) => `${code} ${subject}`,
  );
}

describe("the shipped ladder", () => {
  it("permits exactly the list of each stage, over kinds and severities", () => {
    const { ladder } = loadPack();
    assert.ok(ladder !== null);
    for (const stage of STAGES) {
      for (const kind of KINDS) {
        for (const severity of GRADES) {
          const what = `${stage}: ${kind} at ${severity}`;
          assert.equal(ladder.permits(stage, { kind, severity }), isListed(stage, kind, severity), what);
        }
      }
    }
  });
});

// Each change breaks the file; loader and schema must both say so.
const BROKEN: readonly (readonly [string, string | RegExp, string, RegExp])[] = [
  ["a stage that is missing", /    - name: assist\n/, "", /in this order/],
  ["stages in another order", /name: shadow\n    - name: assist/, "name: assist\n    - name: shadow", /one of shadow/],
  ["a stage of its own", "name: mim-automation", "name: everything", /one of mim-automation/],
  [
    "a list in shadow",
    "name: shadow\n",
    "name: shadow\n      permits: [{ actions: ['*'] }]\n",
    /shadow permits nothing/,
  ],
  [
    "a list in assist",
    "name: assist\n",
    "name: assist\n      permits: [{ actions: ['*'] }]\n",
    /assist permits nothing/,
  ],
  ["a stage without its list", /name: mim-automation\n[^]*$/, "name: mim-automation\n", /`permits` is missing/],
  ["an unknown severity", "maxSeverity: medium", "maxSeverity: sev0", /one of low/],
  ["another agent", "agent: system:triage", "agent: agent:one", /one of system:triage/],
  ["a kind that is none", "incident.declare-major", "incident declare", /an action kind/],
  ["no route", /  route: on-call\n/, "", /`route` is missing/],
];

describe("a ladder", () => {
  for (const [what, from, to, message] of BROKEN) {
    it(`with ${what} does not load`, () => {
      const text = changed(from, to);
      const { bundle, problems } = loadBundle([...REST, { path: "ladder.yaml", text }]);
      assert.equal(bundle, null);
      assert.match(problems[0]?.message ?? "", message);
      assert.equal(problems[0]?.path, "ladder.yaml");
      assert.equal(
        parseAllDocuments(text).every((document) => validate(document.toJS())),
        false,
        "the schema too",
      );
    });
  }

  it("names a route that exists, and there is one of it", () => {
    const astray = changed("route: on-call", "route: nowhere");
    assert.match(
      loadBundle([...REST, { path: "ladder.yaml", text: astray }]).problems[0]?.message ?? "",
      /unknown route/,
    );
    const twice = [...packFiles(), { path: "second.yaml", text: SHIPPED }];
    assert.match(loadBundle(twice).problems[0]?.message ?? "", /a second ladder/);
  });

  it("that takes away what the stage below permits is found", () => {
    const text = changed(
      "[servicenow.incident.create, servicenow.incident.update] }",
      "[servicenow.incident.update] }",
    );
    assert.deepEqual(findings(text), ["ladder-narrows controlled-paging"]);
  });

  it("that permits what no policy is about is found", () => {
    assert.deepEqual(findings(changed("[incident.declare-major]", "[incident.declare-major, database.drop]")), [
      "permit-unused database.drop",
    ]);
  });

  it("that is missing is found where policies are about triage, and only there", () => {
    const codes = (files: Parameters<typeof mustLoad>[0]): readonly string[] =>
      lintBundle(mustLoad(files)).map(({ code }) => code);
    assert.deepEqual(codes(REST), ["ladder-missing"]);
    assert.deepEqual(codes([{ path: "p.yaml", text: policyText("- { name: r, decision: hold }") }]), []);
  });
});
