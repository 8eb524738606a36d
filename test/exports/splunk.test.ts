// Splunk's collector: what counts is an indexer's acknowledgement.

import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { createSplunkTransport } from "../../src/adapters/exports/splunk-hec.ts";
import { exportsConfigSchema, type SplunkConfig } from "../../src/wire/schemas/exports-config.ts";
import { NEVER, secretsOf, sleepingClock, startReceiver, type Answered, type Asked } from "./receiver.ts";
import { recordOf, recordsFrom } from "./records.ts";

const TOKEN = "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0";
const CHANNEL = "11111111-2222-4333-8444-555555555555";
const REFUSED = {
  badToken: { status: 403, json: { text: "Invalid token", code: 4 } },
  noChannel: { status: 400, json: { text: "Data channel is missing", code: 10 } },
  busy: { status: 503, json: { text: "Server is busy", code: 9 } },
  badEvent: { status: 400, json: { text: "Invalid data format", code: 6 } },
} as const;

interface Event {
  readonly time: number;
  readonly host: string;
  readonly source: string;
  readonly sourcetype: string;
  readonly index?: string;
  readonly event: { readonly id: string };
  readonly fields: Readonly<Record<string, string>>;
}

/** The collector's documented rules: token, channel, acknowledgements by channel, each told once. */
class Collector {
  readonly batches: (readonly Event[])[] = [];
  readonly polls: (readonly number[])[] = [];
  /** Which acknowledgement ids are indexed at the n-th poll; all of them when absent. */
  indexed: (poll: number) => readonly number[] | "all" = () => "all";
  busy = 0;
  acknowledges = true;
  /** Batches of which the answer is lost. */
  dropAnswers = 0;
  readonly #told = new Set<number>();

  answer(asked: Asked): Answered {
    if (asked.method !== "POST") return { status: 405 };
    if (asked.headers.authorization !== `Splunk ${TOKEN}`) return REFUSED.badToken;
    const channel = asked.headers["x-splunk-request-channel"] ?? asked.query.get("channel");
    if (channel !== CHANNEL || asked.query.get("channel") !== CHANNEL) return REFUSED.noChannel;
    if (asked.path === "/services/collector/event") return this.#take(asked.body);
    return asked.path === "/services/collector/ack" ? this.#tell(asked.body) : { status: 404 };
  }

  #take(body: string): Answered {
    if (this.busy > 0) {
      this.busy--;
      return REFUSED.busy;
    }
    const events = body.split("\n").map((line) => JSON.parse(line) as Event);
    if (events.some(({ event, fields, time }) => event === undefined || fields === undefined || !(time > 0)))
      return REFUSED.badEvent;
    this.batches.push(events);
    if (this.dropAnswers > 0) {
      this.dropAnswers--;
      return "drop";
    }
    const ack = this.acknowledges ? { ackId: this.batches.length - 1 } : {};
    return { status: 200, json: { text: "Success", code: 0, ...ack } };
  }

  #tell(body: string): Answered {
    const { acks } = JSON.parse(body) as { acks: readonly number[] };
    this.polls.push(acks);
    const indexed = this.indexed(this.polls.length);
    const told = acks.map((id) => {
      const isTold = !this.#told.has(id) && (indexed === "all" || indexed.includes(id));
      if (isTold) this.#told.add(id);
      return [String(id), isTold] as const;
    });
    return { status: 200, json: { acks: Object.fromEntries(told) } };
  }

  ids(): readonly string[] {
    return this.batches.flat().map(({ event }) => event.id);
  }
}

async function connected(t: TestContext, over: Partial<SplunkConfig> = {}, secret = TOKEN) {
  const collector = new Collector();
  const { origin, call } = await startReceiver(t, (asked) => collector.answer(asked));
  const config = exportsConfigSchema.parse({ splunk: { kind: "splunk-hec", baseUrl: origin, ...over } })[
    "splunk"
  ] as SplunkConfig;
  const time = sleepingClock();
  const credentials = secretsOf({ "splunk/hec-token": secret });
  const transport = createSplunkTransport({ config, origin, call, credentials, ...time, channel: CHANNEL });
  return { collector, transport, time };
}

it("a record is an event with its time, its id and its correlation id, in the index and sourcetype asked for", async (t) => {
  const { collector, transport } = await connected(t, { index: "audit" });
  const delivery = await transport.deliver({ records: [recordOf(12)], memo: null }, NEVER);
  assert.deepEqual(delivery, { accepted: 1, rejected: 0, memo: null, failure: null });
  const event = collector.batches[0]?.[0];
  assert.equal(event?.time, 1_790_000_000.012);
  assert.deepEqual([event.index, event.source, event.sourcetype], ["audit", "holdpoint", "holdpoint:record"]);
  assert.deepEqual(event.event, JSON.parse(JSON.stringify(recordOf(12))));
  assert.deepEqual(event.fields, {
    record_id: "holdpoint.test/log#12",
    correlation_id: "inc_000000004",
    ledger_seq: "12",
  });
});

it("acknowledgements that come out of order are waited for, and none is asked for twice", async (t) => {
  const { collector, transport } = await connected(t);
  const order = [[2], [2, 0], [2, 0, 1]];
  collector.indexed = (poll) => order[Math.min(poll, 3) - 1] ?? [];
  const big = "x".repeat(300_000);
  const records = [1, 2, 3].map((seq) => recordOf(seq, { contents: { proposal: { value: big } } }));
  const delivery = await transport.deliver({ records, memo: null }, NEVER);
  assert.equal(delivery.accepted, 3);
  assert.equal(collector.batches.length, 3, "requests are bounded, so large records go one by one");
  assert.deepEqual(collector.polls, [[0, 1, 2], [0, 1], [1]]);
});

it("what an indexer has not acknowledged in time is not accepted, nor is anything behind it", async (t) => {
  const { collector, transport, time } = await connected(t, { ackTimeoutMs: 10_000 });
  collector.indexed = () => [0, 2];
  const big = "x".repeat(300_000);
  const records = [1, 2, 3].map((seq) => recordOf(seq, { contents: { proposal: { value: big } } }));
  const delivery = await transport.deliver({ records, memo: null }, NEVER);
  assert.equal(delivery.accepted, 1);
  assert.equal(delivery.failure?.code, "not-acknowledged");
  assert.ok(time.passedMs() >= 10_000);
});

it("records whose acknowledgement never comes are sent again, under the same ids", async (t) => {
  const { collector, transport } = await connected(t, { ackTimeoutMs: 5_000 });
  collector.indexed = () => [];
  const batch = { records: recordsFrom(1, 2), memo: null };
  assert.equal((await transport.deliver(batch, NEVER)).failure?.code, "not-acknowledged");
  collector.indexed = () => "all";
  assert.equal((await transport.deliver(batch, NEVER)).accepted, 2);
  assert.deepEqual(collector.ids().slice(2), collector.ids().slice(0, 2));
});

it("a busy collector is asked again later, and nothing is lost or out of order", async (t) => {
  const { collector, transport } = await connected(t);
  collector.busy = 1;
  const records = recordsFrom(1, 3);
  const first = await transport.deliver({ records, memo: null }, NEVER);
  assert.deepEqual([first.accepted, first.failure?.code], [0, "receiver-busy"]);
  assert.equal((await transport.deliver({ records, memo: null }, NEVER)).accepted, 3);
  assert.deepEqual(
    collector.ids(),
    records.map(({ id }) => id),
  );
});

it("an answer that is lost makes a second copy with the same ids", async (t) => {
  const { collector, transport } = await connected(t);
  collector.dropAnswers = 1;
  const records = recordsFrom(1, 2);
  assert.equal((await transport.deliver({ records, memo: null }, NEVER)).failure?.code, "connection-lost");
  assert.equal((await transport.deliver({ records, memo: null }, NEVER)).accepted, 2);
  assert.equal(collector.ids().length, 4);
  assert.equal(new Set(collector.ids()).size, 2);
});

it("a token without acknowledgement is a fault that shows, not a delivery", async (t) => {
  const { collector, transport } = await connected(t);
  collector.acknowledges = false;
  const delivery = await transport.deliver({ records: recordsFrom(1, 1), memo: null }, NEVER);
  assert.deepEqual([delivery.accepted, delivery.failure?.code], [0, "acknowledgement-off"]);
});

it("a wrong or missing token is named as such, and its value nowhere", async (t) => {
  const wrong = await connected(t, {}, "wrong-token-value");
  const refused = await wrong.transport.deliver({ records: recordsFrom(1, 1), memo: null }, NEVER);
  assert.equal(refused.failure?.code, "credential-refused");
  assert.ok(!JSON.stringify(refused).includes("wrong-token-value"));
  const missing = await connected(t, { tokenRef: "elsewhere" });
  const unsent = await missing.transport.deliver({ records: recordsFrom(1, 1), memo: null }, NEVER);
  assert.equal(unsent.failure?.code, "credential-missing");
  assert.equal(missing.collector.batches.length, 0);
});
