// Attacks on approvals over HTTP: each is refused with its own code, and none changes anything.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { disableClient } from "../../src/adapters/identity/clients.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { metric, note, startServer, type Answer, type Who } from "./fixture.ts";
import { assertProblem, RefusalRecord } from "./problems.ts";

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

  let record: RefusalRecord;

  before(async () => {
    server = await startServer({ policy: POLICY });
    record = new RefusalRecord(server);
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

  /** Refused so, by a precise problem, counted once, and nothing is recorded but that somebody was refused. */
  async function refused(ask: () => Promise<Answer>, code: ErrorCode): Promise<void> {
    const series = `holdpoint_refusals_total{code="${code}"}`;
    const [before, count] = [server.running.kernel.durableSize, await metric(server, series)];
    assertProblem(await ask(), code);
    assert.equal(await metric(server, series), count + 1);
    const recorded = (await server.eventsSince(before)).filter(({ type }) => type !== "refusals.counted");
    assert.deepEqual(recorded, []);
  }

  it("of another plan", async () => {
    const [one, two] = [await held(), await held()];
    assert.notEqual(one.planHash, two.planHash);
    await refused(() => answer("ada", { id: one.id, planHash: two.planHash }), "plan-mismatch");
    await refused(() => answer("ada", { ...one, planHash: "0".repeat(64) }), "plan-mismatch");
    await refused(() => answer("ada", { ...one, planHash: one.planHash.toUpperCase() }), "request-invalid");
  });

  it("by whoever proposed it, under any of their identities", async () => {
    const own = await held("ada");
    await refused(() => answer("ada", own), "self-approval");
    await refused(() => answer("adaPhone", own), "self-approval");
    await refused(() => answer("adaPhone", own, { decision: "deny" }), "self-approval");
    assert.equal((await answer("grace", own)).json?.["status"], "held");
  });

  it("by one person twice, under one identity or two", async () => {
    const action = await held();
    assert.equal((await answer("ada", action)).json?.["status"], "held", "ada takes one seat of the two that she fits");
    await refused(() => answer("ada", action), "already-answered");
    await refused(() => answer("adaPhone", action), "already-answered");
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
    await refused(() => answer("visitor", action), "not-eligible");
    await refused(() => answer("visitor", action, { decision: "deny" }), "not-eligible");
    const body = { decision: "approve", planHash: action.planHash };
    const narrow = await server.bearer("ada", ["actions:read"]);
    const ask = (): Promise<Answer> => server.ask(`/v1/actions/${action.id}/approvals`, { as: narrow, body });
    await refused(ask, "scope-insufficient");
  });

  it("by an agent where people are asked", async () => {
    const action = await held();
    await refused(() => answer("deployer", action), "not-eligible");
    await refused(() => answer("deployer", action, { decision: "deny" }), "not-eligible");
    const open = await held("visitor", "test");
    assert.equal((await answer("deployer", open)).json?.["status"], "held", "here an agent may");
    await refused(() => answer("iris", { ...open, planHash: "0".repeat(64) }), "plan-mismatch");
    assert.equal((await answer("grace", open)).json?.["status"], "succeeded");
  });

  it("a second time, of what has been used up", async () => {
    const action = await held();
    await answer("ada", action);
    assert.equal((await answer("grace", action)).json?.["status"], "succeeded");
    for (const decision of ["approve", "deny", "withdraw"]) {
      await refused(() => answer("ada", action, { decision }), "action-not-held");
    }
    const again = await held();
    await refused(() => answer("grace", { ...again, planHash: action.planHash }), "plan-mismatch");
  });

  it("after the time for it is over", async () => {
    const late = await held("visitor", "staging");
    for (let i = 0; i < 200 && (await statusOf(late)) === "held"; i++) await sleep(50);
    assert.equal(await statusOf(late), "expired");
    await refused(() => answer("ada", late), "action-not-held");
  });

  it("of nothing that there is", async () => {
    await refused(() => answer("ada", { id: "act_zzzzzzzzz", planHash: "0".repeat(64) }), "action-not-held");
    const nobodys = await held();
    await refused(() => answer("grace", nobodys, { decision: "withdraw" }), "approval-not-found");
  });

  it("taken back counts no more, and only for whoever gave it", async () => {
    const action = await held();
    await answer("ada", action);
    await refused(() => answer("grace", action, { decision: "withdraw" }), "approval-not-found");
    assert.equal((await answer("adaPhone", action, { decision: "withdraw" })).status, 200);
    assert.equal((await answer("grace", action)).json?.["status"], "held");
    assert.equal((await answer("ada", action)).json?.["status"], "succeeded");
  });

  it("by somebody who was disabled since counts no more", async () => {
    const action = await held();
    assert.equal((await answer("grace", action)).json?.["status"], "held");
    disableClient(join(server.dataDir, "clients"), "person:grace");
    for (let i = 0; i < 200 && (await answer("grace", action)).status !== 401; i++) await sleep(50);
    await refused(() => answer("grace", action), "token-invalid");
    assert.equal((await answer("ada", action)).json?.["status"], "held", "ada takes one seat, grace none");
    const approvals = (await holdOf(action))["approvals"] as unknown as readonly JsonObject[];
    assert.deepEqual(
      approvals.map(({ id }) => id),
      ["person:ada"],
    );
    assert.equal((await answer("iris", action)).json?.["status"], "succeeded");
  });

  it("that were refused are in the ledger under whoever tried, by the minute, and none is left out when the server stops", async () => {
    await server.halt();
    const known: readonly (readonly [string, ErrorCode, number])[] = [
      ["person:ada", "self-approval", 1],
      ["person:ada-phone", "self-approval", 2],
      ["person:ada", "plan-mismatch", 2],
      ["person:ada", "already-answered", 1],
      ["person:ada-phone", "already-answered", 1],
      ["person:visitor", "not-eligible", 2],
      ["agent:deployer", "not-eligible", 2],
      ["person:ada", "action-not-held", 5],
      ["person:ada", "scope-insufficient", 1],
    ];
    const counted = known.map(([who, code]) => [who, code, record.of(who, code)]);
    assert.deepEqual(counted, known);
  });
});
