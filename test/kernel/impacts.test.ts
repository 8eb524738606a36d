// Cumulative impact: what actions of all agents add up to, and a change in pieces that is judged as the whole.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import type { CommandInputs } from "../../src/kernel/command.ts";
import { LIMITS, TERMS } from "../../src/kernel/limits.ts";
import { addImpact, readImpact } from "../../src/kernel/impacts.ts";
import { parseState, serializeState, stateHash } from "../../src/kernel/snapshot.ts";
import { emptyState } from "../../src/kernel/state.ts";
import { loadBundle } from "../../src/policy/load.ts";
import { NEIGHBOURS_MAX, nothingPredicted, type Prediction } from "../../src/wire/types/prediction.ts";
import { engine, MINUTE_MS, Rig } from "./rig.ts";

const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: impact }
spec:
  match: { actions: [change.*, killswitch.resume] }
  rules:
    - name: few
      when: action.kind == "change.few"
      gates: [{ cumulative: { max: 3, per: 15m, by: [service], count: actions } }]
      decision: allow
    - name: few-too
      when: action.kind == "change.few-too"
      gates: [{ cumulative: { max: 2, per: 15m, by: [service], count: actions } }]
      decision: allow
    - name: spread
      when: action.kind == "change.spread"
      gates: [{ cumulative: { max: 2, per: 15m, by: [environment], count: targets, onFail: hold, route: people } }]
      decision: allow
    - name: rows
      when: action.kind == "change.rows"
      gates: [{ cumulative: { max: 100, per: 15m, by: [all], count: size } }]
      decision: allow
    - name: traffic
      when: action.kind == "change.traffic"
      gates: [{ cumulative: { max: 0.1, per: 15m, by: [service], count: share } }]
      decision: allow
    - name: near
      when: action.kind == "change.near"
      gates: [{ cumulative: { max: 0.1, per: 15m, by: [neighbourhood], count: share, onUnknown: hold, route: people } }]
      decision: allow
    - name: few-near
      when: action.kind == "change.few-near"
      gates: [{ cumulative: { max: 2, per: 15m, by: [neighbourhood], count: actions } }]
      decision: allow
    - name: alone
      when: action.kind == "change.alone"
      gates: [{ conflict: {} }]
      decision: allow
    - name: asks
      when: action.kind == "change.asks"
      gates: [{ conflict: { among: [change.alone], onFail: hold, route: people } }]
      decision: allow
    - name: small
      when: action.kind == "change.sized" && action.size <= 10
      decision: allow
    - name: large
      decision: hold
      route: people
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: people }
spec: { steps: [{ roles: [on-call], within: 1h }] }
`;

const { bundle } = loadBundle([{ path: "impact.yaml", text: POLICY }]);
assert.ok(bundle !== null);
const HASH = bundle.hash;

async function open(): Promise<Rig> {
  const rig = await Rig.open({
    ...engine,
    policy: (asked: string) => (asked === HASH ? bundle : engine.policy(asked)),
  } as never);
  await rig.ask("propose-policy", { bundleHash: HASH, mode: "file", person: null, requestHash: "0" });
  return rig;
}

async function change(rig: Rig, kind: string, of: Partial<CommandInputs["propose-action"]> = {}, agent = "agent:one") {
  const { subject, result } = await rig.propose({ kind: `change.${kind}`, ...of }, agent);
  return { id: subject, result };
}

describe("cumulative impact", () => {
  it("adds up over agents and over rules that count alike, each by its own limit", async () => {
    const rig = await open();
    assert.equal((await change(rig, "few")).result, "granted");
    assert.equal((await change(rig, "few", {}, "agent:two")).result, "granted");
    assert.equal((await change(rig, "few-too", {}, "agent:three")).result, "refused");
    assert.equal((await change(rig, "few", {}, "agent:four")).result, "granted");
    assert.equal((await change(rig, "few", {}, "agent:five")).result, "refused");
    assert.equal(rig.last("action.refused").code, "impact-exceeded");
    assert.equal((await change(rig, "few", { service: "search" })).result, "granted");
    rig.pass(15 * MINUTE_MS);
    assert.equal((await change(rig, "few-too")).result, "granted", "the window slides");
  });

  it("counts targets once, and what people let through too", async () => {
    const rig = await open();
    for (const resource of ["a", "b", "a", "b"]) {
      assert.equal((await change(rig, "spread", { resource })).result, "granted", resource);
    }
    const third = await change(rig, "spread", { resource: "c" });
    assert.equal(third.result, "held");
    assert.equal((await rig.answer(third.id)).result, "granted");
    assert.equal((await change(rig, "spread", { resource: "c" })).result, "held", "three are over the limit of two");
    assert.equal((await change(rig, "spread", { environment: "staging", resource: "c" })).result, "granted");
  });

  it("sums what actions do, and gives back what never began", async () => {
    const rig = await open();
    const big = await change(rig, "rows", { size: 90 });
    assert.equal((await change(rig, "rows", { size: 11 }, "agent:two")).result, "refused");
    assert.equal((await change(rig, "rows", { size: 10 }, "agent:two")).result, "granted");
    await rig.ask("cancel-action", { action: big.id, code: "no-longer-wanted" });
    assert.equal((await change(rig, "rows", { size: 90 }, "agent:three")).result, "granted");
    assert.equal((await change(rig, "rows", { size: 1 }, "agent:four")).result, "refused");
    const restored = parseState(serializeState(rig.state));
    assert.equal(stateHash(restored), stateHash(rig.state));
  });
});

type Foretold = Partial<Prediction> & { readonly near?: readonly string[]; readonly high?: number };

/** Proposes, and answers as the runtime model does. */
async function foretold(
  rig: Rig,
  kind: string,
  service: string,
  { near = [], high = 0, ...of }: Foretold,
  agent = "agent:one",
) {
  const { id, result } = await change(rig, kind, { service }, agent);
  assert.equal(result, "evaluating");
  const node = (name: string): string => `service:production:${name}`;
  const share = { low: 0, mid: 0, high };
  const known = {
    code: "",
    target: node(service),
    neighbourhood: [service, ...near].map(node),
    isStale: false,
  } as const;
  const prediction = {
    ...nothingPredicted("unmeasured"),
    ...known,
    share,
    exposure: { ...share, high: 2 * high },
    ...of,
  };
  const answered = await rig.ask("predict-action", { action: id, asked: rig.action(id).predicting ?? -1, prediction });
  return { id, result: answered.result };
}

describe("shares of traffic", () => {
  it("in pieces of several agents get the verdict of the whole, to the millionth", async () => {
    const whole = await open();
    assert.equal((await foretold(whole, "traffic", "cart", { high: 100_001 })).result, "refused");
    const rig = await open();
    for (const [agent, high, result] of [
      ["agent:one", 60_000, "granted"],
      ["agent:two", 40_001, "refused"],
      ["agent:two", 40_000, "granted"],
      ["agent:three", 1, "refused"],
    ] as const) {
      assert.equal((await foretold(rig, "traffic", "cart", { high }, agent)).result, result, `${agent} ${high}`);
    }
    const said = rig.last("action.refused").evaluation?.verdicts.find(({ code }) => code === "impact-exceeded");
    assert.deepEqual(said?.evidence, {
      used: 0.1,
      adds: 0.000001,
      max: 0.1,
      windowMs: 15 * MINUTE_MS,
      modelVersion: 0,
    });
    assert.equal((await foretold(rig, "traffic", "search", { high: 100_000 })).result, "granted", "another service");
    rig.pass(15 * MINUTE_MS);
    assert.equal((await foretold(rig, "traffic", "cart", { high: 100_000 })).result, "granted", "the window slides");
    assert.equal(stateHash(parseState(serializeState(rig.state))), stateHash(rig.state));
  });

  it("add up over a neighbourhood as the record of each names it, and are given back by what never began", async () => {
    const rig = await open();
    const first = await foretold(rig, "near", "cart", { high: 60_000, near: ["web", "stock"] });
    assert.equal(first.result, "granted");
    assert.equal((await foretold(rig, "near", "web", { high: 40_001, near: ["cart"] }, "agent:two")).result, "refused");
    assert.equal(
      (await foretold(rig, "near", "mail", { high: 100_000, near: ["queue"] })).result,
      "granted",
      "far away",
    );
    assert.equal((await foretold(rig, "near", "stock", { high: 40_000, near: ["cart"] })).result, "granted");
    // What uses both sees both, though they do not see each other.
    assert.equal((await foretold(rig, "near", "edge", { high: 1, near: ["stock", "mail"] })).result, "refused");
    await rig.ask("cancel-action", { action: first.id, code: "no-longer-wanted" });
    assert.equal((await foretold(rig, "near", "web", { high: 40_001, near: ["cart"] })).result, "granted");
    assert.equal((await foretold(rig, "few-near", "cart", { near: ["web"] })).result, "granted", "another sum");
    assert.equal((await foretold(rig, "few-near", "web", { near: ["cart"] })).result, "granted");
    assert.equal((await foretold(rig, "few-near", "web", { near: ["cart"] })).result, "refused");
    // Of a neighbourhood that is longer than its list anything may be a part.
    const many = Array.from({ length: NEIGHBOURS_MAX - 1 }, (_, i) => `n${i}`);
    assert.equal((await foretold(rig, "few-near", "hub", { near: many })).result, "refused");
    assert.equal((await foretold(rig, "few-near", "leaf", { near: many.slice(1) })).result, "granted");
  });

  it("that nobody knows are refused or asked about, and what people let through counts as all of it everywhere", async () => {
    const rig = await open();
    const gone = nothingPredicted("model-unavailable");
    assert.equal((await foretold(rig, "traffic", "cart", gone)).result, "refused");
    assert.equal(rig.last("action.refused").code, "model-unavailable");
    assert.equal((await foretold(rig, "traffic", "cart", { isStale: true })).result, "refused");
    const wrong = { calibration: { outcomes: 20, within: 16 } };
    assert.equal((await foretold(rig, "traffic", "cart", wrong)).result, "refused");
    assert.equal(rig.last("action.refused").code, "uncalibrated");
    assert.equal((await foretold(rig, "few-near", "cart", gone)).result, "refused");
    const blind = await foretold(rig, "near", "cart", gone);
    assert.equal(blind.result, "held");
    assert.equal((await rig.answer(blind.id)).result, "granted");
    assert.deepEqual(rig.last("action.granted").reservations.at(-1)?.impact, {
      share: 1_000_000,
      size: 1,
      target: "production|cart|",
    });
    assert.equal((await foretold(rig, "near", "mail", { high: 0 })).result, "refused", "far away, and yet");
  });
});

describe("a change in pieces", () => {
  it("gets the verdict of the whole", async () => {
    const rig = await open();
    assert.equal((await change(rig, "sized", { size: 11 })).result, "held", "the whole is held");
    for (let piece = 0; piece < 2; piece++) {
      assert.equal((await change(rig, "sized", { size: 5 })).result, "granted");
    }
    assert.equal((await change(rig, "sized", { size: 1 })).result, "held", "and so is the piece that makes it one");
    assert.equal(
      (await change(rig, "sized", { size: 1 }, "agent:two")).result,
      "held",
      "by another agent of its owner",
    );
    assert.equal((await change(rig, "sized", { size: 1, person: "another" })).result, "granted");
    assert.equal((await change(rig, "sized", { size: 1, service: "search" })).result, "granted");
    rig.pass(TERMS.splitMs);
    assert.equal((await change(rig, "sized", { size: 10 })).result, "granted");
  });

  it("is told by its plan where that comes later", async () => {
    const rig = await open();
    await change(rig, "sized", { size: 8 });
    const { id } = await change(rig, "sized", { planHash: null });
    const planned = { action: id, planHash: hash("sha256", id), code: "", size: 3 };
    assert.equal((await rig.ask("plan-action", planned)).result, "held");
  });

  it("of agents nobody owns is told apart by agent", async () => {
    const rig = await open();
    assert.equal((await change(rig, "sized", { size: 10, person: null })).result, "granted");
    assert.equal((await change(rig, "sized", { size: 10, person: null }, "agent:two")).result, "granted");
    assert.equal((await change(rig, "sized", { size: 1, person: null })).result, "held");
  });
});

describe("two actions on one target", () => {
  it("conflict while the earlier one is under way, whatever resource the proposer names", async () => {
    const rig = await open();
    const first = await change(rig, "alone", { resource: "a" });
    assert.equal((await change(rig, "alone", { resource: "b" }, "agent:two")).result, "refused", "called another name");
    assert.equal((await change(rig, "alone", { resource: "a" }, "agent:two")).result, "refused");
    assert.equal(rig.last("action.refused").code, "conflict");
    assert.equal((await change(rig, "alone", {}, "agent:two")).result, "refused", "all of it");
    assert.equal((await change(rig, "alone", { resource: "a", environment: "staging" })).result, "granted");
    await rig.begin(first.id);
    assert.equal((await change(rig, "alone", { resource: "a" }, "agent:two")).result, "refused");
    await rig.finish(first.id, "succeeded");
    assert.equal((await change(rig, "alone", { resource: "a" }, "agent:two")).result, "granted");
  });

  it("conflict among the kinds that the gate names, and a person may let the later one through", async () => {
    const rig = await open();
    await change(rig, "few");
    assert.equal((await change(rig, "asks")).result, "granted", "another kind");
    await change(rig, "alone", { service: "search" });
    const later = await change(rig, "asks", { service: "search" });
    assert.equal(later.result, "held");
    assert.equal((await rig.answer(later.id)).result, "granted");
  });

  it("do not conflict when neither holds a grant, when one is a page, or when they are one request", async () => {
    const rig = await open();
    const requestHash = hash("sha256", "the same");
    assert.equal((await change(rig, "alone", { requestHash })).result, "granted");
    assert.equal((await change(rig, "alone", { requestHash })).result, "granted", "the duplicate gate's to judge");
    await change(rig, "large", { service: "search" });
    assert.equal((await change(rig, "alone", { service: "search" })).result, "granted", "the other one is held");
  });
});

describe("sums of impact", () => {
  const at = { windowMs: 1_000, target: "t" };
  const add = (state: ReturnType<typeof emptyState>, counter: string, now: number, node?: string): void => {
    const impact = { size: 2, target: `${now}`, ...(node === undefined ? {} : { node, share: 3 }) };
    addImpact(state, "act", { counter, windowMs: 1_000, max: 1, impact, now });
  };

  it("a full table takes no new one before an old one is spent, and what it does not take reads as full", () => {
    const state = emptyState();
    for (let i = 0; i < LIMITS.impactsMax; i++) add(state, `c${i}`, 0);
    add(state, "new", 1);
    assert.equal(state.impacts.has("new"), false);
    assert.equal(readImpact(state, "new", { ...at, now: 1 }).actions, Number.MAX_SAFE_INTEGER);
    assert.equal(readImpact(state, "c0", { ...at, now: 1 }).size, 2);
    add(state, "new", 1_000);
    assert.equal(readImpact(state, "new", { ...at, now: 1_000 }).actions, 1);
  });

  it("beyond what is told apart a part counts in every neighbourhood", () => {
    const state = emptyState();
    for (let i = 0; i < LIMITS.impactEntriesMax + 2; i++) add(state, "c", i % 900, "here");
    const { actions, share } = readImpact(state, "c", { ...at, near: ["there"], now: 900 });
    assert.deepEqual([actions, share], [3, 9]);
  });

  it("beyond what is told apart nothing is lost of the sum", () => {
    const state = emptyState();
    const count = LIMITS.impactEntriesMax + 100;
    for (let i = 0; i < count; i++) add(state, "c", i % 900);
    const { actions, size } = readImpact(state, "c", { ...at, now: 900 });
    assert.deepEqual([actions, size], [count, 2 * count]);
    assert.equal(state.impacts.get("c")?.entries.length, LIMITS.impactEntriesMax);
  });
});
