// Silences and storms over HTTP: asked for, agreed to, in force, ended, and to be read afterwards.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { delivery, metric, startServer, type Answer } from "./fixture.ts";

let server: Awaited<ReturnType<typeof startServer>>;
let ada: string;
let grace: string;

before(async () => {
  server = await startServer();
  [ada, grace] = [await server.bearer("ada"), await server.bearer("grace")];
});
after(() => server.stop());

const ask = (body: Json, as = ada): Promise<Answer> => server.ask("/v1/silences", { as, body });

const text = (value: Json | undefined): string => (typeof value === "string" ? value : assert.fail("no text"));

async function fire(service: string, more: JsonObject = {}): Promise<JsonObject> {
  const body = delivery({ ...more, labels: { service, environment: "staging" } });
  const { json } = await server.ask("/v1/signals/alertmanager", { as: `Bearer ${server.secret}`, body });
  const [signal] = (json?.["signals"] ?? []) as unknown as JsonObject[];
  return signal ?? assert.fail("it was not taken");
}

async function read(path: string): Promise<JsonObject> {
  const { status, json } = await server.ask(path, { as: ada });
  assert.equal(status, 200, path);
  return json ?? {};
}

async function approve(id: string): Promise<Answer> {
  const { planHash } = await read(`/v1/actions/${id}`);
  const body = { decision: "approve", planHash: planHash ?? "" };
  return server.ask(`/v1/actions/${id}/approvals`, { as: grace, body });
}

describe("a silence over HTTP", () => {
  it("waits for another person, keeps alerts quiet, and gives them back when it is ended", async () => {
    const asked = await ask({ environment: "Stage", service: "Cart", minutes: 30, reason: "new disks" });
    assert.deepEqual([asked.status, asked.json?.["status"]], [202, "held"], asked.text);
    const action = text(asked.json?.["id"]);
    const { content, operand } = await read(`/v1/actions/${action}`);
    assert.equal((content as JsonObject)["reason"], "new disks");
    assert.match(text(operand), /"environment":"staging".*"service":"cart"/);
    assert.equal((await approve(action)).json?.["status"], "succeeded");

    const { items } = await read("/v1/silences?status=standing");
    const [silence] = items as unknown as JsonObject[];
    const id = text(silence?.["id"]);
    assert.equal(Number(silence?.["endsAt"]) - Number(silence?.["startsAt"]), 30 * 60_000);
    const fired = await fire("cart");
    assert.equal(fired["result"], "silenced");
    const signal = await read(`/v1/signals/${text(fired["id"])}`);
    assert.deepEqual([signal["status"], signal["silence"], signal["incident"]], ["silenced", id, null]);
    assert.equal(await metric(server, "holdpoint_alerts_silenced"), 1);

    const end = (): Promise<Answer> => server.ask(`/v1/silences/${id}/end`, { as: ada, body: { reason: "done" } });
    assert.deepEqual((await end()).status, 200);
    let after = signal;
    while (after["status"] === "silenced") {
      await new Promise((resolve) => setTimeout(resolve, 50));
      after = await read(`/v1/signals/${text(fired["id"])}`);
    }
    assert.deepEqual([after["status"], after["silence"]], ["triaged", id]);
    const incident = await read(`/v1/incidents/${text(after["incident"])}`);
    assert.deepEqual([incident["signalCount"], incident["services"]], [1, ["cart"]]);
    const ended = await read(`/v1/silences/${id}`);
    const { status, code, endedBy, signalCount, releasedCount } = ended;
    assert.deepEqual(
      { status, code, endedBy, signalCount, releasedCount },
      {
        status: "ended",
        code: "ended",
        endedBy: "person:ada",
        signalCount: 1,
        releasedCount: 1,
      },
    );
    assert.equal((await end()).json?.["code"], "silence-not-found");
  });

  it("is refused with a precise problem where it says too little, too much, or what is no name", async () => {
    const whole = { environment: "production", minutes: 5, reason: "r" };
    for (const [body, code] of [
      [{ ...whole, minutes: 0 }, "request-invalid"],
      [{ ...whole, minutes: 10_081 }, "request-invalid"],
      [{ ...whole, endsAt: "2027-01-01T00:00:00Z" }, "request-invalid"],
      [{ environment: "production", reason: "r" }, "request-invalid"],
      [{ ...whole, reason: "" }, "request-invalid"],
      [{ ...whole, everything: true }, "request-invalid"],
      [{ ...whole, environment: "prоduction" }, "name-suspicious"],
      [{ ...whole, service: "cart\u{200b}" }, "name-suspicious"],
      [{ ...whole, signature: "abc" }, "arguments-invalid"],
      [{ ...whole, startsAt: "tomorrow" }, "arguments-invalid"],
      [{ ...whole, startsAt: "2026-02-30T00:00:00Z" }, "arguments-invalid"],
      [{ ...whole, startsAt: "2020-01-01T00:00:00Z" }, "arguments-invalid"],
      [{ environment: "production", endsAt: "2999-01-01T00:00:00Z", reason: "r" }, "arguments-invalid"],
      [{ ...whole, reason: `key ${"AKIA"}${"IOSFODNN7EXAMPLE"}` }, "secret-detected"],
    ] as const) {
      assert.equal((await ask(body)).json?.["code"], code, JSON.stringify(body));
    }
    const visitor = await server.bearer("visitor", ["incidents:read"]);
    assert.equal((await ask(whole, visitor)).json?.["code"], "scope-insufficient");
    const end = await server.ask("/v1/silences/sil_000000001/end", { as: visitor, method: "POST" });
    assert.equal(end.json?.["code"], "scope-insufficient");
    assert.equal((await server.ask("/v1/silences/sil_000000001", { as: ada })).json?.["code"], "silence-not-found");
  });

  it("is asked for once under one idempotency key", async () => {
    const headers = { "idempotency-key": "maintenance-7" };
    const startsAt = new Date(Date.now() + 3_600_000).toISOString();
    const body = { environment: "test", startsAt, minutes: 5, reason: "r" };
    const send = (): Promise<Answer> => server.ask("/v1/silences", { as: ada, body, headers });
    const [first, second] = [await send(), await send()];
    assert.equal(second.json?.["id"], first.json?.["id"]);
    assert.equal(second.json?.["repeated"], true);
  });
});

describe("storms over HTTP", () => {
  it("are listed and read, with what became of their page, and its actions are found by the storm's id", async () => {
    for (let i = 0; i < 20; i++) await fire(`many-${i}`);
    const { items } = await read("/v1/storms?status=open");
    const [storm] = items as unknown as JsonObject[];
    assert.deepEqual([storm?.["environment"], storm?.["services"], storm?.["endedAt"]], ["staging", 20, null]);
    const id = text(storm?.["id"]);
    const { page } = await read(`/v1/storms/${id}`);
    const actions = await read(`/v1/actions?correlationId=${id}`);
    assert.deepEqual(
      (actions["items"] as unknown as JsonObject[]).map((one) => one["id"]),
      [(page as JsonObject)["id"]],
    );
    assert.deepEqual((await read("/v1/storms?status=ended"))["items"], []);
    assert.equal((await server.ask("/v1/storms/stm_000000001", { as: ada })).json?.["code"], "storm-not-found");
  });
});
