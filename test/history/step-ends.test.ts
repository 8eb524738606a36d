// Which event of an action says what its newest step did.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Story } from "./story.ts";

test("an action names the event that says most about its newest step", async () => {
  const story = new Story();
  story.signal("d1");
  story.classify(900_000, { page: true, ticket: true });
  const [page = "", ticket = ""] = story.plan();
  const named = async (id: string): Promise<unknown> => {
    const end = (await story.views()).find("actions", id)?.stepEnd;
    const { type, facts } = story.events().find(({ seq }) => seq === end?.seq) ?? {};
    return end == null ? null : [type, facts?.["status"], end.unclear ?? false];
  };
  const asked = (action: string, attempt: number, status: "unclear" | "absent"): string =>
    story.do("reconcile-step", { action, attempt, status, afterMs: status === "unclear" ? 1_000 : 0 });
  assert.equal(await named(ticket), null);
  story.do("begin-step", { action: ticket });
  story.do("finish-step", { action: ticket, attempt: 1, status: "unknown", code: "timeout", afterMs: 0 });
  assert.deepEqual(await named(ticket), ["step.finished", "unknown", false]);
  asked(ticket, 1, "unclear");
  assert.deepEqual(await named(ticket), ["step.finished", "unknown", false], "no answer hides what the call said");
  asked(ticket, 1, "absent");
  assert.deepEqual(await named(ticket), ["step.reconciled", "absent", false]);
  story.do("begin-step", { action: ticket });
  assert.equal(await named(ticket), null, "of the step that runs nothing is known yet");
  story.do("finish-step", { action: ticket, attempt: 2, status: "succeeded", code: "done", afterMs: 0 });
  assert.deepEqual(await named(ticket), ["step.finished", "succeeded", false]);

  story.do("begin-step", { action: page });
  story.do("start-engine", { engine: "e1" });
  asked(page, 1, "unclear");
  asked(page, 1, "unclear");
  assert.deepEqual(await named(page), ["step.reconciled", "unclear", true]);
  const events = story.events().filter(({ type }) => type === "step.reconciled");
  assert.equal((await story.views()).find("actions", page)?.stepEnd?.seq, events.at(-1)?.seq, "the last of them");
});
