// Attacks on approvals over HTTP: each is refused with its own code, and none changes anything.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { disableClient } from "../../src/adapters/identity/clients.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { note, startServer, type Answer, type Who } from "./fixture.ts";

const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: notes }
spec:
  match: { actions: [record.note] }
  rules:
    - { name: short, when: action.environment == "staging", decision: hold, route: short }
    - { name: reviewed, when: action.environment == "test", decision: hold, route: reviewers }
    - { name: pair, decision: hold, route: pair }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: pair }
spec:
  steps: [{ approvers: { all: [{ role: owner }, { role: on-call }] }, within: 10m }]
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: short }
spec:
  steps: [{ roles: [owner], within: 1s }]
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: reviewers }
spec:
  steps: [{ approvers: { all: [{ role: on-call, agents: true }, { role: owner }] }, within: 10m }]
`;

type Held = { readonly id: string; readonly planHash: string };

describe("approvals", () => {
  let server: Awaited<ReturnType<typeof startServer>>;
  const bearers = new Map<Who, string>();

  before(async () => {
    server = await startServer({ policy: POLICY });
    const everybody = ["ada", "grace", "iris", "adaPhone", "visitor", "deployer"] as const;
    for (const who of everybody) bearers.set(who, await server.bearer(who));
  });
  after(() => server.stop());

  const as = (who: Who): string => bearers.get(who) ?? "";

  async function held(by: Who = "visitor", environment = "production"): Promise<Held> {
    const body = note(environment, `note ${Math.random()}`);
    const { json } = await server.ask("/v1/actions", { as: as(by), body });
    const id = json?.["id"] as string;
    const read = await server.ask(`/v1/actions/${id}`, { as: as("ada") });
    return { id, planHash: read.json?.["planHash"] as string };
  }

  function answer(who: Who, { id, planHash }: Held, more: JsonObject = {}): Promise<Answer> {
    const body = { decision: "approve", planHash, ...more };
    return server.ask(`/v1/actions/${id}/approvals`, { as: as(who), body });
  }

  async function statusOf({ id }: Held): Promise<unknown> {
    return (await server.ask(`/v1/actions/${id}`, { as: as("ada") })).json?.["status"];
  }

  async function holdOf({ id }: Held): Promise<JsonObject> {
    const { json } = await server.ask(`/v1/actions/${id}`, { as: as("ada") });
    return { ...(json?.["hold"] as JsonObject | undefined) };
  }

  /** Refused so, and nothing is recorded but that somebody was refused. */
  async function refused(asked: Promise<Answer>, status: number, code: string): Promise<void> {
    const before = server.running.kernel.durableSize;
    const { json, status: given, headers } = await asked;
    assert.deepEqual([given, json?.["code"]], [status, code]);
    assert.match(headers.get("content-type") ?? "", /^application\/problem\+json/);
    const recorded = (await server.eventsSince(before)).filter(({ type }) => type !== "refusals.counted");
    assert.deepEqual(recorded, []);
  }

  it("of another plan", async () => {
    const [one, two] = [await held(), await held()];
    assert.notEqual(one.planHash, two.planHash);
    await refused(answer("ada", { id: one.id, planHash: two.planHash }), 409, "plan-mismatch");
    await refused(answer("ada", { ...one, planHash: "0".repeat(64) }), 409, "plan-mismatch");
    await refused(answer("ada", { ...one, planHash: one.planHash.toUpperCase() }), 400, "request-invalid");
  });

  it("by whoever proposed it, under any of their identities", async () => {
    const own = await held("ada");
    await refused(answer("ada", own), 403, "self-approval");
    await refused(answer("adaPhone", own), 403, "self-approval");
    await refused(answer("adaPhone", own, { decision: "deny" }), 403, "self-approval");
    assert.equal((await answer("grace", own)).json?.["status"], "held");
  });

  it("by one person twice, under one identity or two", async () => {
    const action = await held();
    assert.equal((await answer("ada", action)).json?.["status"], "held", "ada takes one seat of the two that she fits");
    await refused(answer("ada", action), 409, "already-answered");
    await refused(answer("adaPhone", action), 409, "already-answered");
  });

  it("of one group where two are asked for", async () => {
    const action = await held();
    assert.equal((await answer("adaPhone", action)).json?.["status"], "held");
    assert.equal((await answer("iris", action)).json?.["status"], "held", "nobody is an owner yet");
    const needs = (await holdOf(action))["needs"] as unknown as readonly JsonObject[];
    assert.deepEqual(
      needs.map(({ roles, count, have }) => [roles, count, have]),
      [
        [["owner"], 1, 0],
        [["on-call"], 1, 1],
      ],
    );
  });

  it("by somebody without a role, or without the scope", async () => {
    const action = await held("grace");
    await refused(answer("visitor", action), 403, "not-eligible");
    await refused(answer("visitor", action, { decision: "deny" }), 403, "not-eligible");
    const body = { decision: "approve", planHash: action.planHash };
    const narrow = await server.bearer("ada", ["actions:read"]);
    const asked = server.ask(`/v1/actions/${action.id}/approvals`, { as: narrow, body });
    await refused(asked, 403, "scope-insufficient");
  });

  it("by an agent where people are asked", async () => {
    const action = await held();
    await refused(answer("deployer", action), 403, "not-eligible");
    await refused(answer("deployer", action, { decision: "deny" }), 403, "not-eligible");
    const open = await held("visitor", "test");
    assert.equal((await answer("deployer", open)).json?.["status"], "held", "here an agent may");
    await refused(answer("iris", { ...open, planHash: "0".repeat(64) }), 409, "plan-mismatch");
    assert.equal((await answer("grace", open)).json?.["status"], "succeeded");
  });

  it("a second time, of what has been used up", async () => {
    const action = await held();
    await answer("ada", action);
    assert.equal((await answer("grace", action)).json?.["status"], "succeeded");
    for (const decision of ["approve", "deny", "withdraw"]) {
      await refused(answer("ada", action, { decision }), 409, "action-not-held");
    }
    const again = await held();
    await refused(answer("grace", { ...again, planHash: action.planHash }), 409, "plan-mismatch");
  });

  it("after the time for it is over", async () => {
    const late = await held("visitor", "staging");
    for (let i = 0; i < 200 && (await statusOf(late)) === "held"; i++) await sleep(50);
    assert.equal(await statusOf(late), "expired");
    await refused(answer("ada", late), 409, "action-not-held");
  });

  it("of nothing that there is", async () => {
    await refused(answer("ada", { id: "act_zzzzzzzzz", planHash: "0".repeat(64) }), 409, "action-not-held");
    await refused(answer("grace", await held(), { decision: "withdraw" }), 404, "approval-not-found");
  });

  it("taken back counts no more, and only for whoever gave it", async () => {
    const action = await held();
    await answer("ada", action);
    await refused(answer("grace", action, { decision: "withdraw" }), 404, "approval-not-found");
    assert.equal((await answer("adaPhone", action, { decision: "withdraw" })).status, 200);
    assert.equal((await answer("grace", action)).json?.["status"], "held");
    assert.equal((await answer("ada", action)).json?.["status"], "succeeded");
  });

  it("by somebody who was disabled since counts no more", async () => {
    const action = await held();
    assert.equal((await answer("grace", action)).json?.["status"], "held");
    disableClient(join(server.dataDir, "clients"), "person:grace");
    for (let i = 0; i < 200 && (await answer("grace", action)).status !== 401; i++) await sleep(50);
    await refused(answer("grace", action), 401, "token-invalid");
    assert.equal((await answer("ada", action)).json?.["status"], "held", "ada takes one seat, grace none");
    const approvals = (await holdOf(action))["approvals"] as unknown as readonly JsonObject[];
    assert.deepEqual(
      approvals.map(({ id }) => id),
      ["person:ada"],
    );
    assert.equal((await answer("iris", action)).json?.["status"], "succeeded");
  });
});
