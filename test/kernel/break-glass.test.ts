// Breaking the glass: by whom, past what and past what not, and the review that is owed for it.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import type { Answerer, ReviewOutcome } from "../../src/wire/types/approvals.ts";
import type { Engine } from "../../src/kernel/transaction.ts";
import { loadBundle } from "../../src/policy/load.ts";
import { bundle, engine, MINUTE_MS, Rig } from "./rig.ts";

const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: test }
spec:
  match: { actions: [test.*, stage.set] }
  route: two
  rules:
    - { name: alone, when: action.kind == "test.alone", decision: hold, route: one }
    - { name: never, when: action.kind == "test.never", decision: hold, route: none }
    - name: limited
      when: action.kind == "test.limited"
      gates: [{ rateLimit: { max: 1, per: 15m, by: [service], onFail: refuse } }]
      decision: hold
    - { name: asked, decision: hold }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: one }
spec:
  steps: [{ roles: [dba], within: 15m }]
  breakGlass: { roles: [commander], within: 2m, review: { roles: [owner], within: 1h } }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: two }
spec:
  steps: [{ roles: [dba], within: 15m }]
  breakGlass: { roles: [commander], people: 2, within: 20m }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: none }
spec: { steps: [{ roles: [dba], within: 15m }] }
`;

const loaded = loadBundle([{ path: "a.yaml", text: POLICY }]).bundle;
assert.ok(loaded);
const known: Engine = { ...engine, policy: (asked) => [loaded, bundle].find((one) => one.hash === asked) };

async function open(): Promise<Rig> {
  const rig = await Rig.open(known);
  await rig.ask("propose-policy", { bundleHash: loaded?.hash ?? "", mode: "file", person: null, requestHash: "0" });
  return rig;
}

function person(name: string, roles: readonly string[] = ["commander"], as = name): Answerer {
  return { id: `person:${name}`, kind: "person", person: as, roles, owner: null, models: [] };
}

function smash(rig: Rig, action: string, answerer: Answerer, of: { planHash?: string; present?: Answerer[] } = {}) {
  const live = rig.state.actions.get(action);
  const planHash = of.planHash ?? live?.planHash ?? "";
  const present = of.present ?? live?.hold?.breakers ?? [];
  const input = { action, answerer, planHash, present, proposer: { owner: null, models: [] } };
  return rig.ask("break-glass", input, answerer.id);
}

function review(rig: Rig, id: string, answerer: Answerer, outcome: ReviewOutcome = "justified") {
  return rig.ask("give-review", { review: id, outcome, answerer }, answerer.id);
}

const [ada, ben] = [person("ada"), person("ben")];

describe("breaking the glass", () => {
  it("lets a held action go at once, under a grant as short as its route says", async () => {
    const rig = await open();
    const { subject } = await rig.propose({ kind: "test.alone" });
    assert.equal((await smash(rig, subject, ada)).result, "granted");
    const { expiresAt } = rig.last("action.granted", subject);
    assert.equal(expiresAt - rig.nowMs, 2 * MINUTE_MS);
    assert.deepEqual(rig.typesOf(subject), ["action.proposed", "action.held", "action.glass-broken", "action.granted"]);
    assert.equal((await rig.begin(subject)).result, "started");
  });

  it("is the approval that level 1 asks for, and no way round level 0", async () => {
    const rig = await open();
    // The test's own policy says nothing of levels: they are set where a grant would have put them.
    const give = (level: 0 | 1): void => {
      const all = { kinds: ["*"], environments: null, services: null, expiresAt: rig.nowMs + 60 * MINUTE_MS };
      rig.state.levels.set("agent:new", [{ id: "lvl_000000001", action: "act_000000001", level, ...all }]);
    };
    give(1);
    const { subject } = await rig.propose({ kind: "test.alone" }, "agent:new");
    assert.equal((await smash(rig, subject, ada)).result, "granted");
    assert.equal((await rig.begin(subject)).result, "started");
    const late = (await rig.propose({ kind: "test.alone", service: "late" }, "agent:new")).subject;
    give(0);
    assert.equal((await smash(rig, late, ada)).result, "advised");
    assert.equal((await rig.begin(late)).result, "ended");
  });

  it("takes two different people where the route says so", async () => {
    const rig = await open();
    const { subject } = await rig.propose();
    assert.equal((await smash(rig, subject, ada)).result, "held");
    await assert.rejects(smash(rig, subject, ada), { code: "already-answered" });
    await assert.rejects(smash(rig, subject, person("ada-phone", ["commander"], "ada")), { code: "already-answered" });
    assert.equal(rig.action(subject).status, "held");
    assert.equal((await smash(rig, subject, ben)).result, "granted");
    assert.deepEqual(
      rig.last("action.glass-broken").approvals.map(({ id }) => id),
      ["person:ada", "person:ben"],
    );
  });

  it("counts nobody who is gone by then, nor when the first step begins", async () => {
    const rig = await open();
    const [one, two] = [(await rig.propose()).subject, (await rig.propose()).subject];
    await smash(rig, one, ada);
    assert.equal((await smash(rig, one, ben, { present: [] })).result, "held");
    await smash(rig, two, ada);
    await smash(rig, two, ben);
    assert.equal((await rig.begin(two, [ada])).result, "refused");
    assert.equal(rig.last("action.refused", two).code, "approval-void");
  });

  it("is for those named alone, for exactly this plan, in time, and never for one's own", async () => {
    const rig = await open();
    const { subject } = await rig.propose({ kind: "test.alone", person: "ada" });
    await assert.rejects(smash(rig, subject, ada), { code: "self-approval" });
    await assert.rejects(smash(rig, subject, person("dan", ["dba"])), { code: "not-eligible" });
    const bot: Answerer = { ...person("bot"), id: "agent:bot", kind: "agent", person: null };
    await assert.rejects(smash(rig, subject, bot), { code: "not-eligible" });
    await assert.rejects(smash(rig, subject, ben, { planHash: hash("sha256", "x") }), { code: "plan-mismatch" });
    rig.pass(15 * MINUTE_MS);
    await assert.rejects(smash(rig, subject, ben), { code: "action-not-held" });
    assert.equal(rig.state.reviews.size, 0);
  });

  it("is offered where the route offers it, and never for what changes the rules", async () => {
    const rig = await open();
    const { subject } = await rig.propose({ kind: "test.never" });
    await assert.rejects(smash(rig, subject, ada), { code: "break-glass-unavailable" });
    const stage = { kind: "stage.set", effect: "kernel", operand: "mim-automation", agentKind: "person" } as const;
    const asked = await rig.propose({ ...stage, person: "eve" }, "person:eve");
    assert.equal(asked.result, "held");
    await assert.rejects(smash(rig, asked.subject, ada), { code: "break-glass-unavailable" });
  });

  it("stands for the quorum and nothing else: limits and pauses stay", async () => {
    const rig = await open();
    const [one, two] = [
      (await rig.propose({ kind: "test.limited" })).subject,
      (await rig.propose({ kind: "test.limited" })).subject,
    ];
    for (const id of [one, two]) await smash(rig, id, ada);
    assert.equal((await smash(rig, one, ben)).result, "granted");
    assert.equal((await smash(rig, two, ben)).result, "refused");
    assert.equal(rig.state.reviews.size, 2, "a review is owed for either");
    const { subject } = await rig.propose({ kind: "test.alone" });
    await rig.ask("apply-brake", { mode: "pause", scope: { kind: "test.alone" } });
    await assert.rejects(smash(rig, subject, ada), { code: "killswitch-conflict" });
  });
});

describe("the review of a broken glass", () => {
  async function owed(rig: Rig): Promise<string> {
    const { subject } = await rig.propose({ kind: "test.alone", person: "olga" });
    await smash(rig, subject, ada);
    return rig.last("action.glass-broken", subject).review;
  }

  it("is given once, by somebody with the role who had no part in it", async () => {
    const rig = await open();
    const id = await owed(rig);
    const owner = ["owner"];
    await assert.rejects(review(rig, id, person("ada", owner)), { code: "self-approval" });
    await assert.rejects(review(rig, id, person("ada-phone", owner, "ada")), { code: "self-approval" });
    await assert.rejects(review(rig, id, person("olga", owner)), { code: "self-approval" }, "it was hers");
    await assert.rejects(review(rig, id, person("ben", ["commander"])), { code: "not-eligible" });
    assert.equal((await review(rig, id, person("cid", owner), "unjustified")).result, "unjustified");
    await assert.rejects(review(rig, id, person("cid", owner)), { code: "review-closed" });
    assert.equal(rig.state.reviews.size, 0);
  });

  it("is overdue once, and is still owed then", async () => {
    const rig = await open();
    const id = await owed(rig);
    await rig.passAndTick(60 * MINUTE_MS - 1);
    assert.equal(rig.all("review.overdue").length, 0);
    await rig.passAndTick(1);
    await rig.passAndTick(60 * MINUTE_MS);
    assert.equal(rig.all("review.overdue").length, 1);
    assert.equal((await review(rig, id, person("cid", ["owner"]))).result, "justified");
  });

  it("is owed before any more glass is broken, when very many are", async () => {
    const rig = await open();
    const many = Array.from({ length: 1_000 }, (_, i) => [`rev_${i}`, rig.state.reviews.get("")] as const);
    const reviews = rig.state.reviews as Map<string, unknown>;
    for (const [id, one] of many) reviews.set(id, one);
    const { subject } = await rig.propose({ kind: "test.alone" });
    await assert.rejects(smash(rig, subject, ada), { code: "overloaded" });
    reviews.delete("rev_1");
    assert.equal((await smash(rig, subject, ada)).result, "granted");
  });
});
