// The rules classifier: what the shipped rules answer, how rules match, and what a broken file says.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { createRulesClassifier } from "../../src/adapters/classifiers/rules.ts";
import { isAppError } from "../../src/core/errors.ts";
import { checkClassification } from "../../src/signals/check-classification.ts";
import type { Classification } from "../../src/wire/types/classification.ts";
import type { Signal } from "../../src/wire/types/signal.ts";

const shipped = readFileSync(join(import.meta.dirname, "../../policies/classifier-rules.yaml"), "utf8");
const teams = ["platform", "sre"];
const base: Signal = {
  source: "alertmanager",
  detector: "prometheus:HighErrorRate",
  status: "firing",
  environment: "production",
  service: "cart",
  component: null,
  signature: "0".repeat(64),
  failure: "1".repeat(64),
  deliveryKey: `${"0".repeat(64)}:firing`,
  claimedSeverity: "high",
  impactEstimate: null,
  correlationIds: [],
  startedAt: 0,
  endedAt: null,
  title: "HighErrorRate: 5 % of requests fail",
  summary: "",
  labels: { alertname: "HighErrorRate", team: "sre" },
  pointers: [],
  redactions: 0,
};

async function classify(text: string, ...signals: Partial<Signal>[]): Promise<Classification> {
  const classifier = createRulesClassifier(text, { teams });
  const { answer } = await classifier.classify(
    signals.map((signal) => ({ ...base, ...signal })),
    new AbortController().signal,
  );
  const checked = checkClassification(answer, { teams });
  assert.ok(checked.ok, JSON.stringify(answer));
  return checked.classification;
}

function summaryOf(answer: Classification): string {
  const asked = [answer.requires_ticket && "ticket", answer.requires_paging && "page", answer.requires_mim && "mim"];
  return [answer.classification, answer.confidence, ...asked.filter(Boolean)].join(" ");
}

const rulesFile = (rules: string, otherwise = "{ classification: low, confidence: 0.5 }"): string =>
  [
    "apiVersion: holdpoint.dev/v1",
    "kind: ClassifierRules",
    'metadata: { name: trial, version: "7" }',
    "spec:",
    `  rules: ${rules}`,
    `  otherwise: ${otherwise}`,
  ].join("\n");

test("the shipped rules give typical alerts sensible classes", async () => {
  const cases: [Partial<Signal>, string][] = [
    [{}, "high 0.9 ticket page"],
    [{ claimedSeverity: "sev1" }, "sev1 0.9 ticket page mim"],
    [{ impactEstimate: 0.5 }, "sev1 0.85 ticket page mim"],
    [{ impactEstimate: 0.49 }, "high 0.9 ticket page"],
    [{ claimedSeverity: "medium" }, "medium 0.8 ticket"],
    [{ claimedSeverity: "low" }, "low 0.9"],
    [{ claimedSeverity: "none" }, "medium 0.5 ticket"],
    [{ environment: "staging" }, "medium 0.8 ticket"],
    [{ environment: "staging", claimedSeverity: "sev1" }, "medium 0.8 ticket"],
    [{ environment: "staging", claimedSeverity: "medium" }, "low 0.8"],
    [{ environment: "staging", claimedSeverity: "none" }, "medium 0.5 ticket"],
    [{ status: "resolved" }, "low 0.9"],
    [{ labels: { alertname: "Watchdog" }, claimedSeverity: "none" }, "low 0.95"],
  ];
  for (const [signal, expected] of cases) {
    assert.equal(summaryOf(await classify(shipped, signal)), expected, JSON.stringify(signal));
  }
});

test("of several signals the most serious answer counts, and resolved ones only when all are", async () => {
  const low: Partial<Signal> = { claimedSeverity: "low" };
  assert.equal(summaryOf(await classify(shipped, low, {}, low)), "high 0.9 ticket page");
  assert.equal(summaryOf(await classify(shipped, low, { status: "resolved" })), "low 0.9");
  assert.equal(
    summaryOf(await classify(shipped, { status: "resolved" }, { claimedSeverity: "none" })),
    "medium 0.5 ticket",
  );
  await assert.rejects(classify(shipped), (error) => isAppError(error, "request-invalid"));
});

test("a label recommends a configured team; any other name recommends the default one", async () => {
  const teamFor = async (labels: Record<string, string>): Promise<string> =>
    (await classify(shipped, { labels })).recommended_team;
  assert.equal(await teamFor({ team: "sre" }), "sre");
  assert.equal(await teamFor({ team: "attackers" }), "platform");
  assert.equal(await teamFor({}), "platform");
  assert.equal(await teamFor(JSON.parse('{"__proto__":"x"}') as Record<string, string>), "platform");
});

test("every condition of a rule must hold, and the first rule that matches answers", async () => {
  const text = rulesFile(
    `[{ name: a, when: { title: ["*disk*full*", "boom"], service: [cart], labels: { team: [sre] } },
       answer: { classification: medium, confidence: 0.6, team: sre } },
      { name: b, when: { source: [alertmanager] }, answer: { classification: medium, confidence: 0.7 } }]`,
  );
  const confidence = async (signal: Partial<Signal>): Promise<number> => (await classify(text, signal)).confidence;
  assert.equal(await confidence({ title: "The DISK is almost Full now" }), 0.6);
  assert.equal(await confidence({ title: "boom" }), 0.6);
  assert.equal(await confidence({ title: "boom!" }), 0.7);
  assert.equal(await confidence({ title: "full disk" }), 0.7);
  assert.equal(await confidence({ title: "boom", service: "checkout" }), 0.7);
  assert.equal(await confidence({ title: "boom", labels: {} }), 0.7);
  assert.equal(await confidence({ source: "other" }), 0.5);
});

test("a pattern with stars matches exactly as a regular expression would", async () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "*"), minLength: 1, maxLength: 7 });
  const title = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 9 });
  await fc.assert(
    fc.asyncProperty(letters, title, async (pattern, sought) => {
      const text = rulesFile(
        `[{ name: a, when: { title: ["${pattern}"] }, answer: { classification: low, confidence: 1 } }]`,
      );
      const expected = new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(sought);
      assert.equal((await classify(text, { title: sought })).confidence === 1, expected, `${pattern} on ${sought}`);
    }),
    { numRuns: 300 },
  );
});

test("the identity names the file by its hash, and the same text answers the same", async () => {
  const { identity } = createRulesClassifier(shipped, { teams });
  assert.deepEqual(identity, {
    provider: "rules",
    model: "standard",
    version: "1",
    promptHash: hash("sha256", shipped),
  });
  assert.deepEqual(await classify(shipped, {}), await classify(shipped, {}));
});

test("an aborted request is rejected", async () => {
  const classifier = createRulesClassifier(shipped, { teams });
  await assert.rejects(classifier.classify([base], AbortSignal.abort(new Error("late"))), /late/);
});

test("files that do not load say where, and contradictory or unknown answers never load", () => {
  const answer = (text: string): string => rulesFile("[]", text);
  const broken: [string, RegExp][] = [
    ["{", /at \d+:\d+/],
    ["", /classifier rules/],
    ["a: &a [x]\nb: [*a, *a]", /classifier rules/],
    [
      rulesFile("[{ name: a, when: {}, answer: { classification: huge, confidence: 1 } }]"),
      /at 5:\d+: spec\.rules\.0\.answer/,
    ],
    [rulesFile("[{ name: a, when: { colour: red }, answer: { classification: low, confidence: 1 } }]"), /at 5:/],
    [answer("{ classification: low, confidence: 1.2 }"), /at 6:.*confidence/],
    [answer("{ classification: low, confidence: .nan }"), /confidence/],
    [answer("{ classification: low, confidence: 1, page: true }"), /low does not page/],
    [answer("{ classification: sev1, confidence: 1 }"), /sev1 pages/],
    [answer("{ classification: high, confidence: 1 }"), /high asks for a response/],
    [answer("{ classification: high, confidence: 1, page: true, mim: true }"), /mim is for sev1/],
    [answer("{ classification: low, confidence: 1, team: nobody }"), /at 6:.*nobody is no configured team/],
    [`${rulesFile("[]")}\n# ${"x".repeat(300_000)}`, /256 KiB/],
  ];
  for (const [text, message] of broken) {
    assert.throws(
      () => createRulesClassifier(text, { teams }),
      (error) => isAppError(error, "config-invalid") && message.test(error.message),
      text.slice(0, 300),
    );
  }
  assert.throws(() => createRulesClassifier(shipped, { teams: [] }), /no teams/);
});
