// Deliveries of every kind of source to a running server, good ones and bad ones.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import { ERRORS, type ErrorCode } from "../../src/core/errors.ts";
import { SOURCE_KINDS, type SourceKind } from "../../src/wire/types/source-kinds.ts";
import { delivery, metric, startServer, type Answer } from "./fixture.ts";
import { CHANGES, FAILURES, openSender, vectorNow, type Sender } from "./senders.ts";

let server: Awaited<ReturnType<typeof startServer>>;
let reader: string;
const senders = new Map<string, Sender>();
/** Sources that no other test sends to, so that what is known of a failure is its own. */
const APART = ["late", "ahead", "behind"] as const;

before(async () => {
  server = await startServer();
  for (const kind of Object.keys(SOURCE_KINDS) as SourceKind[]) {
    senders.set(kind, openSender(server, kind));
    for (const apart of APART) senders.set(`${kind}-${apart}`, openSender(server, kind, `${kind}-${apart}`));
  }
  reader = await server.bearer("ada");
  await new Promise((resolve) => setTimeout(resolve, 1100)); // sources are looked at again within a second
});
after(() => server.stop());

function senderOf(name: string): Sender {
  const sender = senders.get(name);
  assert.ok(sender, name);
  return sender;
}

function sendVector(name: string, vector: ReturnType<typeof vectorNow>): Promise<Answer> {
  const sender = senderOf(name);
  return sender.send(sender.bytesOf(vector.payload), { headers: vector.headers ?? {} });
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : assert.fail("no text"));

const results = ({ json }: Answer): unknown[] =>
  ((json?.["signals"] ?? []) as unknown as readonly JsonObject[]).map(({ result }) => result);

function assertRefused({ status, json, headers }: Answer, code: ErrorCode, what: string): void {
  assert.equal(json?.["code"], code, what);
  assert.equal(status, ERRORS[code].status, what);
  assert.match(headers.get("content-type") ?? "", /^application\/problem\+json/, what);
}

const size = (): number => server.running.kernel.durableSize;

/** What deliveries record; what becomes of triage meanwhile is none of theirs. */
async function recordedSince(seq: number): Promise<readonly string[]> {
  const types = (await server.eventsSince(seq)).map(({ type }) => type);
  return types.filter((type) => type.startsWith("signal.") || type === "incident.opened");
}

const refusedOf = (kind: string, code: ErrorCode): Promise<number> =>
  metric(server, `holdpoint_deliveries_refused_total{source="${kind}",code="${code}"}`);
const refusals = (code: ErrorCode): Promise<number> => metric(server, `holdpoint_refusals_total{code="${code}"}`);
const SECOND_MS = 1000;
const DAY_MS = 86_400_000;

for (const [kind, [firing, resolved]] of Object.entries(FAILURES)) {
  const service = `${kind}-shop`;
  describe(`a source of kind ${kind}`, () => {
    test("is triaged once, however often the same delivery comes, and at once", async () => {
      const sender = senderOf(kind);
      const vector = vectorNow(firing, { service, until: resolved });
      const bytes = sender.bytesOf(vector.payload);
      const from = size();
      const deliver = (): Promise<Answer> => sender.send(bytes, { headers: vector.headers ?? {} });
      const together = await Promise.all(Array.from({ length: 8 }, deliver));
      for (const answer of together) assert.equal(answer.status, 202, answer.text);
      const alerts = results(together[0] as Answer).length;
      assert.ok(alerts > 0);
      const all = together.flatMap(results);
      assert.equal(all.filter((result) => result === "known").length, 7 * alerts, all.join(" "));
      assert.ok(all.includes("triaged") && !all.includes("quarantined"), all.join(" "));
      assert.equal((await recordedSince(from)).filter((type) => type === "signal.received").length, alerts);
      const before = size();
      assert.deepEqual([...new Set(results(await deliver()))], ["known"]);
      assert.deepEqual(await recordedSince(before), []);
    });

    test("is kept aside when its clock is a day ahead or a month behind, and is news once it is right", async () => {
      const ahead = await sendVector(`${kind}-ahead`, vectorNow(firing, { aheadMs: DAY_MS, service }));
      assert.deepEqual([...new Set(results(ahead))], ["quarantined"], ahead.text);
      const behind = await sendVector(`${kind}-behind`, vectorNow(firing, { aheadMs: -31 * DAY_MS, service }));
      assert.deepEqual([...new Set(results(behind))], ["quarantined"], behind.text);
      const moved = { aheadMs: 60 * SECOND_MS, service: `${service}-2`, until: resolved };
      const right = await sendVector(`${kind}-ahead`, vectorNow(firing, moved));
      assert.ok(results(right).includes("triaged"), right.text);
    });

    if (resolved === undefined) return;
    test("ends the alert that it began", async () => {
      assert.ok(isFiring(service));
      const end = await sendVector(kind, vectorNow(resolved, { service }));
      assert.ok(results(end).includes("resolved"), end.text);
      assert.ok(!isFiring(service));
      assert.deepEqual([...new Set(results(await sendVector(kind, vectorNow(resolved, { service }))))], ["known"]);
    });

    test("whose end comes before its firing opens nothing that nobody would ever close", async () => {
      const name = `${kind}-late`;
      const from = size();
      const moved = { service: `${service}-3`, until: resolved };
      const end = await sendVector(name, vectorNow(resolved, moved));
      assert.ok(
        results(end).every((result) => result === "unmatched" || result === "resolved"),
        end.text,
      );
      const late = await sendVector(name, vectorNow(firing, moved));
      assert.ok(
        results(late).every((result) => result === "suppressed"),
        late.text,
      );
      const recorded = await recordedSince(from);
      assert.ok(!recorded.includes("incident.opened"));
      const both = results(end).length + results(late).length;
      assert.equal(recorded.filter((type) => type === "signal.received").length, both, "nothing is lost");
    });
  });
}

for (const [kind, [name]] of Object.entries({ ...FAILURES, ...CHANGES })) {
  test(`a source of kind ${kind} is refused when the delivery is cut, is another vendor's, or is not proved, and nothing is recorded`, async () => {
    const { payload, headers = {} } = vectorNow(name, { service: "untouched" });
    const sender = senderOf(kind);
    const bytes = sender.bytesOf(payload);
    const send: Sender["send"] = (sent, more = {}) =>
      sender.send(sent, { ...more, headers: { ...headers, ...more.headers } });
    const before = size();
    const codes = ["body-malformed", "request-invalid", "content-type-unsupported", "source-secret-invalid"] as const;
    const counted = await Promise.all(codes.map(refusals));
    assertRefused(await send(bytes.slice(0, -20)), "body-malformed", "cut");
    assertRefused(await send(`${bytes}${bytes}`), "body-malformed", "doubled within one body");
    assertRefused(await send(""), "body-malformed", "empty");
    if (kind !== "cloudevents") assertRefused(await send('{"hello":"world"}'), "request-invalid", "another's");
    assertRefused(await send("[]"), "request-invalid", "a list");
    const xml = { headers: { "content-type": "application/xml" } };
    assertRefused(await send(bytes, xml), "content-type-unsupported", "XML");
    const packed = { headers: { "content-encoding": "gzip" } };
    assertRefused(await send(bytes, packed), "content-type-unsupported", "packed");
    const forged = kind === "sns" ? bytes.replace('"Signature":"', '"Signature":"AAAA') : bytes;
    assertRefused(await send(forged, { forged: true }), "source-secret-invalid", "not proved");
    const bare = await server.ask(`/v1/signals/${kind}`, { method: "POST", body: bytes });
    assertRefused(bare, "source-secret-invalid", "no proof at all");
    assert.deepEqual(await recordedSince(before), []);
    const now = await Promise.all(codes.map(refusals));
    const more = now.map((value, i) => value - (counted[i] ?? 0));
    assert.equal(await refusedOf(kind, "body-malformed"), 3, "and named by its source");
    assert.deepEqual(more, [3, kind === "cloudevents" ? 1 : 2, 2, 2], "each refusal is counted");
  });
}

/** True while an alert of that service keeps an incident open: the same failure elsewhere is of the same incident. */
function isFiring(service: string): boolean {
  const incidents = [...server.running.kernel.state.incidents.values()];
  return incidents.some(({ firing }) => firing.some((one) => one.service === service));
}

describe("what changes", () => {
  for (const [kind, names] of Object.entries(CHANGES)) {
    test(`is recorded from ${kind} once, and opens no incident, no run and no action`, async () => {
      for (const name of names) {
        const vector = vectorNow(name);
        const before = size();
        assert.deepEqual(results(await sendVector(kind, vector)), ["recorded"], name);
        assert.deepEqual(await recordedSince(before), ["signal.received"]);
        assert.deepEqual(results(await sendVector(kind, vector)), ["known"], name);
      }
      const { json } = await server.ask("/v1/signals?limit=1", { as: reader });
      const [newest] = (json?.["items"] ?? []) as unknown as readonly JsonObject[];
      assert.equal(newest?.["claimedSeverity"], "none");
      assert.equal(newest["incident"], null);
      // A deploy that ended is a change of its service in the model, once; a build and a plan are none.
      const node = await server.ask("/v1/model/nodes/service:production:cart", { as: reader });
      const changes = (node.json?.["changes"] ?? []) as unknown as readonly { id: string; kind: string }[];
      const own = changes.filter(({ id }) => id.startsWith("cart@c80e45fd3a6f1ea1cc4a5a5bbbd1a6ab29c8f5c9/"));
      assert.deepEqual([own.length, own[0]?.kind], [1, "deploy"], node.text);
    });
  }
});

describe("an incident that Holdpoint opened", () => {
  test("comes back from PagerDuty and ServiceNow as their word about it, once, and triages nothing", async () => {
    const { origin } = server.running;
    const pagerduty = JSON.stringify(vectorNow("pagerduty-own").payload).replaceAll("holdpoint.example/log", origin);
    const servicenow = JSON.stringify(vectorNow("servicenow-own").payload).replaceAll("holdpoint.example/log", origin);
    for (const [kind, bytes] of Object.entries({ pagerduty, servicenow })) {
      const before = size();
      assert.deepEqual(results(await senderOf(kind).send(bytes)), ["noted"], kind);
      const [event] = (await server.eventsSince(before)).filter(({ type }) => type !== "refusals.counted");
      assert.equal(event?.type, "incident.noted");
      assert.deepEqual([event.facts["system"], event.facts["state"]], [kind, "acknowledged"]);
      assert.equal(event.subject, kind === "pagerduty" ? "inc_000000012" : "act_000000042");
      assert.ok(Math.abs((event.facts["at"] as number) - Date.now()) < DAY_MS);
      assert.deepEqual(results(await senderOf(kind).send(bytes)), ["known"], "the same word twice");
    }
  });
});

describe("what people do to an incident at the pager", () => {
  test("is shown here: acknowledged there, acknowledged in its view, in whatever order it comes", async () => {
    const body = delivery({ labels: { service: "told-shop", environment: "staging" } });
    const { json } = await server.ask("/v1/signals/alertmanager", { as: `Bearer ${server.secret}`, body });
    const [fired] = (json?.["signals"] ?? []) as unknown as readonly JsonObject[];
    const { json: signal } = await server.ask(`/v1/signals/${textOf(fired?.["id"])}`, { as: reader });
    const id = textOf(signal?.["incident"]);
    const own = `${server.running.origin}/${id}`;
    const said = (state: string, secondsAgo: number): string => {
      const { payload } = vectorNow("pagerduty-own");
      const event = (payload as unknown as { event: JsonObject }).event;
      const occurredAt = new Date(Date.now() - secondsAgo * 1000).toISOString();
      const data = { ...(event["data"] as JsonObject), incident_key: own };
      return JSON.stringify({
        event: { ...event, id: `told-${state}`, event_type: `incident.${state}`, occurred_at: occurredAt, data },
      });
    };
    await senderOf("pagerduty").send(said("acknowledged", 5));
    await senderOf("pagerduty").send(said("triggered", 10));
    const { json: shown } = await server.ask(`/v1/incidents/${id}`, { as: reader });
    const { pagerduty } = (shown?.["systems"] ?? {}) as { pagerduty?: JsonObject };
    assert.deepEqual([pagerduty?.["state"], shown?.["status"]], ["acknowledged", "open"]);
  });
});

describe("a CloudEvent", () => {
  const event = (id: string, service: string): JsonObject => ({
    specversion: "1.0",
    id,
    source: "/monitors/1",
    type: "com.example.alert",
    data: { name: "QueueFull", environment: "staging", service, severity: "low" },
  });

  test("finds its source by the header, or by the secret alone", async () => {
    const { secret } = senderOf("cloudevents");
    const as = `Bearer ${secret}`;
    const headers = { "content-type": "application/cloudevents+json" };
    const send = (id: string, more: Record<string, string> = {}) =>
      server.ask("/v1/signals", { as, body: event(id, "queue"), headers: { ...headers, ...more } });
    assert.equal((await send("by-secret")).status, 202);
    assert.equal((await send("by-header", { "x-holdpoint-source": "cloudevents" })).status, 202);
    assertRefused(await send("x", { "x-holdpoint-source": "datadog" }), "source-secret-invalid", "another's name");
    assertRefused(await send("x", { "x-holdpoint-source": "nagios" }), "source-unknown", "nobody's name");
    const token = await server.bearer("ada");
    const asPerson = await server.ask("/v1/signals", { as: token, body: event("x", "queue"), headers });
    assertRefused(asPerson, "source-secret-invalid", "a person's token");
  });

  test("comes in batches of at most a thousand", async () => {
    const sender = senderOf("cloudevents");
    const headers = { "content-type": "application/cloudevents-batch+json" };
    const batch = (count: number) =>
      JSON.stringify(Array.from({ length: count }, (_, i) => event(`batch-${i}`, "batch")));
    const answer = await sender.send(batch(1000), { headers });
    assert.equal(results(answer).length, 1000);
    assert.equal(results(answer).filter((result) => result === "triaged").length, 1, "one failure, one run");
    assertRefused(await sender.send(batch(1001), { headers }), "request-invalid", "one more");
  });
});

test("a source's secret opens no other route, and no other source", async () => {
  for (const kind of ["cloudevents", "otlp", "splunk", "datadog"] as const) {
    const { secret } = senderOf(kind);
    for (const path of ["/v1/signals", "/v1/actions", "/v1/incidents", "/v1/killswitch", "/v1/ledger/events"]) {
      const answer = await server.ask(path, { as: `Bearer ${secret}` });
      assert.equal(answer.status, 401, `${kind} ${path}`);
    }
    const proposal = await server.ask("/v1/actions", { as: `Bearer ${secret}`, body: {} });
    assert.equal(proposal.status, 401);
    const other = await server.ask("/v1/signals/newrelic", { as: `Bearer ${secret}`, body: {} });
    assertRefused(other, "source-secret-invalid", kind);
  }
  const { secret } = senderOf("splunk");
  const elsewhere = await server.ask(`/v1/signals/newrelic?secret=${secret}`, { method: "POST", body: "{}" });
  assertRefused(elsewhere, "source-secret-invalid", "in the address of a kind that has headers");
});

test("a signed delivery that is long, or does not say how long it is, is not even read", async () => {
  const sender = senderOf("github");
  assertRefused(await sender.send(`"${"x".repeat(1024 * 1024)}"`), "body-too-large", "long");
});

test("what an Alertmanager cut off is counted, and what it did send is taken", async () => {
  const truncated = (): Promise<number> =>
    metric(server, 'holdpoint_deliveries_truncated_total{source="alertmanager-ahead"}');
  const vector = vectorNow("alertmanager-0.25-firing", { service: "cut-off" });
  await sendVector("alertmanager-ahead", vector);
  assert.equal(await truncated(), 0);
  const cut = await sendVector("alertmanager-ahead", { ...vector, payload: { ...vector.payload, truncatedAlerts: 7 } });
  assert.equal(cut.status, 202, cut.text);
  assert.equal(await truncated(), 1);
});
