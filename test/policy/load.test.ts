// What loads and what does not, and where the loader says the mistake is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadBundle } from "../../src/policy/load.ts";
import { allowWhen, factsWith, mustLoad, NO_COUNTERS, packFiles, policyText, problemsOf } from "./pack.ts";

function firstProblem(text: string): string {
  const [problem] = problemsOf(text);
  return problem === undefined ? "loads" : `${problem.line}:${problem.column} ${problem.message}`;
}

// Condition → what is wrong with it, and at which character of it (from 1).
const REFUSED_CONDITIONS: readonly (readonly [string, number, RegExp])[] = [
  ["incidnet.known", 1, /unknown name `incidnet`/],
  ["true && action.kin == 'x'", 15, /unknown name `action.kin`/],
  ["action.kind.size", 12, /string has no field/],
  ["classification.severity >= 'high'", 25, /does not take int and string/],
  ["classification.confidence >= 1", 27, /write whole doubles as `1.0`/],
  ["classification.severity == 2u", 25, /does not take int and uint/],
  ["action == action", 1, /a group of names, not a value/],
  ["action.kind", 1, /a condition is bool, not string/],
  ["incident.known && 1", 19, /`&&` takes bool, not int/],
  ["incident.known &&", 16, /expecting/],
  ["signals.exists(s, s.confidence > 1)", 20, /unknown name `confidence` of signal/],
  ["action.kind.lowerAscii() == 'x'", 12, /unknown or unsupported function `lowerAscii`/],
  ["dyn(1) == 1", 1, /unknown or unsupported function `dyn`/],
  ["null == null", 1, /literal is not supported/],
  ["action.kind.matches(action.service)", 27, /must be a constant/],
  ["action.kind.matches('(a')", 21, /pattern is not supported/],
  ["action.kind.matches('a\\\\b')", 21, /pattern is not supported/],
  [`${"signals.exists(s, ".repeat(5)}incident.known)))))`, 80, /visit too many items/],
  ["now.getHours('Europe/Zurich') > 8", 14, /only `UTC` and fixed offsets/],
  ["9223372036854775808 > classification.severity", 1, /64 bits/],
  ["incident.known || 1 / 0 > 0", 20, /always fails: divide-by-zero/],
  ["now > timestamp('2026-02-30T00:00:00Z')", 7, /always fails: conversion/],
  ["action.kind in ['a', 1]", 22, /must be of one type/],
  ["{'a': 1, 'a': 2}['a'] == 1", 0, /always fails: duplicate-key/],
];

for (const [condition, column, message] of REFUSED_CONDITIONS) {
  test(`the condition ${condition} does not load`, () => {
    const lines = policyText(
      `- name: r\n  when: ${condition.includes("': ") ? `"${condition}"` : condition}\n  decision: allow`,
    );
    const [problem] = problemsOf(lines);
    assert.ok(problem, "it loaded");
    assert.match(problem.message, message);
    assert.equal(problem.line, 9);
    const start = "      when: ".length + (condition.includes("': ") ? 1 : 0);
    assert.equal(problem.column, start + column);
  });
}

const IMPOSSIBLE = [
  "false",
  "incident.known && !incident.known",
  "classification.confidence > 0.9 && classification.confidence < 0.5",
  "classification.confidence > 1.0",
  "classification.confidence < 0.0",
  "classification.severity > severity.sev1",
  "classification.severity > 1 && classification.severity < 2",
  "classification.severity != 0 && classification.severity != 1 && classification.severity > 0 && classification.severity < 2",
  "agent.kind == 'robot'",
  "!(agent.kind in ['agent', 'person', 'system'])",
  "action.environment == 'prod'",
  "action.environment == 'Production'",
  "action.environment in ['prod', 'live']",
  "action.service == 'a' && action.service == 'b'",
  "action.service == 'cart' && action.service.startsWith('x')",
  "signals.size() < 0",
  "size(signals) == 1 && size(signals) > 1",
  "now < timestamp('2026-01-01T00:00:00Z') && now > timestamp('2027-01-01T00:00:00Z')",
  "incident.known ? false : incident.known",
  "(action.service == 'a' || action.service == 'b') && action.service == 'c'",
  "incident.known == true && incident.known == false",
];

for (const condition of IMPOSSIBLE) {
  test(`a rule that can never match does not load: ${condition}`, () => {
    assert.match(firstProblem(allowWhen(condition)), /^9:13 this condition can never be true$/);
  });
}

test("a condition is impossible against its policy's match too", () => {
  const staging = "{ actions: [record.*], environments: [staging], services: [cart] }";
  for (const condition of [
    "action.environment == 'production'",
    "action.kind == 'page.send'",
    "action.service == 'x'",
  ]) {
    assert.match(firstProblem(allowWhen(condition, staging)), /can never be true/, condition);
  }
  assert.equal(firstProblem(allowWhen("action.kind == 'record.note' && action.service == 'cart'", staging)), "loads");
});

test("what is merely unlikely loads", () => {
  for (const condition of [
    "classification.confidence >= 1.0",
    "classification.severity > 1 && classification.severity < 3",
    "signals.exists(s, s.derived) && signals.all(s, !s.derived) == false",
    "classification.confidence * 2.0 > 5.0",
    "!(classification.confidence < 0.0 / 0.0)",
  ]) {
    const { problems } = loadBundle([{ path: "a", text: allowWhen(condition) }]);
    // Parts that can only fail are refused as such; 0.0 / 0.0 is a number, if not a useful one.
    assert.deepEqual(problems, [], condition);
  }
});

const BROKEN: readonly (readonly [string, string, string, RegExp])[] = [
  ["an alias of an environment in match", "['*'] }", "['*'], environments: [Prod] }", /called `production`/],
  [
    "a hold on a route that does not exist",
    "decision: hold",
    "decision: hold\n      route: nobody",
    /unknown route `nobody`/,
  ],
  ["a hold without any route", "  route: on-call\n", "", /a hold needs a route/],
  ["a default route that does not exist", "  route: on-call\n", "  route: nobody\n", /unknown route/],
  ["the same key twice", "decision: hold", "decision: hold\n      decision: allow", /unique/i],
  ["an alias", "decision: hold", "decision: &d hold", /anchors and aliases/],
  ["a tag", "decision: hold", "decision: !x hold", /tag/i],
  [
    "a second rule of the same name",
    "decision: hold",
    "decision: hold\n    - { name: r, decision: allow }",
    /second rule/,
  ],
  [
    "gates on a refusal",
    "decision: hold",
    "decision: refuse\n      gates: [{ independentSignals: { min: 2 } }]",
    /needs no gates/,
  ],
  ["a route on a rule that never holds", "decision: hold", "decision: allow\n      route: on-call", /never holds/],
  [
    "one gate twice",
    "decision: hold",
    "decision: hold\n      gates: [{ duplicate: { per: 1m, by: [kind] } }, { duplicate: { per: 2m, by: [kind] } }]",
    /same gate twice/,
  ],
  [
    "a route for a gate that refuses",
    "decision: hold",
    "decision: hold\n      gates: [{ independentSignals: { min: 2, route: on-call } }]",
    /needs `onFail: hold`/,
  ],
  [
    "a blast radius without a bound",
    "decision: hold",
    "decision: hold\n      gates: [{ blastRadius: { onUnknown: hold } }]",
    /needs maxTrafficShare or maxPercentileOfPast/,
  ],
  [
    "a share that is more than all",
    "decision: hold",
    "decision: hold\n      gates: [{ blastRadius: { maxTrafficShare: 1.5 } }]",
    /from 0 to 1/,
  ],
  [
    "a route for what is refused, known or not",
    "decision: hold",
    "decision: hold\n      gates: [{ blastRadius: { maxTrafficShare: 0.1, onUnknown: refuse, route: on-call } }]",
    /needs `onFail: hold`/,
  ],
  [
    "a zone twice",
    "decision: hold",
    "decision: hold\n      gates: [{ networkBoundary: { zones: [pci, pci] } }]",
    /twice/,
  ],
  [
    "waiting and failing at once",
    "decision: hold",
    "decision: hold\n      gates: [{ concurrency: { max: 1, per: service, wait: 1m, onFail: hold } }]",
    /says nothing beside `wait`/,
  ],
  [
    "an unknown service",
    "decision: hold",
    "decision: hold\n      gates: [{ concurrency: { max: 1, per: service, onUnknown: hold } }]",
    /is about neighbourhoods/,
  ],
  [
    "a rehearsal that nobody remembers",
    "decision: hold",
    "decision: hold\n      gates: [{ rehearsed: { in: staging, within: 31d } }]",
    /at most 30d/,
  ],
  [
    "none at once",
    "decision: hold",
    "decision: hold\n      gates: [{ concurrency: { max: 0, per: service } }]",
    /from 1 to 64|at least 1/,
  ],
  [
    "`all` with another key",
    "decision: hold",
    "decision: hold\n      gates: [{ rateLimit: { max: 1, per: 1m, by: [all, kind] } }]",
    /stands alone/,
  ],
  [
    "an end of a share where none is counted",
    "decision: hold",
    "decision: hold\n      gates: [{ cumulative: { max: 1, per: 1m, by: [kind], count: size, at: worst } }]",
    /is for `count: share`/,
  ],
  [
    "what is unknown where nothing is predicted",
    "decision: hold",
    "decision: hold\n      gates: [{ cumulative: { max: 1, per: 1m, by: [kind], count: size, onUnknown: hold } }]",
    /by: \[neighbourhood\]/,
  ],
  [
    "a service beside its neighbourhood",
    "decision: hold",
    "decision: hold\n      gates: [{ cumulative: { max: 1, per: 1m, by: [service, neighbourhood], count: size } }]",
    /name one of them/,
  ],
  [
    "a part of an action",
    "decision: hold",
    "decision: hold\n      gates: [{ cumulative: { max: 0.5, per: 1m, by: [neighbourhood], count: actions } }]",
    /integer|whole/,
  ],
  ["an action kind that another covers", "['*']", "[a.*, a.b]", /covered/],
  ["nothing but a comment", "kind: Policy", "# kind: Policy", /missing/],
];

for (const [what, from, to, message] of BROKEN) {
  test(`${what} does not load, and says where`, () => {
    const sound = policyText("- name: r\n  decision: hold");
    assert.equal(firstProblem(sound), "loads");
    const text = sound.replace(from, to);
    assert.notEqual(text, sound);
    assert.match(firstProblem(text), message);
  });
}

test("every problem of a file is told at once, each with its place", () => {
  const problems = problemsOf(
    policyText("- name: R\n  decision: maybe\n  extra: 1\n- name: s\n  when: x\n  decision: allow"),
  );
  assert.deepEqual(
    problems.map(({ line }) => line).toSorted((a, b) => a - b),
    [8, 9, 10, 12],
  );
});

test("with one bad file nothing loads", () => {
  const { bundle } = loadBundle([...packFiles(), { path: "z.yaml", text: "kind: Policy" }]);
  assert.equal(bundle, null);
});

test("two policies, or two files, of one name do not load", () => {
  const text = policyText("- name: r\n  decision: hold").split("---")[0] as string;
  const files = [
    { path: "a", text: policyText("- name: r\n  decision: hold") },
    { path: "b", text },
  ];
  assert.match(loadBundle(files).problems[0]?.message ?? "", /second policy named `p`/);
  assert.match(loadBundle([files[0], files[0]] as never).problems[0]?.message ?? "", /two files/);
});

test("hostile files are refused without harm", () => {
  const deep = `a: ${"[".repeat(50_000)}${"]".repeat(50_000)}`;
  const bomb = `a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]`;
  const nested = allowWhen(`${"(".repeat(200)}true${")".repeat(200)}`);
  const long = allowWhen(`action.kind == '${"x".repeat(3_000)}'`);
  const chain = allowWhen(`${"1 + ".repeat(200)}1 > 0`);
  for (const text of [
    deep,
    bomb,
    nested,
    long,
    chain,
    "\u{0}",
    "",
    "- 1",
    "a: b: c",
    "%YAML 3.0\n---\n",
    "x".repeat(300_000),
    "\ud800",
  ]) {
    const { bundle, problems } = loadBundle([{ path: "hostile", text }]);
    assert.equal(bundle, null);
    assert.ok(problems.length > 0 && problems.length <= 100);
  }
});

test("the hash names the files: their order does not matter, any byte does", () => {
  const files = packFiles();
  const { hash } = mustLoad(files);
  assert.match(hash, /^[0-9a-f]{64}$/);
  assert.equal(mustLoad(files.toReversed()).hash, hash);
  const changed = files.map((file, i) => (i === 0 ? { ...file, text: `${file.text}\n` } : file));
  assert.notEqual(mustLoad(changed).hash, hash);
});

test("no policy at all refuses everything", () => {
  const got = mustLoad([]).evaluate(factsWith(), NO_COUNTERS);
  assert.equal(got.decision, "refuse");
  assert.deepEqual(
    got.verdicts.map((verdict) => verdict.code),
    ["no-rule"],
  );
});
