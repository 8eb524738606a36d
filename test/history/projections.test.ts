// What people read: a run, its incident and its actions told from recorded facts.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { explainAction, explanationSources } from "../../src/history/explain.ts";
import { TERMS } from "../../src/kernel/limits.ts";
import { parseLeaves } from "../../src/history/leaves.ts";
import { Documents } from "../../src/history/projections/documents.ts";
import { project } from "../../src/history/projections/project.ts";
import { withEvent } from "../../src/history/projections/actions.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import type { ActionView } from "../../src/wire/types/views.ts";
import { engineWith } from "./fixed-policy.ts";
import { BUNDLES } from "./names.ts";
import { Workload } from "./workload.ts";
import { BUNDLE, CLASSIFIER, Story } from "./story.ts";

test("a page that went out makes a paged run, under one correlation id", async () => {
  const story = new Story();
  const signal = story.signal("d1");
  const run = story.classify(900_000, { page: true, ticket: true });
  const [page, ticket] = story.plan();
  story.execute(page ?? "");
  story.execute(ticket ?? "", "failed");
  const views = await story.views();
  const document = views.find("runs", run);
  const incident = views.find("incidents", document?.incident ?? "");
  assert.deepEqual(
    [document?.verdict, document?.status, document?.correlationId],
    ["paged", "classified", incident?.id],
  );
  assert.deepEqual(document?.classifier, CLASSIFIER);
  assert.deepEqual(
    document.actions.map(({ kind, status }) => [kind, status]),
    [
      ["pagerduty.trigger", "succeeded"],
      ["servicenow.incident.create", "failed"],
    ],
  );
  assert.deepEqual([incident?.paged, incident?.signals, incident?.runs], [true, [signal], [run]]);
  assert.deepEqual(incident?.actions, [page, ticket]);
  assert.equal(views.find("signals", signal)?.run, run);
  const action = views.find("actions", page ?? "");
  assert.deepEqual([action?.correlationId, action?.run, action?.attempt], [incident.id, run, 1]);
  const events = story.events();
  assert.deepEqual(
    action?.events.map((seq) => events.find((event) => event.seq === seq)?.type),
    ["action.proposed", "action.planned", "action.granted", "step.started", "step.finished"],
  );
  assert.equal(action?.planSeq, action?.events[1]);
});

test("a run tells whether someone is asked, nothing was wanted, or nobody could classify it", async () => {
  const story = new Story();
  story.signal("d1");
  const unsure = story.classify(500_000, { ticket: true });
  story.plan();
  story.signal("d2", { service: "search" });
  const idle = story.classify(900_000, {});
  story.signal("d3", { service: "payments" });
  const lost = [...story.state.runs.keys()][0] ?? "";
  const counted = { ...CLASSIFIER, inputTokens: 321, outputTokens: 45 };
  const nothing = { classification: null, classifier: counted, code: "invalid", problems: ["confidence"] };
  story.do("classify-run", { run: lost, ...nothing });
  const before = (await story.views()).find("runs", lost);
  assert.deepEqual([before?.status, before?.verdict, before?.code], ["unclassified", "pending", "invalid"]);
  assert.deepEqual(before?.classifier, counted, "who gave the answer that nobody believed");
  story.do("plan-action", { action: [...story.state.actions.keys()].at(-1) ?? "", planHash: null, code: "no" });
  const views = await story.views();
  assert.equal(views.find("runs", unsure)?.verdict, "held");
  assert.equal(views.find("runs", idle)?.verdict, "no-action");
  assert.equal(views.find("runs", lost)?.verdict, "unclassified");
  const held = views.list("actions", { filters: { status: "held" }, cursor: null, limit: 10 }).items;
  assert.equal(held.length, 1);
  assert.deepEqual([held[0]?.hold?.route, held[0]?.hold?.roles], ["on-call", ["sre"]]);
  assert.deepEqual(views.counts("actions"), { held: 1, refused: 1 });
});

test("a run whose time ran out was classified by nobody", async () => {
  const story = new Story();
  story.signal("d1");
  const run = [...story.state.runs.keys()][0] ?? "";
  story.nowMs += TERMS.classificationMs;
  story.do("tick", {});
  const view = (await story.views()).find("runs", run);
  assert.deepEqual([view?.status, view?.code, view?.classifier], ["unclassified", "timeout", null]);
});

test("a hold that was answered is over in the view, with the answer kept", async () => {
  const story = new Story();
  story.signal("d1");
  const run = story.classify(500_000, { ticket: true });
  const [ticket = ""] = story.plan();
  story.answer(ticket, "deny");
  const views = await story.views();
  const action = views.find("actions", ticket);
  assert.deepEqual([action?.status, action?.hold, action?.answers[0]?.decision], ["denied", null, "deny"]);
  assert.deepEqual([action?.answers[0]?.person, action?.answers[0]?.actor], ["p-bob", "person:bob"]);
  assert.equal(action?.endedAt, story.nowMs);
  assert.equal(views.find("runs", run)?.verdict, "ended");
});

test("under a dry-run brake a run says dry-run and nothing counts as paged", async () => {
  const story = new Story();
  const brake = story.do("apply-brake", { mode: "dry-run", scope: { environment: "production" } }, "person:ada");
  story.signal("d1");
  const run = story.classify(900_000, { page: true });
  const [page = ""] = story.plan();
  const release = story.do("release-brake", { brake, person: "p-ada", requestHash: "rr" }, "person:ada");
  story.answer(release, "approve");
  const views = await story.views();
  assert.equal(views.find("runs", run)?.verdict, "dry-run");
  assert.deepEqual([views.find("actions", page)?.status, views.find("actions", page)?.dryRun], ["succeeded", true]);
  assert.deepEqual(
    [views.find("brakes", brake)?.status, views.find("brakes", brake)?.releaseAction],
    ["released", release],
  );
});

test("a bundle in force supersedes the one before, and names the action that activated it", async () => {
  const next = hash("sha256", "next");
  const story = new Story();
  (story.engine as ReturnType<typeof engineWith>).load(next);
  const input = { bundleHash: next, mode: "governed", person: "p-ada", requestHash: "r2" } as const;
  const action = story.do("propose-policy", input, "person:ada");
  story.answer(action, "approve");
  const views = await story.views();
  assert.equal(views.find("policies", BUNDLE)?.status, "superseded");
  const policy = views.find("policies", next);
  assert.deepEqual([policy?.status, policy?.mode, policy?.action], ["active", "governed", action]);
  assert.equal(views.find("installation", "log")?.bundleHash, next);
});

test("an erased payload is shown as erased", async () => {
  const story = new Story();
  const signal = story.signal("d1");
  story.do("erase-payload", { keyId: "3", ofSubject: signal, retention: "content" });
  assert.deepEqual((await story.views()).find("signals", signal)?.erased, ["content"]);
});

test("an action is explained by who gave it authority, what limited it, and how it was decided", async () => {
  const story = new Story();
  const signal = story.signal("d1");
  story.classify(500_000, { ticket: true });
  const [ticket = ""] = story.plan();
  story.answer(ticket, "approve");
  story.execute(ticket);
  const views = await story.views();
  const action = views.find("actions", ticket);
  assert.ok(action !== null);
  const sources = new Set(explanationSources(views, action));
  const explained = explainAction(
    story.events().filter(({ seq }) => sources.has(seq)),
    ticket,
  );
  const { authority, constraints, path, triage } = explained;
  assert.deepEqual([authority.agent, authority.answers[0]?.person], ["system:triage", "p-bob"]);
  assert.deepEqual([authority.policy?.bundleHash, authority.policy?.activated?.actor], [BUNDLE, "person:ada"]);
  assert.equal(authority.grant?.planHash, `plan-${ticket}`);
  assert.deepEqual(
    constraints.evaluations.map(({ decision }) => decision),
    ["hold", "hold"],
  );
  assert.deepEqual(constraints.holds[0]?.roles, ["sre"]);
  assert.deepEqual([constraints.planHash, constraints.stoppedBy], [`plan-${ticket}`, null]);
  assert.deepEqual(
    path.map(({ by }) => by),
    [null, "plan-action", null, "answer-hold", null, "begin-step", "finish-step"],
  );
  assert.deepEqual([triage?.run, triage?.signal, triage?.classifier], [action.run, signal, CLASSIFIER]);
  for (const part of [
    "Who approved",
    "approved by p-bob as person:bob",
    "held on route on-call",
    "step.finished",
    `signal ${signal} in run ${action.run} classified as high at confidence 0.5 [${triage?.seq}]`,
    "answered by rules/r 1, prompt p, answer a",
  ]) {
    assert.ok(explained.text.includes(part), part);
  }
  const alone = explainAction(story.events().filter(({ subject }) => subject === ticket));
  assert.deepEqual([alone.action, alone.authority.policy?.activated, alone.triage], [ticket, null, null]);
});

test("a review that nobody's answer led to says what was wrong with the answer, and whose it was", () => {
  for (const [classifier, words] of [
    [{ ...CLASSIFIER, inputTokens: 321, outputTokens: 45 }, "answer a, 321 tokens in, 45 out"],
    [null, "nobody answered"],
  ] as const) {
    const story = new Story();
    story.signal("d1");
    const run = [...story.state.runs.keys()][0] ?? "";
    story.do("classify-run", { run, classification: null, classifier, code: "invalid", problems: ["confidence"] });
    const [ticket = ""] = story.plan();
    const { text } = explainAction(story.events(), ticket);
    assert.match(text, /run run_[0-9a-z]+ not classified: invalid, confidence \[\d+\]/);
    assert.ok(text.includes(words), text);
  }
});

test("an action of triage is explained by its stage and by who granted that, also where that decided against it", async () => {
  const story = new Story();
  story.signal("d1");
  story.classify(900_000, { page: true });
  const [page = ""] = story.plan();
  const first = { grant: "stg_000000004", stage: "mim-automation" };
  assert.deepEqual(await stageOf(story, page), { ...first, granted: { action: null, actor: "system:kernel", seq: 4 } });
  const set = story.setStage("assist");
  story.signal("d2", { service: "search", signature: "other" });
  story.classify(900_000, { page: true });
  const [draft = ""] = story.plan();
  const granted = story.events().findLast(({ type }) => type === "stage.granted");
  const expected = { actor: "person:bob", action: set, seq: granted?.seq };
  assert.deepEqual(await stageOf(story, draft), { grant: granted?.subject, stage: "assist", granted: expected });
  const view = (await story.views()).find("installation", "log")?.stage;
  assert.deepEqual(
    [view?.id, view?.grantedBy, view?.action, view?.isSigned],
    [granted?.subject, "person:bob", set, false],
  );
});

async function stageOf(story: Story, id: string): Promise<unknown> {
  const views = await story.views();
  const action = views.find("actions", id);
  assert.ok(action !== null);
  const sources = new Set(explanationSources(views, action));
  const explained = explainAction(
    story.events().filter(({ seq }) => sources.has(seq)),
    id,
  );
  assert.match(explained.text, /at the stage \S+, of the grant stg_\S+, /);
  return explained.authority.stage;
}

test("an action that was stopped says by what", () => {
  const story = new Story();
  story.do("apply-brake", { mode: "pause", scope: {} }, "person:ada");
  story.signal("d1");
  story.classify(900_000, { page: true });
  const [page = ""] = story.plan();
  const explained = explainAction(story.events(), page);
  assert.deepEqual([explained.constraints.stoppedBy, explained.authority.grant], ["paused", null]);
  assert.ok(explained.text.includes("stopped: paused"));
});

test("events about things that views do not know change nothing and never throw", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.array(fc.nat(600), { maxLength: 200 }), (seed, picks) => {
      const workload = new Workload(engineWith("e1", BUNDLES), seed);
      for (let step = 0; step < 200; step++) workload.step();
      const events = workload.batches(50).flatMap(parseLeaves);
      const documents = new Documents({ find: () => null });
      for (const pick of picks) {
        const event = events[pick % events.length];
        if (event !== undefined) project(documents, event);
      }
      project(documents, { ...(events[0] as LedgerEvent), type: "unheard.of" });
    }),
    { numRuns: 30 },
  );
});

test("an action of many events names its first and its last, and says how many it left out", async () => {
  const story = new Story();
  story.signal("d1");
  story.classify(500_000, { ticket: true });
  const [ticket = ""] = story.plan();
  const view = (await story.views()).find("actions", ticket);
  assert.ok(view !== null);
  let long: ActionView = view;
  for (let n = 0; n < 100; n++) long = { ...long, ...withEvent(long, 1_000 + n) };
  assert.equal(long.events.length, 64);
  assert.equal(long.eventsOmitted, view.events.length + 100 - 64);
  assert.deepEqual([long.events[0], long.events.at(-1)], [view.seq, 1_099]);
});

test("an incident tells how the last attempt to close its page went, and a run why its actions were refused", () => {
  const story = new Story();
  story.signal("a:firing");
  const run = story.classify(900_000, { page: true });
  const page = [...story.state.actions.keys()][0] ?? "";
  story.do("plan-action", { action: page, planHash: "plan", code: "" });
  story.do("begin-step", { action: page });
  story.do("finish-step", { action: page, attempt: 1, status: "succeeded", code: "http-202", afterMs: 0 });
  story.do("apply-brake", { mode: "pause", scope: {} });
  story.signal("a:resolved", { status: "resolved" });
  const resolve = [...story.state.actions.keys()][0] ?? "";
  story.do("plan-action", { action: resolve, planHash: "plan", code: "" });
  const views = new Documents({ find: () => null });
  for (const event of story.groups.flat()) project(views, event);
  const action = views.find("actions", page);
  const closing = views.find("incidents", action?.incident ?? "")?.pageClosing;
  assert.deepEqual([closing?.id, closing?.status, closing?.code], [resolve, "refused", "paused"]);
  const refused = views.find("runs", run)?.actions.find(({ id }) => id === resolve);
  assert.equal(refused?.code, "paused");
});
