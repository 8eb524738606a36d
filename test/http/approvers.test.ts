// How people decide, over HTTP: listed without their decisions, read with them, and counted when it looks careless.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import { metric, note, startServer } from "./fixture.ts";

const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: notes }
spec:
  match: { actions: [record.note] }
  rules: [{ name: asked, decision: hold, route: owners }]
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: owners }
spec:
  steps: [{ roles: [owner], within: 10m }]
`;

describe("approvers", () => {
  let server: Awaited<ReturnType<typeof startServer>>;
  let ada: string;
  let visitor: string;

  before(async () => {
    server = await startServer({ policy: POLICY });
    [ada, visitor] = [await server.bearer("ada"), await server.bearer("visitor")];
  });
  after(() => server.stop());

  async function read(path: string): Promise<JsonObject> {
    const { status, json, text } = await server.ask(path, { as: ada });
    assert.equal(status, 200, text);
    return json ?? {};
  }

  async function decide(decision: "approve" | "deny"): Promise<string> {
    const body = note("staging", `note ${Math.random()}`);
    const id = (await server.ask("/v1/actions", { as: visitor, body })).json?.["id"] as string;
    const { planHash } = await read(`/v1/actions/${id}`);
    const answer = { decision, planHash: planHash ?? "" };
    const { status, text } = await server.ask(`/v1/actions/${id}/approvals`, { as: ada, body: answer });
    assert.equal(status, 200, text);
    return id;
  }

  it("are whoever answered, by id alone, and are flagged for five approvals at once", async () => {
    assert.deepEqual((await read("/v1/approvers"))["items"], []);
    const denied = await decide("deny");
    const one = await read("/v1/approvers/ada");
    assert.deepEqual([one["status"], one["decisions"], one["denials"], one["approvalRate"]], ["clear", 1, 1, 0]);
    const [only] = one["recent"] as unknown as JsonObject[];
    assert.deepEqual([only?.["action"], only?.["decision"]], [denied, "deny"]);
    assert.equal(await metric(server, "holdpoint_approvers_flagged"), 0);

    for (let i = 0; i < 5; i++) await decide("approve");
    const { items } = await read("/v1/approvers?status=flagged");
    const [flagged] = items as unknown as JsonObject[];
    assert.deepEqual([flagged?.["id"], flagged?.["reasons"], flagged?.["decisions"]], ["ada", ["burst"], 6]);
    assert.ok(flagged !== undefined && !("recent" in flagged), "a page has the measures alone");
    assert.equal(await metric(server, "holdpoint_approvers_flagged"), 1);
    assert.deepEqual((await read("/v1/approvers?status=clear"))["items"], []);
  });

  it("that never answered are not found", async () => {
    const { status, json } = await server.ask("/v1/approvers/nobody", { as: ada });
    assert.deepEqual([status, json?.["code"]], [404, "approver-not-found"]);
  });
});
