// Steps that ask several people: partial approvals, windows, reminders, approvals taken back, and eligibility at use.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadBundle } from "../../src/policy/load.ts";
import type { Engine } from "../../src/kernel/transaction.ts";
import type { Answerer } from "../../src/wire/types/approvals.ts";
import { bundle, engine, MINUTE_MS, Rig, type Answering } from "./rig.ts";

const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: test }
spec:
  match: { actions: [test.*] }
  route: database
  rules:
    - { name: reviewed, when: action.kind == "test.reviewed", decision: hold, route: reviewers }
    - { name: on-duty, when: action.kind == "test.duty", decision: hold, route: on-duty }
    - { name: asked, decision: hold }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: database }
spec:
  steps:
    - approvers: { all: [{ role: dba }, { role: sre }] }
      within: 15m
      remindEvery: 6m
    - approvers: { all: [{ role: lead }, { role: sre }] }
      within: 10m
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: reviewers }
spec:
  steps:
    - approvers: { all: [{ role: reviewer, count: 2, agents: true }, { role: sre }] }
      within: 15m
      independentOf: [owner, model]
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: on-duty }
spec:
  steps:
    - { approvers: { all: [{ schedule: platform }, { role: sre }] }, within: 30d }
---
apiVersion: holdpoint.dev/v1
kind: Schedule
metadata: { name: platform }
spec:
  rotation: { people: [ada, ben], start: 2026-01-05T09:00:00Z, length: 1d }
`;

function load(text: string) {
  const loaded = loadBundle([{ path: "a.yaml", text }]);
  assert.deepEqual(loaded.problems, []);
  assert.ok(loaded.bundle);
  return loaded.bundle;
}

const own = load(POLICY);
// Of a later bundle: the same route asks for one more.
const stricter = load(
  POLICY.replace("all: [{ role: dba }, { role: sre }]", "all: [{ role: dba, count: 2 }, { role: sre }]"),
);
const known: Engine = {
  ...engine,
  policy: (hash) => [own, stricter, bundle].find((one) => one.hash === hash),
};

async function open(): Promise<Rig> {
  const rig = await Rig.open(known);
  await activate(rig, own.hash);
  return rig;
}

function activate(rig: Rig, bundleHash: string) {
  return rig.ask("propose-policy", { bundleHash, mode: "file", person: null, requestHash: "0" });
}

/** Answers as the person of that name. */
function by(rig: Rig, id: string, name: string, roles: readonly string[], more: Answering = {}) {
  return rig.answer(id, { person: name, roles, ...more }, `person:${name}`);
}

function byAgent(rig: Rig, id: string, name: string, of: Answering) {
  return rig.answer(id, { kind: "agent", person: null, roles: ["reviewer"], ...of }, `agent:${name}`);
}

describe("a step that asks two", () => {
  it("is passed when both have answered, in whatever order, and not before", async () => {
    const rig = await open();
    const [one, two] = [(await rig.propose()).subject, (await rig.propose()).subject];
    assert.equal((await by(rig, one, "ada", ["dba"])).result, "held");
    assert.equal((await by(rig, one, "ben", ["sre"])).result, "granted");
    assert.equal((await by(rig, two, "ben", ["sre"])).result, "held");
    assert.equal((await by(rig, two, "ada", ["dba"])).result, "granted");
    assert.deepEqual(rig.typesOf(one), [
      "action.proposed",
      "action.held",
      "action.approval-given",
      "action.approved",
      "action.granted",
    ]);
    const { approvals, takes } = rig.last("action.approved", one);
    assert.deepEqual(
      approvals.map(({ id }) => id),
      ["person:ada", "person:ben"],
    );
    assert.deepEqual(takes, [0, 1]);
  });

  it("takes one seat of somebody with both roles, and one answer of one human", async () => {
    const rig = await open();
    const { subject } = await rig.propose();
    await by(rig, subject, "ada", ["dba", "sre"]);
    assert.equal(rig.action(subject).status, "held");
    await assert.rejects(by(rig, subject, "ada", ["dba", "sre"]), { code: "already-answered" });
    const phone = { person: "ada", roles: ["sre"] };
    await assert.rejects(rig.answer(subject, phone, "person:ada-phone"), { code: "already-answered" });
    assert.equal((await by(rig, subject, "ben", ["dba"])).result, "granted", "ada then takes the other seat");
  });

  it("counts no second one of a group for the other", async () => {
    const rig = await open();
    const { subject } = await rig.propose();
    await by(rig, subject, "ada", ["dba"]);
    assert.equal((await by(rig, subject, "ben", ["dba"])).result, "held");
    assert.equal((await by(rig, subject, "cid", ["sre"])).result, "granted");
    assert.deepEqual(rig.last("action.approved").takes, [0, null, 1]);
  });

  it("is ended by one denial, also of somebody who had approved", async () => {
    const rig = await open();
    const { subject } = await rig.propose();
    await by(rig, subject, "ada", ["dba"]);
    await assert.rejects(by(rig, subject, "eve", ["visitor"], { decision: "deny" }), { code: "not-eligible" });
    assert.equal((await by(rig, subject, "ada", ["dba"], { decision: "deny" })).result, "denied");
    assert.equal(rig.last("action.denied").person, "ada");
  });

  it("is answered in one's own name alone", async () => {
    const rig = await open();
    const { subject } = await rig.propose();
    const answerer: Answerer = {
      id: "person:ben",
      kind: "person",
      person: "ben",
      roles: ["dba"],
      owner: null,
      models: [],
    };
    const proposer = { owner: null, models: [] };
    const planHash = rig.action(subject).planHash ?? "";
    const input = { action: subject, decision: "approve", planHash, answerer, proposer, present: [] } as const;
    await assert.rejects(rig.ask("answer-hold", input, "person:eve"), { code: "not-eligible" });
  });
});

describe("an approval that was given", () => {
  it("is taken back by whoever gave it, under any of their names, and by nobody else", async () => {
    const rig = await open();
    const { subject } = await rig.propose();
    await by(rig, subject, "ada", ["dba"]);
    await assert.rejects(rig.withdraw(subject, "ben", "person:ben"), { code: "approval-not-found" });
    assert.equal((await rig.withdraw(subject, "ada", "person:ada-phone")).result, "held");
    assert.equal(rig.last("action.approval-withdrawn").code, "withdrawn");
    await by(rig, subject, "ben", ["sre"]);
    assert.equal(rig.action(subject).status, "held", "it counts no more");
    assert.equal((await by(rig, subject, "ada", ["dba"])).result, "granted", "and may be given again");
    await assert.rejects(rig.withdraw(subject, "ada", "person:ada"), { code: "action-not-held" });
  });

  it("does not count when its giver is gone by the time the quorum is met", async () => {
    const rig = await open();
    const { subject } = await rig.propose();
    await by(rig, subject, "ada", ["dba"]);
    assert.equal((await by(rig, subject, "ben", ["sre"], { present: [] })).result, "held");
    const { identity, code } = rig.last("action.approval-withdrawn");
    assert.deepEqual([identity, code], ["person:ada", "not-standing"]);
    assert.equal((await by(rig, subject, "cid", ["dba"])).result, "granted");
  });

  it("does not count with a role that was taken away since", async () => {
    const rig = await open();
    const { subject } = await rig.propose();
    await by(rig, subject, "ada", ["dba"]);
    const [ada] = rig.action(subject).hold?.approvals ?? [];
    assert.ok(ada);
    const present = [{ ...ada, roles: ["visitor"] }];
    assert.equal((await by(rig, subject, "ben", ["sre"], { present })).result, "held");
  });

  it("is looked at again when the first step begins, and is used up by it", async () => {
    const rig = await open();
    const [one, two] = [(await rig.propose()).subject, (await rig.propose()).subject];
    for (const id of [one, two]) {
      await by(rig, id, "ada", ["dba"]);
      await by(rig, id, "ben", ["sre"]);
    }
    const [ada, ben] = rig.action(one).consent?.approvals ?? [];
    assert.ok(ada && ben);
    assert.equal((await rig.begin(one, [ada])).result, "refused", "ben is gone");
    assert.equal(rig.last("action.refused", one).code, "approval-void");
    assert.equal((await rig.begin(two, [ada, ben])).result, "started");
    await rig.finish(two, "retry");
    rig.pass(MINUTE_MS);
    assert.equal((await rig.begin(two, [])).result, "started", "what is under way is not left half done");
  });

  it("satisfies its route as the route is when it is complete: one that asks for more since asks again", async () => {
    const rig = await open();
    const { subject } = await rig.propose();
    await by(rig, subject, "ada", ["dba"]);
    await activate(rig, stricter.hash);
    assert.equal((await by(rig, subject, "ben", ["sre"])).result, "held");
    assert.equal(rig.action(subject).hold?.asks.seats[0]?.count, 2);
    assert.deepEqual(rig.action(subject).hold?.approvals, []);
  });
});

describe("the window of a step", () => {
  it("reminds, then asks the next step, then expires: a timeout and nobody's denial", async () => {
    const rig = await open();
    const { subject } = await rig.propose();
    const types: string[] = [];
    for (const minutes of [6, 6, 3, 10]) {
      await rig.passAndTick(minutes * MINUTE_MS - 1);
      await rig.passAndTick(1);
      types.push(rig.typesOf(subject).at(-1) ?? "");
    }
    assert.deepEqual(types, ["hold.reminded", "hold.reminded", "hold.escalated", "action.expired"]);
    assert.equal(rig.all("hold.reminded")[0]?.facts.remindAt, (rig.all("hold.reminded")[0]?.time ?? 0) + 6 * MINUTE_MS);
    assert.equal(rig.all("hold.reminded")[1]?.facts.remindAt, null, "the next one would come after the end");
    assert.ok(!rig.typesOf(subject).includes("action.denied"));
  });

  it("keeps the approvals that are good for the next step, and drops the others", async () => {
    const rig = await open();
    const { subject } = await rig.propose();
    await by(rig, subject, "ada", ["sre"]);
    await by(rig, subject, "ben", ["sre"]);
    await rig.passAndTick(15 * MINUTE_MS);
    assert.deepEqual(rig.last("hold.escalated").kept, ["person:ada", "person:ben"]);
    const other = (await rig.propose()).subject;
    await by(rig, other, "cid", ["dba"]);
    await rig.passAndTick(15 * MINUTE_MS);
    assert.deepEqual(rig.last("hold.escalated", other).kept, []);
  });

  it("approves nothing by its end: who would be enough says it again", async () => {
    const rig = await open();
    const { subject } = await rig.propose();
    // Enough for the second step, where nobody is asked for as a database owner; not for the first.
    await by(rig, subject, "ada", ["sre"]);
    await by(rig, subject, "ben", ["sre", "lead"]);
    await rig.passAndTick(15 * MINUTE_MS);
    assert.equal(rig.action(subject).status, "held");
    assert.deepEqual(rig.last("hold.escalated").kept, []);
    await by(rig, subject, "ada", ["sre"]);
    assert.equal((await by(rig, subject, "ben", ["lead"])).result, "granted");
  });

  it("takes no answer of those whom the step before asked", async () => {
    const rig = await open();
    const { subject } = await rig.propose();
    await rig.passAndTick(15 * MINUTE_MS);
    await assert.rejects(by(rig, subject, "ada", ["dba"]), { code: "not-eligible" });
  });

  it("stands still under a pause, and so does the time until people are reminded", async () => {
    const rig = await open();
    const { subject } = await rig.propose();
    const brake = (await rig.ask("apply-brake", { mode: "pause", scope: { kind: "test.asked" } })).subject;
    const before = rig.action(subject).hold;
    await rig.passAndTick(60 * MINUTE_MS);
    const resume = await rig.ask("release-brake", { brake, person: "ben", requestHash: "r" }, "person:ben");
    assert.equal(resume.result, "refused", "this pack has no rule for it");
    await activate(rig, bundle.hash);
    const asked = await rig.ask("release-brake", { brake, person: "ben", requestHash: "r2" }, "person:ben");
    await rig.answer(asked.subject, { roles: ["owner"] });
    const after = rig.action(subject).hold;
    assert.equal(after?.remindAt, (before?.remindAt ?? 0) + 60 * MINUTE_MS);
    assert.equal(rig.action(subject).dueAt, after?.remindAt);
  });
});

describe("agents as reviewers", () => {
  const B = { owner: "team:b", models: ["m/2"] };
  const C = { owner: "team:c", models: ["m/3"] };
  const proposer = { owner: "team:a", models: ["m/1"] };

  it("take the seats that are open to them and no other", async () => {
    const rig = await open();
    const { subject } = await rig.propose({ kind: "test.reviewed", person: null });
    await byAgent(rig, subject, "reviewer-two", { ...B, proposer });
    await byAgent(rig, subject, "reviewer-three", { ...C, proposer });
    assert.equal(rig.action(subject).status, "held", "a person is asked too");
    const sre = { ...C, owner: "team:d", models: ["m/4"], roles: ["sre"], proposer };
    await assert.rejects(byAgent(rig, subject, "reviewer-four", sre), { code: "not-eligible" });
    assert.equal((await by(rig, subject, "ada", ["sre"], { proposer })).result, "granted");
  });

  it("do not count when they have owner or model in common with the proposer or each other", async () => {
    const rig = await open();
    const models = [
      { provider: "m", name: "1" },
      { provider: "maker", name: "model" },
    ];
    rig.admit("agent:one", { owner: "team:a", models });
    const { subject } = await rig.propose({ kind: "test.reviewed", person: null });
    await assert.rejects(byAgent(rig, subject, "one", { ...B, proposer }), { code: "self-approval" });
    await assert.rejects(byAgent(rig, subject, "reviewer-two", { ...B, owner: "team:a", proposer }), {
      code: "not-eligible",
    });
    await assert.rejects(byAgent(rig, subject, "reviewer-two", { ...B, models: ["m/1"], proposer }), {
      code: "not-eligible",
    });
    await byAgent(rig, subject, "reviewer-two", { ...B, proposer });
    await assert.rejects(byAgent(rig, subject, "reviewer-three", { ...C, owner: "team:b", proposer }), {
      code: "not-eligible",
    });
    await assert.rejects(byAgent(rig, subject, "reviewer-three", { ...C, models: ["m/2"], proposer }), {
      code: "not-eligible",
    });
    assert.equal((await byAgent(rig, subject, "reviewer-three", { ...C, proposer })).result, "held");
  });
});

describe("whoever is on duty", () => {
  it("answers without a role, and what they said counts after their turn", async () => {
    const rig = await open();
    const { subject } = await rig.propose({ kind: "test.duty" });
    const onDuty = own.schedules.get("platform")?.onDuty(rig.nowMs);
    const [now, next] = onDuty === "ada" ? ["ada", "ben"] : ["ben", "ada"];
    await assert.rejects(by(rig, subject, next, []), { code: "not-eligible" });
    assert.equal((await by(rig, subject, now, [])).result, "held");
    rig.pass(24 * 60 * MINUTE_MS);
    assert.equal((await by(rig, subject, "cid", ["sre"])).result, "granted");
    assert.deepEqual(rig.last("action.approved").approvals[0]?.onDuty, ["platform"]);
  });
});
