// Proposals over HTTP: who may answer a hold and how, and what an idempotency key promises.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { note, startServer, type Answer, type Who } from "./fixture.ts";

let server: Awaited<ReturnType<typeof startServer>>;
const tokens = new Map<Who, string>();

before(async () => {
  server = await startServer();
  for (const who of ["ada", "adaPhone", "grace", "visitor", "deployer", "stranger"] as const) {
    tokens.set(who, await server.bearer(who));
  }
});
after(() => server.stop());

const as = (who: Who): { as: string } => ({ as: tokens.get(who) ?? "" });

type Keyed = { readonly body: Json; readonly key?: string };

const propose = (who: Who, { body, key }: Keyed): Promise<Answer> =>
  server.ask("/v1/actions", {
    ...as(who),
    body,
    ...(key === undefined ? {} : { headers: { "idempotency-key": key } }),
  });

type Hold = { readonly id: string; readonly planHash: string };

/** A note about production, which the standard policies hold for the one on call. */
async function hold(who: Who): Promise<Hold> {
  const { status, json } = await propose(who, { body: note("production") });
  assert.deepEqual([status, json?.["status"]], [202, "held"]);
  const id = json?.["id"] as string;
  const action = await server.ask(`/v1/actions/${id}`, as("ada"));
  return { id, planHash: action.json?.["planHash"] as string };
}

const answer = (who: Who, { id, planHash }: Hold, decision = "approve"): Promise<Answer> =>
  server.ask(`/v1/actions/${id}/approvals`, { ...as(who), body: { decision, planHash, reason: "looked at it" } });

async function assertRefused(one: Promise<Answer>, code: string): Promise<void> {
  const size = server.running.kernel.durableSize;
  const { json, text } = await one;
  assert.equal(json?.["code"], code, text);
  assert.equal(server.running.kernel.durableSize, size, "a refusal is no event");
}

async function statusOf(id: string): Promise<string> {
  return (await server.ask(`/v1/actions/${id}`, as("ada"))).json?.["status"] as string;
}

async function ended(id: string): Promise<string> {
  let status = await statusOf(id);
  while (["granted", "executing", "retrying"].includes(status)) status = await statusOf(id);
  return status;
}

describe("an answer to a hold", () => {
  it("that names another plan is refused, and the hold goes on", async () => {
    const held = await hold("deployer");
    await assertRefused(answer("grace", { ...held, planHash: "0".repeat(64) }), "plan-mismatch");
    await assertRefused(answer("grace", { ...held, planHash: "0".repeat(64) }, "deny"), "plan-mismatch");
    assert.equal(await statusOf(held.id), "held");
  });

  it("is not the proposer's own, under none of the names of one person", async () => {
    const held = await hold("ada");
    await assertRefused(answer("ada", held), "self-approval");
    await assertRefused(answer("adaPhone", held), "self-approval");
    const other = await hold("adaPhone");
    await assertRefused(answer("ada", other), "self-approval");
    assert.equal((await answer("grace", held)).status, 200);
  });

  it("is not an agent's, whatever its roles and scopes", async () => {
    await assertRefused(answer("deployer", await hold("ada")), "not-eligible");
  });

  it("is not a person's without the role that the route asks", async () => {
    await assertRefused(answer("visitor", await hold("deployer")), "not-eligible");
  });

  it("is not given by whoever lacks the scope", async () => {
    const held = await hold("deployer");
    const token = await server.bearer("grace", ["actions:read"]);
    const path = `/v1/actions/${held.id}/approvals`;
    const body = { decision: "approve", planHash: held.planHash };
    await assertRefused(server.ask(path, { as: token, body }), "scope-insufficient");
  });

  it("that approves makes it run, once, and a second answer finds nothing held", async () => {
    const held = await hold("deployer");
    const approved = await answer("grace", held);
    assert.equal(approved.status, 200);
    assert.ok(["granted", "succeeded"].includes(approved.json?.["status"] as string), approved.text);
    assert.equal(await ended(held.id), "succeeded");
    await assertRefused(answer("grace", held), "action-not-held");
    await assertRefused(answer("ada", held, "deny"), "action-not-held");
    const explained = await server.ask(`/v1/actions/${held.id}/explain`, as("ada"));
    assert.match(explained.text, /person:grace|"grace"/);
  });

  it("stands in the timeline of the action, which its list names by events alone", async () => {
    const held = await hold("deployer");
    await answer("grace", held);
    assert.equal(await ended(held.id), "succeeded");
    const { json } = await server.ask(`/v1/actions/${held.id}`, as("ada"));
    const timeline = json?.["timeline"] as readonly { seq: number; type: string; facts: JsonObject }[];
    assert.deepEqual(timeline.map(({ type }) => type).slice(0, 3), [
      "action.proposed",
      "action.held",
      "action.approved",
    ]);
    assert.equal(timeline[2]?.facts["person"], "grace");
    assert.equal(json?.["timelineOmitted"], 0);
    const list = await server.ask("/v1/actions?limit=200", as("ada"));
    const listed = (list.json?.["items"] as readonly JsonObject[] | undefined)?.find(({ id }) => id === held.id);
    assert.deepEqual(
      listed?.["events"],
      timeline.map(({ seq }) => seq),
    );
    assert.equal(listed["timeline"], undefined);
  });

  it("that comes fifty times at once counts once", async () => {
    const held = await hold("deployer");
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => answer(i % 2 === 0 ? "grace" : "ada", held)),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.ok(answers.every(({ status, json }) => status === 200 || json?.["code"] === "action-not-held"));
  });

  it("that denies ends it", async () => {
    const held = await hold("deployer");
    assert.equal((await answer("grace", held, "deny")).json?.["status"], "denied");
    await assertRefused(answer("ada", held), "action-not-held");
    assert.equal(await statusOf(held.id), "denied");
  });

  it("does not approve what a brake holds, and may still deny it", async () => {
    const held = await hold("deployer");
    const body = { mode: "pause", scope: { environment: "PROD", service: "Cart" } };
    const preview = await server.ask("/v1/killswitch?preview=true", { ...as("ada"), method: "PUT", body });
    const wouldStop = (preview.json?.["wouldStop"] ?? []) as JsonObject[];
    const listed = wouldStop.find(({ id }) => id === held.id);
    assert.equal(listed?.["stage"], "held", "the scope is read as actions are named");
    const counts = preview.json?.["counts"] as Record<string, number>;
    assert.equal(counts["held"], wouldStop.filter(({ stage }) => stage === "held").length);
    const paused = await server.ask("/v1/killswitch", { ...as("ada"), method: "PUT", body });
    await assertRefused(answer("grace", held), "killswitch-conflict");
    assert.equal((await answer("grace", held, "deny")).json?.["status"], "denied");
    await release(paused.json?.["brake"] as string);
  });

  it("to an action that does not exist, or of which only a part of the id is given, is refused", async () => {
    await assertRefused(answer("grace", { id: "act_zzzzzzzzz", planHash: "0".repeat(64) }), "action-not-held");
    await assertRefused(answer("grace", { id: "act_", planHash: "0".repeat(64) }), "action-not-held");
  });
});

const ONE_SECOND = `
apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: note }
spec:
  match: { actions: [record.note] }
  rules:
    - { name: always, decision: hold, route: hurried }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: hurried }
spec:
  steps: [{ roles: [on-call], within: 1s }]
  onTimeout: deny
`;

describe("an answer that comes too late", () => {
  it("is refused: the hold has expired, and nothing runs", async () => {
    const hurried = await startServer({ policy: ONE_SECOND });
    try {
      const [ada, grace] = [await hurried.bearer("ada"), await hurried.bearer("grace")];
      const held = await hurried.ask("/v1/actions", { as: ada, body: note("staging") });
      assert.equal(held.json?.["status"], "held");
      const path = held.json["href"] as string;
      let { json } = await hurried.ask(path, { as: ada });
      const planHash = json?.["planHash"] as string;
      while (json?.["status"] === "held") {
        await setTimeout(50);
        json = (await hurried.ask(path, { as: ada })).json;
      }
      assert.equal(json?.["status"], "expired");
      const late = await hurried.ask(`${path}/approvals`, { as: grace, body: { decision: "approve", planHash } });
      assert.equal(late.json?.["code"], "action-not-held");
      assert.equal((await hurried.ask(path, { as: ada })).json?.["status"], "expired");
    } finally {
      await hurried.stop();
    }
  });
});

/** Resuming is an action of its own that somebody else approves. */
async function release(brake: string): Promise<void> {
  const asked = await server.ask("/v1/killswitch", {
    ...as("ada"),
    method: "PUT",
    body: { mode: "run", brake },
  });
  const [resume] = (asked.json?.["resumes"] ?? []) as JsonObject[];
  const id = resume?.["id"] as string;
  const { json } = await server.ask(`/v1/actions/${id}`, as("ada"));
  await assertRefused(answer("ada", { id, planHash: json?.["planHash"] as string }), "self-approval");
  assert.equal((await answer("grace", { id, planHash: json?.["planHash"] as string })).status, 200);
  const now = await server.ask("/v1/killswitch", as("ada"));
  assert.deepEqual(now.json?.["brakes"], []);
}

describe("the answer to a proposal", () => {
  it("says what was decided, by which verdicts, who must answer and until when", async () => {
    const { json } = await propose("visitor", { body: note("production", "who answers") });
    const { json: action } = await server.ask(json?.["href"] as string, as("ada"));
    const [hold, evaluation] = [action?.["hold"] as JsonObject, action?.["evaluation"] as JsonObject];
    assert.deepEqual([json?.["status"], json?.["decision"]], ["held", "hold"]);
    assert.deepEqual(json?.["next"], { who: "1 of on-call", roles: ["on-call"], until: hold["deadline"] as number });
    assert.deepEqual(json?.["verdicts"], evaluation["verdicts"]);
    const free = await propose("visitor", { body: note("staging", "who answers") });
    assert.deepEqual([free.json?.["decision"], free.json?.["next"]], ["allow", null]);
  });

  it("of a dry run is the decision alone: nothing is held, and the same key is free for the real one", async () => {
    const body = { ...note("production", "would it"), confidence: 0.25, dryRun: true };
    const { status, json } = await propose("visitor", { body, key: "dry-1" });
    assert.deepEqual([status, json?.["status"], json?.["code"], json?.["would"]], [200, "advised", "dry-run", "hold"]);
    const { json: action } = await server.ask(json?.["href"] as string, as("ada"));
    assert.deepEqual([action?.["dryRun"], action?.["confidencePpm"], action?.["hold"]], [true, 250_000, null]);
    const real = await propose("visitor", { body: note("production", "would it"), key: "dry-1" });
    assert.deepEqual([real.json?.["status"], real.json?.["repeated"]], ["held", false]);
  });

  it("comes when somebody has answered, for whoever waits, and in time in any case", async () => {
    const { json } = await propose("visitor", { body: note("production", "wait for it") });
    const href = json?.["href"] as string;
    const headers = { prefer: "respond-async, wait=30" };
    const waiting = server.ask(href, { ...as("visitor"), headers });
    const { json: held } = await server.ask(href, { ...as("ada"), headers: { prefer: "wait=0" } });
    assert.equal(held?.["status"], "held");
    const body = { decision: "deny", planHash: held?.["planHash"] as string };
    await server.ask(`${href}/approvals`, { ...as("ada"), body });
    const answer = await waiting;
    assert.equal(answer.headers.get("preference-applied"), "wait=30");
    assert.equal(answer.json?.["status"], "denied");
    const late = await server.ask(href, { ...as("visitor"), headers: { prefer: "wait=86400" } });
    assert.deepEqual([late.json?.["status"], late.headers.get("preference-applied")], ["denied", "wait=30"]);
  });

  it("names no evidence that is no id of its kind, and no confidence that is none", async () => {
    for (const bad of [
      { evidence: [{ kind: "signal", id: "act_000000001" }] },
      { evidence: [{ kind: "run", id: "run_1" }] },
      { confidence: -0.001 },
      { confidence: 1.001 },
      { confidence: "1" },
    ]) {
      const { json } = await propose("visitor", { body: { ...note("staging"), ...bad } });
      assert.equal(json?.["code"], "request-invalid");
    }
  });
});

describe("an idempotency key", () => {
  it("with the same request answers the same action as it is now, and adds nothing", async () => {
    const first = await propose("visitor", { body: note("staging", "once"), key: "k-1" });
    await ended(first.json?.["id"] as string);
    const size = server.running.kernel.durableSize;
    const again = await propose("visitor", { body: note("staging", "once"), key: "k-1" });
    assert.deepEqual(again.json, { ...first.json, status: "succeeded", repeated: true });
    assert.equal(again.status, 200);
    assert.equal(server.running.kernel.durableSize, size);
  });

  it("is told apart from another request by members, not by their order", async () => {
    const body = note("staging", "order");
    const first = await propose("visitor", { body, key: "k-2" });
    const turned = Object.fromEntries(Object.entries(body).toReversed());
    assert.equal((await propose("visitor", { body: turned, key: "k-2" })).json?.["id"], first.json?.["id"]);
    const size = server.running.kernel.durableSize;
    for (const other of [
      note("staging", "else"),
      note("test", "order"),
      { ...body, kind: "record.note", arguments: { text: "order", tags: ["x"] } },
    ]) {
      const { status, json } = await propose("visitor", { body: other, key: "k-2" });
      assert.deepEqual([status, json?.["code"]], [422, "idempotency-conflict"]);
    }
    assert.equal(server.running.kernel.durableSize, size);
  });

  it("sent fifty times at once proposes one action", async () => {
    const body = note("production", "fifty");
    const answers = await Promise.all(Array.from({ length: 50 }, () => propose("visitor", { body, key: "k-50" })));
    assert.equal(new Set(answers.map(({ json }) => json?.["id"])).size, 1);
    assert.equal(answers.filter(({ json }) => json?.["repeated"] === false).length, 1);
    assert.deepEqual(
      [...new Set(answers.map(({ status, json }) => `${status} ${json?.["status"] as string}`))],
      ["202 held"],
    );
  });

  it("belongs to whoever sent it: the same key of another identity is another key", async () => {
    const body = note("staging", "whose");
    const [one, other] = [await propose("visitor", { body, key: "k-3" }), await propose("grace", { body, key: "k-3" })];
    assert.notEqual(one.json?.["id"], other.json?.["id"]);
    assert.equal(other.json?.["repeated"], false);
  });

  it("without one, the same request twice is two actions", async () => {
    const [one, other] = [
      await propose("visitor", { body: note("staging", "twice") }),
      await propose("visitor", { body: note("staging", "twice") }),
    ];
    assert.notEqual(one.json?.["id"], other.json?.["id"]);
  });

  it("of a request that was refused is free for the corrected one", async () => {
    const wrong = await propose("visitor", { body: { ...note("staging"), arguments: {} }, key: "k-4" });
    assert.equal(wrong.json?.["code"], "arguments-invalid");
    assert.equal((await propose("visitor", { body: note("staging"), key: "k-4" })).status, 200);
  });
});
