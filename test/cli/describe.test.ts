// Runs and incidents in words: what is missing, and what is still to come, with what to do about it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { answerCard, describeAction } from "../../src/cli/describe-action.ts";
import { describeIncident, describeRun } from "../../src/cli/describe-triage.ts";
import { Fields } from "../../src/cli/fields.ts";
import type { JsonObject } from "../../src/core/json.ts";

const RESOLVE = { id: "act_2", kind: "pagerduty.resolve", dryRun: false };

function incidentWith(pageClosing: JsonObject | null): string {
  return describeIncident(new Fields({ id: "inc_1", status: "resolved", paged: true, pageClosing }));
}

test("an incident tells whether its page is closed, and what happens when it is not", () => {
  for (const [status, code, words] of [
    ["succeeded", null, /Page closed +yes, act_2\n/],
    ["refused", "paused", /not yet, act_2: refused \(paused\); done when the brake is lifted/],
    ["expired", "grant-timeout", /not yet, act_2: expired \(grant-timeout\); tried again by itself/],
    ["executing", null, /not yet, act_2: executing\n/],
    ["needs-attention", "page-open", /not yet, act_2: needs-attention \(page-open\); close it at the pager by hand/],
  ] as const) {
    assert.match(incidentWith({ ...RESOLVE, status, code }), words);
  }
  assert.match(incidentWith({ ...RESOLVE, status: "succeeded", code: "dry-run", dryRun: true }), /not yet.*brake/);
  assert.doesNotMatch(incidentWith(null), /Page closed/);
});

test("a run whose actions no executor offers says what to configure", () => {
  const actions = [
    { id: "act_1", kind: "pagerduty.trigger", status: "refused", code: "executor-missing", dryRun: false },
    { id: "act_2", kind: "servicenow.incident.create", status: "held", code: null, dryRun: false },
  ];
  const text = describeRun(new Fields({ id: "run_1", status: "classified", verdict: "refused", actions }));
  assert.match(text, /act_1 +refused \(executor-missing\) +pagerduty\.trigger/);
  assert.match(text, /pagerduty\.trigger needs executors\.pagerduty in holdpoint\.yaml \(docs\/executors\.md\)/);
  assert.doesNotMatch(text, /executors\.servicenow/);
});

test("a run tells what was said, by whom and for how many tokens, to those who may read it", () => {
  const classifier = { provider: "local", model: "llama", modelVersion: "llama-3", promptHash: "p", answerHash: "a" };
  const run = { id: "run_1", status: "classified", verdict: "paged", actions: [] };
  const content = { answer: "{}", reasoning: "\u202eMany requests fail.", passedOver: [{ code: "timeout" }] };
  const counted = { ...classifier, inputTokens: 321, outputTokens: 45 };
  const told = describeRun(new Fields({ ...run, classifier: counted, content }));
  assert.match(told, /Classifier +local\/llama llama-3\n/);
  assert.match(told, /Tokens +321 in, 45 out\n/);
  assert.match(told, /Said[^]*Many requests fail\.[^]*timeout/);
  assert.ok(!told.includes("\u202e"), "what reorders text is escaped");
  assert.doesNotMatch(describeRun(new Fields({ ...run, classifier })), /Tokens|Said/);
});

test("an incident names its services as words", () => {
  const text = describeIncident(new Fields({ id: "inc_1", environment: "production", services: ["cart", "search"] }));
  assert.match(text, /^Where +production \/ cart, search$/m);
});

test("an incident tells what was measured that joined it with another", () => {
  const related = [{ incident: "inc_2", cause: "db", effect: "cart", lowPpm: 312_345, modelVersion: 7 }];
  const text = describeIncident(new Fields({ id: "inc_1", services: ["db", "cart"], related }));
  assert.match(
    text,
    /Of one cause\n {2}cart fails for at least 31\.2 % of its requests when db does: joined with inc_2/,
  );
});

test("whoever answers sees what the action rests on and what it puts at stake, or why nobody can say", () => {
  const part = (low: number, mid: number, high: number): JsonObject => ({ low, mid, high });
  const prediction = {
    code: "",
    target: "service:production:cart",
    modelVersion: 9,
    staleS: 7_200,
    isStale: true,
    share: part(0, 12_345, 50_000),
    exposure: part(10_000, 60_000, 90_000),
    calibration: { outcomes: 20, within: 18 },
    entries: 2,
    services: 3,
    unknown: 1,
    zone: "shop",
    crosses: ["payments"],
    crossed: 1,
  };
  const content = { evidence: [{ kind: "incident", id: "inc_1" }], context: { thought: "\u202epool" } };
  const action = { id: "act_1", status: "held", confidencePpm: 900_000, prediction, content };
  const card = (of: JsonObject): string => answerCard(new Fields({ ...action, ...of }), 0);
  const told = card({});
  assert.match(told, /Evidence\n {2}Rests on +incident inc_1\n {2}Confidence +0\.9, as/);
  assert.match(told, /Predicted +1\.2% \(0\.0% to 5\.0%\) of all requests/);
  assert.match(told, /At stake +6\.0% \(1\.0% to 9\.0%\) if everything that needs it fails: 2 entries, 3 services/);
  assert.match(told, /Reaches +beyond trust zone shop: payments/);
  assert.match(told, /Doubts +telemetry is .* old; 1 use on the way never measured/);
  assert.match(told, /Record +18 of 20 of its kind/);
  assert.ok(!told.includes("\u202e"), "what reorders text is escaped");
  assert.match(card({ prediction: { ...prediction, code: "target-unknown" } }), /nothing \(target-unknown\): anything/);
  const impact = { outcome: "measured", actual: part(0, 800_000, 900_000) };
  assert.match(card({ impact }), /Measured +80\.0% \(0\.0% to 90\.0%\) \(measured\)/);
  assert.doesNotMatch(card({ prediction: null, content: null, confidencePpm: null }), /Blast radius|Evidence\n/);
  const operand = '{"agent":"agent:a","expiresAt":1795897529615,"kinds":["record.note"],"services":null}';
  assert.match(
    card({ kind: "grant.create", operand }),
    /Acts on +agent agent:a\n +expiresAt 2026-11-28.*\n +kinds record/,
  );
});

test("an action tells what its step did, as far as that can be read, and no check that nobody made", () => {
  const action = { id: "act_1", status: "failed", code: "program-failed", endedAt: 9, stepEnd: { seq: 7 } };
  const told = (of: JsonObject): string => describeAction(new Fields({ ...action, ...of }), 0);
  const detail = { exit: 3, output: "no disk\n\u202eleft\u001b[2J\n" };
  const seen = told({ content: { outcome: { seq: 7, reference: "clean:act_1", detail } } });
  assert.match(seen, /\nWhat it did\n {2}reference: clean:act_1\n {2}detail:\n {4}exit: 3\n {4}output: .*no disk/);
  assert.doesNotMatch(seen.replaceAll("\n", ""), /[\p{C}\p{Zl}\p{Zp}]/u);
  const failed = told({ content: { outcome: { seq: 7, reference: null, detail: { status: 422 } } } });
  assert.match(failed, /\nWhat it did\n {2}detail:\n {4}status: 422\n/);
  assert.doesNotMatch(failed, /reference/);
  assert.match(told({ content: { missing: "payload-erased" } }), /\nWhat it did\n {2}not readable: payload-erased\n/);
  for (const nothing of [{}, { content: { outcome: { seq: 7, reference: null, detail: null } } }])
    assert.doesNotMatch(told(nothing), /What it did/);
  const verification = { name: "orders", samples: 0, passes: 0, needed: 2, failed: [] };
  assert.doesNotMatch(told({ verification }), /Checked/);
  assert.match(told({ verification, endedAt: null }), /Checked +by orders: 0 of 2 passes/);
  assert.match(told({ verification: { ...verification, samples: 1 } }), /Checked +by orders/);
});
