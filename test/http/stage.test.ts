// The stage of the triage agent over HTTP: read, taken down by one person, raised by two, shown in metrics and proof.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { hash } from "node:crypto";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { STAGES } from "../../src/wire/types/stage.ts";
import { metric, startServer, type Answer } from "./fixture.ts";

let server: Awaited<ReturnType<typeof startServer>>;
let ada: string;
let grace: string;

before(async () => {
  server = await startServer();
  [ada, grace] = [await server.bearer("ada"), await server.bearer("grace")];
});
after(() => server.stop());

const SELF = { environment: "holdpoint", service: "holdpoint" };

function set(stage: string, as = ada, target: JsonObject = SELF): Promise<Answer> {
  return server.ask("/v1/actions", { as, body: { kind: "stage.set", target, arguments: { stage }, reason: "tried" } });
}

async function current(): Promise<JsonObject> {
  const { json } = await server.ask("/v1/stage", { as: ada });
  assert.ok(json !== null);
  return json;
}

describe("the stage over HTTP", () => {
  it("begins where the configuration says, signed, with an end, and tells what each stage permits", async () => {
    const { stage, granted, hasEnded, ladder } = await current();
    assert.deepEqual([stage, hasEnded], ["controlled-paging", false]);
    const { isSigned, action, grantedAt, expiresAt } = granted as JsonObject;
    assert.deepEqual([isSigned, action], [true, null]);
    assert.equal(Math.round((Number(expiresAt) - Number(grantedAt)) / 86_400_000), 30);
    assert.deepEqual(
      (ladder as unknown as JsonObject[]).map((one) => one["stage"]),
      [...STAGES],
    );
    assert.equal(await metric(server, 'holdpoint_triage_stage{stage="controlled-paging"}'), 1);
    assert.equal(await metric(server, 'holdpoint_triage_stage{stage="shadow"}'), 0);
    const daysLeft = await metric(server, "holdpoint_triage_stage_days_left");
    assert.ok(daysLeft > 29 && daysLeft <= 30);
  });

  it("below controlled paging ends the heartbeat, so that alerts take the other way", async () => {
    const beat = async (): Promise<unknown> => {
      const as = `Bearer ${server.secret}`;
      return (await server.ask("/v1/heartbeat/alertmanager", { as, method: "POST" })).json?.["detail"];
    };
    assert.equal(await beat(), "no pager is configured");
    await set("limited-autonomy");
    assert.equal(
      await beat(),
      "the triage agent is at the stage limited-autonomy, which sends no page without a person",
    );
  });

  it("goes down at one person's word", async () => {
    const { status, json } = await set("assist");
    assert.deepEqual([status, json?.["status"]], [200, "succeeded"]);
    const { stage, granted } = await current();
    assert.deepEqual([stage, (granted as JsonObject)["action"]], ["assist", json?.["id"]]);
  });

  it("goes up when another owner approves exactly that stage", async () => {
    const { status, json } = await set("mim-automation");
    assert.deepEqual([status, json?.["status"]], [202, "held"]);
    const id = json?.["id"] as string;
    assert.equal((await current())["stage"], "assist");
    const read = (await server.ask(`/v1/actions/${id}`, { as: grace })).json;
    const planHash = hash("sha256", canonicalJson({ kind: "stage.set", stage: "mim-automation" }));
    assert.deepEqual([read?.["planHash"], read?.["operand"]], [planHash, "mim-automation"]);
    const answer = { decision: "approve", planHash };
    const own = await server.ask(`/v1/actions/${id}/approvals`, { as: ada, body: answer });
    assert.equal(own.json?.["code"], "self-approval");
    const other = await server.ask(`/v1/actions/${id}/approvals`, { as: grace, body: answer });
    assert.equal(other.json?.["status"], "succeeded", other.text);
    assert.equal((await current())["stage"], "mim-automation");
  });

  it("is not moved by an agent alone, nor under the name of a narrower target", async () => {
    assert.equal((await set("shadow", await server.bearer("deployer"))).json?.["status"], "held");
    for (const target of [
      { environment: "staging", service: "holdpoint" },
      { environment: "holdpoint", service: "cart" },
    ]) {
      const { status, json } = await set("shadow", ada, target);
      assert.deepEqual([status, json?.["code"]], [422, "arguments-invalid"]);
    }
    assert.equal((await set("omnipotence")).json?.["code"], "arguments-invalid");
    assert.equal((await current())["stage"], "mim-automation");
  });
});
