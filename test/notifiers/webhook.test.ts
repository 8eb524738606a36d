// The webhook against a receiver that checks what it gets by the published rules of CloudEvents and Standard Webhooks.

import assert from "node:assert/strict";
import { createHmac, timingSafeEqual } from "node:crypto";
import { it, type TestContext } from "node:test";
import { startStandIn, type Received, type StandIn } from "../../examples/stand-ins/stand-in.ts";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { createNotifierTransport } from "../../src/adapters/notifiers/registry.ts";
import type { Delivery } from "../../src/wire/contracts/export.ts";
import type { Notification } from "../../src/wire/contracts/notifier.ts";
import { notifiersConfigSchema } from "../../src/wire/schemas/notifiers-config.ts";
import { NEVER, secretsOf } from "../exports/receiver.ts";
import { NOW_MS, notification } from "./notifications.ts";

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const NEXT_SECRET = `whsec_${Buffer.alloc(24, 9).toString("base64")}`;
const TOLERANCE_S = 300;

/** As the specification tells a receiver to verify; what is wrong, in words. */
function problemsOf({ headers, body }: Received, secret: string): readonly string[] {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures } = headers;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const expected = createHmac("sha256", key)
    .update(`${String(id)}.${String(timestamp)}.${body}`)
    .digest();
  const isSigned = String(signatures)
    .split(" ")
    .some((one) => {
      const given = Buffer.from(one.replace(/^v1,/, ""), "base64");
      return one.startsWith("v1,") && given.length === expected.length && timingSafeEqual(given, expected);
    });
  const event = JSON.parse(body) as Record<string, unknown>;
  const required = ["specversion", "id", "source", "type", "time", "subject", "data"];
  return [
    ...(isSigned ? [] : ["signature"]),
    ...(Math.abs(Number(timestamp) - NOW_MS / 1_000) <= TOLERANCE_S ? [] : ["timestamp"]),
    ...(/^application\/cloudevents\+json; charset=utf-8$/.test(String(headers["content-type"]))
      ? []
      : ["content-type"]),
    ...(event["specversion"] === "1.0" && event["id"] === id ? [] : ["envelope"]),
    ...required.filter((name) => !(name in event)),
    ...(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(event["time"])) ? [] : ["time"]),
    // Attribute names: lower-case letters and digits alone.
    ...Object.keys(event).filter((name) => !/^[a-z0-9]+$/.test(name)),
  ];
}

async function stage(t: TestContext, secrets = { "hook/secret": SECRET }, timeoutMs = 1_000) {
  const taken: Received[] = [];
  const standIn: StandIn = await startStandIn({
    act: (request) => {
      const problems = problemsOf(request, secrets["hook/secret"].split(" ")[0] ?? "");
      if (problems.length > 0) return { status: 401, json: { problems } };
      taken.push(request);
      return { status: 202, json: {} };
    },
    report: () => taken,
  });
  t.after(() => standIn.close());
  const notifiers = notifiersConfigSchema.parse({
    hook: { kind: "webhook", baseUrl: standIn.url, path: "/holds", secretRef: "hook/secret", timeoutMs },
  });
  const transport = createNotifierTransport({
    name: "hook",
    notifiers,
    egress: createEgress({ allow: [standIn.url] }),
    credentials: secretsOf(secrets),
    clock: { nowMs: () => NOW_MS, monotonicMs: () => 0 },
    publicUrl: "https://holdpoint.example",
    onFallback: () => assert.fail("there is no fallback"),
  });
  const deliver = (of: Notification): Promise<Delivery> => transport.deliver({ records: [of], memo: null }, NEVER);
  return { standIn, taken, deliver };
}

it("a notification arrives as a signed CloudEvent that a strict receiver takes", async (t) => {
  const { taken, deliver } = await stage(t);
  assert.equal((await deliver(notification())).accepted, 1);
  assert.equal(taken[0]?.path, "/holds");
  const event = JSON.parse(taken[0].body) as { type: string; subject: string; data: Record<string, unknown> };
  assert.equal(event.type, "dev.holdpoint.hold.opened.v1");
  assert.equal(event.subject, "act_00000000c");
  assert.equal(event.data["link"], "https://holdpoint.example/console/holds/act_00000000c");
  assert.deepEqual(event.data["action"], notification().action);
});

it("while one secret replaces another both sign, and an unknown one signs nothing", async (t) => {
  const both = await stage(t, { "hook/secret": `${SECRET} ${NEXT_SECRET}` });
  await both.deliver(notification());
  assert.ok(both.taken[0] !== undefined);
  assert.deepEqual([problemsOf(both.taken[0], SECRET), problemsOf(both.taken[0], NEXT_SECRET)], [[], []]);
  const other = `whsec_${Buffer.alloc(32, 8).toString("base64")}`;
  assert.deepEqual(problemsOf(both.taken[0], other), ["signature"]);
});

for (const secret of ["plain words", "whsec_c2hvcnQ=", ""]) {
  it(`a secret that is none of Standard Webhooks sends nothing: "${secret}"`, async (t) => {
    const { standIn, deliver } = await stage(t, { "hook/secret": secret });
    const { accepted, failure } = await deliver(notification());
    assert.deepEqual([accepted, failure?.code, standIn.received.length], [0, "credential-missing", 0]);
  });
}

for (const [mode, code] of [
  ["status-500", "answered-500"],
  ["rate-limit", "receiver-busy"],
  ["redirect", "answered-307"],
  ["drop", "connection-lost"],
  ["act-then-drop", "connection-lost"],
  ["act-then-500", "answered-500"],
  ["hang", "timeout"],
  ["act-then-hang", "timeout"],
  ["cut-short", "connection-lost"],
  ["huge", "answer-too-large"],
] as const) {
  it(`${mode}: it counts as not told and comes again under the same id`, async (t) => {
    const { standIn, taken, deliver } = await stage(t, undefined, 1_000);
    standIn.fail({ mode, retryAfter: "7" });
    const first = await deliver(notification());
    assert.deepEqual([first.accepted, first.rejected, first.failure?.code], [0, 0, code]);
    if (mode === "rate-limit") assert.equal(first.failure?.retryAfterMs, 7_000);
    assert.equal((await deliver(notification())).accepted, 1);
    assert.deepEqual(
      new Set(taken.map(({ headers }) => headers["webhook-id"])).size,
      1,
      "a receiver tells a copy by it",
    );
  });
}

it("a refusal of its content is for good; one of its credentials waits for somebody to put it right", async (t) => {
  const { standIn, deliver } = await stage(t);
  standIn.fail({ mode: "status-400" });
  const refused = await deliver(notification());
  assert.deepEqual([refused.accepted, refused.rejected], [1, 1]);
  standIn.fail({ mode: "status-401" });
  const closed = await deliver(notification());
  assert.deepEqual([closed.accepted, closed.failure?.code], [0, "credential-refused"]);
});

it("a webhook that the allow-list does not name is not called", async (t) => {
  const { standIn } = await stage(t);
  const transport = createNotifierTransport({
    name: "hook",
    notifiers: notifiersConfigSchema.parse({
      hook: { kind: "webhook", baseUrl: standIn.url, secretRef: "hook/secret" },
    }),
    egress: createEgress({ allow: [] }),
    credentials: secretsOf({ "hook/secret": SECRET }),
    clock: { nowMs: () => NOW_MS, monotonicMs: () => 0 },
    publicUrl: null,
    onFallback: () => undefined,
  });
  const { failure } = await transport.deliver({ records: [notification()], memo: null }, NEVER);
  assert.deepEqual([failure?.code, standIn.received.length], ["origin-not-allowed", 0]);
});
