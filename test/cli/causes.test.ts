// `rca predict` on recorded cases, offline, and `model causes` as people and scripts read it.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { startStandIn } from "./stand-in.ts";
import { openTerminal, temporaryFolder } from "./terminal.ts";

const CASES = join(import.meta.dirname, "../model/cases");

test("rca predict answers every case of a folder, packed or plain, and says what it could not read", async (t) => {
  const dir = temporaryFolder(t);
  const terminal = openTerminal({ configDir: dir, dataDir: dir });
  const [cases, out] = [join(dir, "cases"), join(dir, "causes.jsonl")];
  mkdirSync(join(cases, "more"), { recursive: true });
  for (const name of ["slow-table", "reference-nodes"])
    cpSync(join(CASES, `${name}.json`), join(cases, `${name}.json`));
  const packed = gzipSync(readFileSync(join(CASES, "state-tainted-node.json")));
  writeFileSync(join(cases, "more", "state.json.gz"), packed);
  const whole = await terminal(["rca", "predict", "--cases", cases, "--out", out]);
  assert.equal(whole.code, 0, whole.err);
  const lines = readFileSync(out, "utf8").trimEnd().split("\n");
  const first = lines.map((line) => JSON.parse(line) as { id: string; ranked: { cause: string }[] });
  assert.deepEqual(
    first.map(({ id, ranked }) => `${id}: ${ranked[0]?.cause}`),
    ["state-tainted-node: Scheduling_Fault|app/ink|taint_toleration_mismatch", "slow-table: table"],
  );
  writeFileSync(join(cases, "cut.json"), '{"id": "cut", "kind"');
  writeFileSync(join(cases, "odd.json"), '{"id": "odd", "kind": "change"}');
  const partly = await terminal(["rca", "predict", "--cases", cases, "--out", out]);
  assert.equal(partly.code, 1);
  assert.match(partly.err, /cut\.json: .*\n.*odd\.json: .*none of the shapes.*\n2 cases answered, 2 could not be read/);
});

test("rca predict needs a folder, and a folder of nothing is no success", async (t) => {
  const dir = temporaryFolder(t);
  const terminal = openTerminal({ configDir: dir, dataDir: dir });
  const out = join(dir, "out.jsonl");
  assert.equal((await terminal(["rca", "predict", "--cases", join(dir, "none"), "--out", out])).code, 1);
  assert.equal((await terminal(["rca", "predict", "--cases", dir, "--out", out])).code, 1);
});

test("model causes shows each cause with its chain and evidence, escaped, and exits 1 where there is none", async (t) => {
  const cause = {
    kind: "change",
    cause: "redis-client\u001b[2J-2.4",
    change: "redis-client\u001b[2J-2.4",
    score: 1.25,
    chain: ["change:x", "service:p:cart"],
    evidence: ["timeout: 500 to 50 ms"],
  };
  let [causes, unjudged]: [(typeof cause)[], string[]] = [[cause], []];
  const { terminal, requests } = await startStandIn(t, () => ({ body: { causes, unjudged, suffering: [] } }));
  const shown = await terminal([
    "model",
    "causes",
    "service:p:gate",
    "--measure",
    "latency",
    "--at",
    "2030-01-01T00:00:00Z",
  ]);
  assert.equal(shown.code, 0, shown.err);
  assert.ok(!shown.out.includes("\u001b"));
  assert.match(
    shown.out,
    /^1\. change redis-client.*\(1\.25\)\n {3}change:x → service:p:cart\n {3}- timeout: 500 to 50 ms\n$/,
  );
  assert.deepEqual(JSON.parse(requests.at(-1)?.body ?? ""), {
    node: "service:p:gate",
    measure: "latency",
    at: "2030-01-01T00:00:00Z",
  });
  causes = [];
  const none = await terminal(["model", "causes", "service:p:gate"]);
  assert.deepEqual([none.code, none.out, none.err], [1, "Nothing that is known explains it.\n", ""]);
  unjudged = ["lib-7", "cart\u001b-2"];
  const { err } = await terminal(["model", "causes", "service:p:gate"]);
  assert.match(err, /^nothing was measured to judge these changes by: lib-7, cart.*-2\n$/);
  assert.ok(!err.includes("\u001b"));
});

test("what is remembered is told with chain and end, and a draft with what it would have changed, escaped", async (t) => {
  const cause = { kind: "change", cause: "c\u001b1", changeKind: "deploy", chain: ["change:c1", "service:p:cart"] };
  const like = { id: "inc_1", status: "resolved", resolution: "all-clear", openedAt: 0, services: ["cart"] };
  const trial = { decisions: 7, since: 0, wouldHold: 3, held: 2, refused: 1, examples: ["act_1"] };
  let memory: object = { incident: "inc_2", explained: null, draft: null, trial: null, actions: [], policies: [] };
  memory = { ...memory, similar: [{ ...like, by: ["signature"], score: 50, cause, actions: [], policies: [] }] };
  const { terminal } = await startStandIn(t, () => ({ body: memory }));
  const { out } = await terminal(["incident", "memory", "inc_2"]);
  assert.match(out, /inc_1 +resolved \(all-clear\), 1970-01-01.*; alike by signature/);
  assert.match(out, /deploy c.*1 \(change:c1, service:p:cart\)/);
  assert.ok(!out.includes("\u001b"));
  assert.equal((await terminal(["incident", "draft", "inc_2"])).code, 1);
  memory = { ...memory, draft: "# \u001b[2J\nkind: Policy\n", trial };
  const draft = await terminal(["incident", "draft", "inc_2"]);
  assert.deepEqual([draft.code, draft.out], [0, "# \\x1b[2J\nkind: Policy\n"]);
  assert.match(
    draft.err,
    /last 7 decisions there, since 1970.*would have held 3 that were allowed; 2 were held and 1 refused/,
  );

  const none = { unknown: [], entries: [], services: [], trafficShare: null, staleS: 1, isStale: false };
  const history = { count: 0, outcomes: {}, actions: [], incidents: [{ ...like, cause }] };
  const advice = { answer: "proceed", code: "", verdicts: [] };
  const asked = await startStandIn(t, () => ({ body: { ...none, advice, history } }));
  const told = await asked.terminal(["model", "predict", "service:p:cart", "--kind", "kubernetes.restart"]);
  assert.match(told.out, /never done before here\n\nINCIDENT.*\ninc_1 .*resolved +change:c1 → service:p:cart/);
});
