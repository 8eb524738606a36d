// The classification contract: what a classifier may answer, and that nothing else gets through.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { checkClassification } from "../../src/signals/check-classification.ts";
import { CLASSIFICATION_JSON_SCHEMA } from "../../src/wire/schemas/classification.ts";

const teams = ["on-call", "payments"];
const good = {
  classification: "high",
  confidence: 0.9,
  requires_ticket: true,
  requires_paging: true,
  requires_mim: false,
  recommended_team: "on-call",
};

function problems(answer: unknown): readonly string[] {
  const checked = checkClassification(answer, { teams });
  return checked.ok ? [] : checked.problems;
}

test("a complete and consistent answer is accepted as it is", () => {
  assert.deepEqual(checkClassification(good, { teams }), { ok: true, classification: good });
  assert.deepEqual(problems({ ...good, classification: "sev1", requires_mim: true }), []);
  assert.deepEqual(problems({ ...good, classification: "sev1" }), []);
  assert.deepEqual(problems({ ...good, classification: "medium", requires_ticket: false }), []);
  assert.deepEqual(problems({ ...good, classification: "low", requires_paging: false, confidence: 0 }), []);
  assert.deepEqual(problems({ ...good, confidence: 1 }), []);
});

test("each malformed field is named", () => {
  assert.deepEqual(problems({ ...good, confidence: Number.NaN }), ["confidence-invalid"]);
  assert.deepEqual(problems({ ...good, confidence: -0.01 }), ["confidence-invalid"]);
  assert.deepEqual(problems({ ...good, confidence: 1.0000001 }), ["confidence-invalid"]);
  assert.deepEqual(problems({ ...good, confidence: Infinity }), ["confidence-invalid"]);
  assert.deepEqual(problems({ ...good, confidence: "0.9" }), ["confidence-invalid"]);
  assert.deepEqual(problems({ ...good, confidence: 1n }), ["confidence-invalid"]);
  assert.deepEqual(problems({ ...good, classification: "High" }), ["classification-invalid"]);
  assert.deepEqual(problems({ ...good, classification: ["high"] }), ["classification-invalid"]);
  assert.deepEqual(problems({ ...good, requires_ticket: "true" }), ["requires_ticket-invalid"]);
  assert.deepEqual(problems({ ...good, requires_paging: 1 }), ["requires_paging-invalid"]);
  assert.deepEqual(problems({ ...good, requires_mim: null }), ["requires_mim-invalid"]);
  assert.deepEqual(problems({ ...good, recommended_team: "" }), ["recommended_team-invalid"]);
  assert.deepEqual(problems({ ...good, recommended_team: "x".repeat(65) }), ["recommended_team-invalid"]);
  assert.deepEqual(problems({ ...good, action: "delete everything" }), ["unknown-fields"]);
  assert.equal(problems({}).length, 6);
});

test("what is not an object is no answer, even when its text would be one", () => {
  for (const answer of [undefined, null, "", JSON.stringify(good), 7, [], [good], () => good, Symbol("x")]) {
    assert.ok(problems(answer).length > 0);
  }
  const throwing = Object.defineProperty({ ...good }, "confidence", {
    enumerable: true,
    get: () => {
      throw new Error("boo");
    },
  });
  assert.deepEqual(problems(throwing), ["not-an-object"]);
});

test("contradictions and unknown teams are refused", () => {
  assert.deepEqual(problems({ ...good, requires_mim: true }), ["mim-without-sev1"]);
  assert.deepEqual(problems({ ...good, classification: "sev1", requires_paging: false }), ["sev1-without-paging"]);
  assert.deepEqual(problems({ ...good, classification: "sev1", requires_paging: false, requires_mim: true }), [
    "mim-without-paging",
    "sev1-without-paging",
  ]);
  assert.deepEqual(problems({ ...good, classification: "low" }), ["paging-for-low"]);
  assert.deepEqual(problems({ ...good, requires_paging: false, requires_ticket: false }), ["high-without-response"]);
  assert.deepEqual(problems({ ...good, recommended_team: "On-Call" }), ["team-unknown"]);
  assert.deepEqual(problems({ ...good, recommended_team: "on-call " }), ["team-unknown"]);
});

test("a negative zero comes out as zero, which canonical JSON can write", () => {
  const checked = checkClassification({ ...good, confidence: -0 }, { teams });
  assert.ok(checked.ok && Object.is(checked.classification.confidence, 0));
});

/** Written apart from the code it judges: every condition of the contract, by hand. */
function mayBeAccepted(answer: unknown): boolean {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) return false;
  const a = answer as Record<string, unknown>;
  if (Object.keys(a).sort().join() !== Object.keys(good).sort().join()) return false;
  const rank = ["low", "medium", "high", "sev1"].indexOf(a["classification"] as string);
  if (typeof a["classification"] !== "string" || rank < 0) return false;
  if (typeof a["confidence"] !== "number" || !(a["confidence"] >= 0 && a["confidence"] <= 1)) return false;
  const [ticket, page, mim] = [a["requires_ticket"], a["requires_paging"], a["requires_mim"]];
  if ([ticket, page, mim].some((flag) => flag !== true && flag !== false)) return false;
  if (typeof a["recommended_team"] !== "string" || !teams.includes(a["recommended_team"])) return false;
  if (mim === true && (rank !== 3 || page !== true)) return false;
  if (rank === 3 && page !== true) return false;
  if (rank === 0 && page === true) return false;
  return !(rank === 2 && page !== true && ticket !== true);
}

const absurd = fc.oneof(
  fc.constantFrom<unknown>(Number.NaN, -1, -0, 1e308, Infinity, "0.9", "sev1", "", null, undefined, true, {}, []),
  fc.jsonValue({ maxDepth: 4 }),
  fc.anything(),
);
const nearMiss = fc
  .record({
    classification: fc.oneof({ weight: 9, arbitrary: fc.constantFrom("low", "medium", "high", "sev1") }, absurd),
    confidence: fc.oneof({ weight: 9, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) }, absurd),
    requires_ticket: fc.oneof({ weight: 9, arbitrary: fc.boolean() }, absurd),
    requires_paging: fc.oneof({ weight: 9, arbitrary: fc.boolean() }, absurd),
    requires_mim: fc.oneof({ weight: 9, arbitrary: fc.boolean() }, absurd),
    recommended_team: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...teams) }, absurd),
  })
  .chain((answer) =>
    fc.oneof(
      { weight: 6, arbitrary: fc.constant<unknown>(answer) },
      { weight: 1, arbitrary: fc.constant<unknown>({ ...answer, extra: 1 }) },
      { weight: 1, arbitrary: fc.constant<unknown>([answer]) },
      { weight: 1, arbitrary: fc.constant<unknown>(JSON.stringify(good)) },
    ),
  );

test("of thousands of hostile answers none is accepted that an independent check would not accept", () => {
  let accepted = 0;
  let refused = 0;
  fc.assert(
    fc.property(fc.oneof({ weight: 3, arbitrary: nearMiss }, absurd), (answer) => {
      const { ok } = checkClassification(answer, { teams });
      assert.equal(ok, mayBeAccepted(answer));
      if (ok) accepted++;
      else refused++;
    }),
    { numRuns: 2500 },
  );
  assert.ok(accepted > 50 && refused > 1000, `saw both: ${accepted} accepted, ${refused} refused`);
});

test("the published JSON Schema judges the shape as the code does", () => {
  const validate = new Ajv2020({ strict: false }).compile(CLASSIFICATION_JSON_SCHEMA);
  fc.assert(
    fc.property(nearMiss, (answer) => {
      const shape = problems(answer).filter((p) => p === "not-an-object" || /-invalid$|-fields$/.test(p));
      const json = JSON.stringify(answer) as string | undefined;
      if (json === undefined || !sameAfterJson(answer)) return;
      assert.equal(validate(JSON.parse(json)), shape.length === 0, json);
    }),
    { numRuns: 500 },
  );
});

function sameAfterJson(answer: unknown): boolean {
  try {
    assert.deepStrictEqual(JSON.parse(JSON.stringify(answer)), answer);
    return true;
  } catch {
    return false;
  }
}
