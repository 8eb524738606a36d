// The stand-ins as programs of their own, and what they refuse: they must not be kinder than the vendors.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { startPagerduty } from "../../examples/stand-ins/pagerduty.ts";
import { startServicenow } from "../../examples/stand-ins/servicenow.ts";

for (const name of ["pagerduty", "servicenow"]) {
  test(`the ${name} stand-in runs by itself, says where, and fails on request`, async (t) => {
    const script = new URL(`../../examples/stand-ins/${name}.ts`, import.meta.url);
    const child = spawn(process.execPath, [script.pathname, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => child.kill("SIGKILL"));
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const { standIn, url } = JSON.parse(line.toString()) as { standIn: string; url: string };
    assert.equal(standIn, name);
    assert.equal((await fetch(`${url}/_events`)).status, 200);
    await fetch(`${url}/_fail`, { method: "POST", body: JSON.stringify({ mode: "rate-limit", retryAfter: "3" }) });
    const limited = await fetch(`${url}/v2/enqueue`, { method: "POST" });
    assert.equal(limited.status, 429);
    assert.equal(limited.headers.get("retry-after"), "3");
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "exit"), [0, null]);
  });
}

test("the PagerDuty stand-in refuses what PagerDuty refuses", async (t) => {
  const pagerduty = await startPagerduty();
  t.after(() => pagerduty.close());
  const good = {
    routing_key: "k".repeat(32),
    event_action: "trigger",
    dedup_key: "a",
    payload: { summary: "s", source: "x", severity: "critical" },
  };
  const send = async (body: unknown, type = "application/json"): Promise<number> => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return (
      await fetch(`${pagerduty.url}/v2/enqueue`, { method: "POST", body: text, headers: { "content-type": type } })
    ).status;
  };
  const bad: readonly unknown[] = [
    "{",
    [],
    { ...good, routing_key: "short" },
    { ...good, event_action: "page" },
    { ...good, dedup_key: "k".repeat(256) },
    { ...good, event_action: "resolve", dedup_key: undefined },
    { ...good, payload: undefined },
    { ...good, payload: { ...good.payload, severity: "sev1" } },
    { ...good, payload: { ...good.payload, summary: "s".repeat(1025) } },
    { ...good, payload: { ...good.payload, custom_details: "text" } },
  ];
  for (const body of bad) assert.equal(await send(body), 400, JSON.stringify(body));
  assert.equal(await send(good, "text/plain"), 400);
  assert.equal(pagerduty.events.length, 0);
  assert.equal(await send(good), 202);
  assert.equal(await send(good), 202);
  assert.deepEqual(pagerduty.incidents, [{ dedupKey: "a", status: "triggered", triggers: 2 }]);
});

test("the ServiceNow stand-in wants a login, plain texts and known fields", async (t) => {
  const servicenow = await startServicenow({ password: "p" });
  t.after(() => servicenow.close());
  const url = `${servicenow.url}/api/now/table/incident`;
  assert.equal((await fetch(url)).status, 401);
  const headers = {
    authorization: `Basic ${Buffer.from("holdpoint:p").toString("base64")}`,
    accept: "application/json",
    "content-type": "application/json",
  };
  const body = JSON.stringify({
    urgency: 2,
    mystery: "x",
    short_description: "s".repeat(161),
    assignment_group: "payments",
  });
  assert.equal((await fetch(url, { method: "POST", headers, body })).status, 201);
  assert.deepEqual(servicenow.complaints, [
    "not a text: urgency",
    "unknown or read-only field: mystery",
    "longer than 160: short_description",
    "not a sys_id: assignment_group",
  ]);
  assert.equal((await fetch(`${url}/${"0".repeat(32)}`, { headers })).status, 404);
  assert.equal((await fetch(url, { method: "POST", headers, body: "{" })).status, 400);
});
