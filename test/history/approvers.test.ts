// How people decide, projected from what is recorded: from when they were asked, by person, bounded.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import type { Command, CommandInputs } from "../../src/kernel/command.ts";
import type { ApproverView } from "../../src/wire/types/approver-views.ts";
import { parseLeaves } from "../../src/history/leaves.ts";
import { Documents } from "../../src/history/projections/documents.ts";
import { project } from "../../src/history/projections/project.ts";
import { engineWith } from "./fixed-policy.ts";
import { follow } from "./following.ts";
import { Recorder, RecordedStore } from "./recorder.ts";

const BUNDLE = hash("sha256", "bundle");
const ORIGIN = { owner: null, models: [] } as const;

class Holds extends Recorder {
  constructor() {
    super(engineWith("e1", [BUNDLE]));
    this.do("open-log", { format: 1 });
    this.do("start-engine", { engine: "e1" });
    this.do("propose-policy", { bundleHash: BUNDLE, mode: "file", person: null, requestHash: "r" }, "person:ada");
  }

  do<T extends Command["type"]>(type: T, input: CommandInputs[T], actor = "system:kernel"): string {
    const reply = this.submit({ type, actor, input } as unknown as Command);
    assert.ok(reply !== null, `${type} is accepted`);
    return reply.subject;
  }

  /** Waits for one of the on-call, from now on; with `payments` for two. */
  held(service: string): string {
    const proposal = {
      kind: "careful.change",
      environment: "production",
      service,
      resource: null,
      agentKind: "person",
      person: "author",
      requestHash: hash("sha256", `${service} ${this.nowMs}`),
      planHash: "plan",
      repeat: "idempotent",
      effect: "external",
      reversible: true,
      idempotencyKey: null,
    } as const;
    const id = this.do("propose-action", proposal, "person:author");
    assert.equal(this.state.actions.get(id)?.status, "held");
    return id;
  }

  answer(
    action: string,
    afterMs: number,
    by: { decision?: "approve" | "deny"; id?: string; roles?: string[] } = {},
  ): void {
    this.nowMs += afterMs;
    const { decision = "approve", id = "person:bob", roles = ["sre"] } = by;
    const answerer = { id, kind: "person", person: id.includes("bob") ? "bob" : "eve", roles, ...ORIGIN } as const;
    const present = this.state.actions.get(action)?.hold?.approvals ?? [];
    this.do("answer-hold", { action, decision, planHash: "plan", answerer, proposer: ORIGIN, present }, id);
  }

  async approver(id: string): Promise<ApproverView | null> {
    const store = new RecordedStore();
    store.batches.push(...this.batches(2));
    const { follower, views } = await follow(store, { engine: engineWith("e1", [BUNDLE]) });
    await follower.catchUp();
    assert.equal(follower.status().mismatched, 0);
    return views.find("approvers", id);
  }
}

test("a person's answers are one document, under whichever identity, with the time since they were asked", async () => {
  const holds = new Holds();
  const first = holds.held("cart");
  holds.answer(first, 40_000);
  const second = holds.held("search");
  holds.answer(second, 3_000, { id: "person:bob-phone", decision: "deny" });
  const bob = await holds.approver("bob");
  assert.deepEqual(
    bob?.recent.map(({ action, decision, afterMs }) => [action, decision, afterMs]),
    [
      [first, "approve", 40_000],
      [second, "deny", 3_000],
    ],
  );
  assert.deepEqual([bob.decisions, bob.approvals, bob.denials, bob.approvalRate], [2, 1, 1, 0.5]);
  assert.deepEqual([bob.medianMs, bob.fastestMs, bob.hurried, bob.status], [21_500, 3_000, 1, "clear"]);
  assert.equal(bob.lastAt - bob.firstAt, 3_000);
  assert.equal(await holds.approver("eve"), null);
});

test("each of two who are needed is measured, and after an escalation from when that step was asked", async () => {
  const holds = new Holds();
  const action = holds.held("payments");
  holds.answer(action, 20_000, { id: "person:eve", roles: ["admin"] });
  holds.nowMs += 5 * 60_000;
  holds.do("tick", {});
  assert.equal(holds.state.actions.get(action)?.hold?.step, 1);
  holds.answer(action, 7_000);
  assert.equal(holds.state.actions.get(action)?.status, "granted");
  assert.equal((await holds.approver("eve"))?.medianMs, 20_000);
  assert.equal((await holds.approver("bob"))?.medianMs, 7_000);
});

test("the last hundred decisions are kept and measured, and all are counted", async () => {
  const holds = new Holds();
  for (let i = 0; i < 105; i++) {
    const action = holds.held("cart");
    holds.answer(action, i < 5 ? 1_000 : 30_000, { decision: "deny" });
  }
  const bob = await holds.approver("bob");
  assert.deepEqual([bob?.decisions, bob?.denials, bob?.measured, bob?.recent.length], [105, 105, 100, 100]);
  assert.deepEqual([bob?.hurried, bob?.fastestMs, bob?.status], [0, 30_000, "clear"]);
});

test("who approves five things within ten minutes is flagged", async () => {
  const holds = new Holds();
  for (const service of ["a", "b", "c", "d", "e"]) holds.answer(holds.held(service), 60_000);
  const bob = await holds.approver("bob");
  assert.deepEqual([bob?.status, bob?.reasons, bob?.lastBurst?.approvals], ["flagged", ["burst"], 5]);
});

test("what an agent answers is not held against the person it speaks for", () => {
  const holds = new Holds();
  holds.answer(holds.held("cart"), 10);
  const measured = (answeredBy: string): number | undefined => {
    const documents = new Documents({ find: () => null });
    for (const event of holds.batches(100).flatMap(parseLeaves)) {
      project(documents, event.type === "action.approved" ? { ...event, actor: answeredBy } : event);
    }
    return documents.find("approvers", "bob")?.decisions;
  };
  assert.equal(measured("agent:reviewer"), undefined);
  assert.equal(measured("person:bob"), 1);
});
