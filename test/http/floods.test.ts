// Floods: what they are answered, and that the ledger grows by no more than docs/api.md says.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { RefusalCounter } from "../../src/http/refusals.ts";
import { TokenBuckets } from "../../src/http/token-bucket.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { delivery, metric, note, sendRaw, startServer, type Answer, type Who } from "./fixture.ts";

const WRITES = 20;
const SIGNALS = 30;
const TOKENS = 40;
const SETTINGS = `
limits:
  writes: { burst: ${WRITES}, perSecond: 1 }
  signals: { burst: ${SIGNALS}, perSecond: 1 }
  tokens: { burst: ${TOKENS}, perSecond: 1 }
`;

/** docs/api.md, "What a flood can do": events of one accepted item before a person or an executor acts on it. */
const MANUAL = readFileSync(join(import.meta.dirname, "../../docs/api.md"), "utf8");
const EVENTS_PER_PROPOSAL = Number(/per accepted proposal (\d+) events/.exec(MANUAL)?.[1]);
const EVENTS_PER_ALERT = Number(/per new alert (\d+) events/.exec(MANUAL)?.[1]);

let server: Awaited<ReturnType<typeof startServer>>;
const tokens = new Map<Who, string>();
const token = (who: Who): string => tokens.get(who) ?? "";

before(async () => {
  server = await startServer({ settings: SETTINGS });
  for (const who of ["ada", "adaPhone", "grace", "visitor", "deployer", "stranger"] as const) {
    tokens.set(who, await server.bearer(who));
  }
  await server.eventsSince(0);
});
after(() => server.stop());

const size = (): number => server.running.kernel.durableSize;

/** Grown events without those that count refusals, of which there is one per minute and source. */
async function grownSince(seq: number): Promise<number> {
  const events = await server.eventsSince(seq);
  return events.filter(({ type }) => type !== "refusals.counted").length;
}

/** Several at a time, so that nothing but the server's own bounds holds them back. */
async function flood(count: number, send: (index: number) => Promise<Answer>): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) answers.push(await send(next++));
  };
  await Promise.all(Array.from({ length: 16 }, work));
  return answers;
}

/** How many of the burst came back while the flood lasted: at most one a second. */
const refilled = (sinceMs: number): number => Math.ceil((Date.now() - sinceMs) / 1_000) + 1;

function assertTurnedAway(answers: readonly Answer[], code: string): void {
  for (const { status, json, headers } of answers) {
    assert.equal(json?.["code"], code);
    assert.equal(status, code === "overloaded" ? 503 : 429);
    assert.match(headers.get("retry-after") ?? "", /^[1-9][0-9]*$/);
  }
}

describe("a flood of nobody's", () => {
  // A body that cannot be read ends the connection, so these can.
  const bodies = [JSON.stringify(note("production")), JSON.stringify(delivery({})), "{}", "[[[[]]]]"];
  const paths = ["/v1/actions", "/v1/signals/alertmanager", "/v1/signals/unknown", "/nothing", "/v1/killswitch"];
  const headers = ["", "Authorization: Bearer a.b.c\r\n", `Authorization: Bearer hps_${"A".repeat(43)}\r\n`];

  const request = (i: number, last: boolean): string => {
    const body = bodies[i % bodies.length] ?? "";
    const path = paths[i % paths.length] ?? "";
    const head = `POST ${path} HTTP/1.1\r\nHost: x\r\n${headers[i % headers.length] ?? ""}`;
    const end = last ? "Connection: close\r\n" : "";
    return `${head}${end}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  };

  it("of 5,000 requests adds no event, each is answered, and the server still decides", async () => {
    const from = size();
    const perConnection = 500;
    const texts = await Promise.all(
      Array.from({ length: 10 }, (_, connection) => {
        const requests = Array.from({ length: perConnection }, (__, i) =>
          request(connection + i, i === perConnection - 1),
        );
        return sendRaw(server.url, requests.join(""));
      }),
    );
    for (const text of texts) {
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
      assert.equal(statuses.length, perConnection);
      assert.ok(statuses.every((status) => status >= 400 && status < 500));
    }
    assert.equal(await grownSince(from), 0);
    const decided = await server.ask("/v1/actions", { as: token("grace"), body: note("staging") });
    assert.equal(decided.status, 200);
  });

  it("for tokens without a client is turned away by address, and adds no event", async () => {
    const [from, started] = [size(), Date.now()];
    const answers = await flood(100, () => server.ask("/oauth/token", { body: {} }));
    const away = answers.filter(({ status }) => status === 429);
    assert.ok(answers.length - away.length <= TOKENS + refilled(started));
    assert.ok(away.length > 0);
    assertTurnedAway(away, "rate-limited");
    assert.equal(await grownSince(from), 0);
  });
});

describe("a flood of token requests from one address", () => {
  const form = (assertion: string) => ({
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: assertion,
    }).toString(),
  });
  const status = async (assertion: string): Promise<number> =>
    (await server.ask("/oauth/token", form(assertion))).status;

  it("by one client, or by nobody's, locks out no other client behind it", async () => {
    const used = await server.assertion("deployer");
    const own = await flood(TOKENS * 2, () => server.ask("/oauth/token", form(used)));
    assert.ok(own.some((answer) => answer.status === 429));
    const unknown = `${Buffer.from("{}").toString("base64url")}.${Buffer.from('{"sub":"agent:nobody"}').toString("base64url")}.AAAA`;
    const nobody = await flood(TOKENS * 2, () => server.ask("/oauth/token", form(unknown)));
    assert.ok(nobody.some((answer) => answer.status === 429));
    const deploy = async (): Promise<number> => status(await server.assertion("deployer"));
    let emptyMs = Date.now();
    while ((await deploy()) !== 429) emptyMs = Date.now();
    // One comes back each second, and no more.
    const since = (): number => Math.floor((Date.now() - emptyMs) / 1_000);
    const again = await Promise.all(Array.from({ length: since() + 5 }, deploy));
    const given = again.filter((answer) => answer !== 429).length;
    assert.ok(given <= 1 + since(), `${given} of ${again.length} within ${since()} s`);
    assert.equal(await status(await server.assertion("grace")), 200);
  });

  it("under names that nobody has gets one bucket for all of them", async () => {
    const started = Date.now();
    const answers = await flood(TOKENS * 2, (i) => {
      const claims = Buffer.from(JSON.stringify({ sub: `agent:made-up-${i}` })).toString("base64url");
      return server.ask("/oauth/token", form(`${Buffer.from("{}").toString("base64url")}.${claims}.AAAA`));
    });
    assert.ok(answers.filter((answer) => answer.status !== 429).length <= TOKENS + refilled(started));
  });
});

describe("a flood of one identity's", () => {
  it("gets as many proposals as its bucket holds, 429 for the rest, and reads all the while", async () => {
    const as = token("deployer");
    const other = token("stranger");
    const [from, started] = [size(), Date.now()];
    const answers = await flood(300, (i) => server.ask("/v1/actions", { as, body: note("production", `flood ${i}`) }));
    const accepted = answers.filter(({ status }) => status === 202).length;
    assert.ok(accepted >= 1 && accepted <= WRITES + refilled(started), `${accepted} accepted`);
    assertTurnedAway(
      answers.filter(({ status }) => status !== 202),
      "rate-limited",
    );
    assert.ok((await grownSince(from)) <= accepted * EVENTS_PER_PROPOSAL);
    assert.equal((await server.ask("/v1/actions?limit=200", { as })).status, 200);
    assert.equal((await server.ask("/v1/actions", { as: other, body: note("staging") })).status, 200);
  });

  it("pays for what is refused too", async () => {
    const as = token("visitor");
    const from = size();
    const body = { ...note("staging"), arguments: {} };
    const answers = await flood(WRITES + 20, () => server.ask("/v1/actions", { as, body }));
    const codes = new Set(answers.map(({ json }) => json?.["code"]));
    assert.deepEqual(codes, new Set(["arguments-invalid", "rate-limited"]));
    assert.equal(await grownSince(from), 0);
  });

  it("of one brake over and over records it once", async () => {
    const as = token("adaPhone"); // a bucket of her own: the agents here were registered out of the others
    const from = size();
    const body = { mode: "dry-run", scope: { service: "nothing" } };
    const answers = await flood(WRITES, () => server.ask("/v1/killswitch", { as, method: "PUT", body }));
    assert.equal(new Set(answers.flatMap(({ json }) => (json === null ? [] : [json["brake"]]))).size, 1);
    assert.equal(await grownSince(from), 1);
  });
});

describe("a flood of one source's", () => {
  const send = (...services: readonly string[]): Promise<Answer> =>
    server.ask("/v1/signals/alertmanager", {
      as: `Bearer ${server.secret}`,
      body: delivery(...services.map((service) => ({ labels: { service } }))),
    });

  /** Runs are classified and their actions decided without being asked for. */
  async function settled(): Promise<void> {
    while ((await metric(server, "holdpoint_runs_waiting")) > 0);
    let before = -1;
    while (before !== size()) {
      before = size();
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  it("gets as many alerts as its bucket holds and 503 for the rest, which a sender repeats", async () => {
    const [from, started] = [size(), Date.now()];
    const answers = await flood(100, (i) => send(`service-${i}`));
    const accepted = answers.filter(({ status }) => status === 202).length;
    assert.ok(accepted >= 1 && accepted <= SIGNALS + refilled(started), `${accepted} accepted`);
    assertTurnedAway(
      answers.filter(({ status }) => status !== 202),
      "overloaded",
    );
    await settled();
    const grown = await grownSince(from);
    assert.ok(grown <= accepted * EVENTS_PER_ALERT, `${grown} events of ${accepted} alerts`);
  });

  it("delivers nothing of a delivery that is turned away", async () => {
    const from = size();
    const services = Array.from({ length: 50 }, (_, i) => `group-${i}`);
    assertTurnedAway([await send(...services)], "overloaded");
    assert.equal(await grownSince(from), 0);
  });
});

describe("a token bucket", () => {
  it("gives no more than its burst and what came in since, however it is asked", () => {
    const asks = fc.array(
      fc.record({ count: fc.integer({ min: 1, max: 5 }), waitMs: fc.integer({ min: 0, max: 400 }) }),
    );
    fc.assert(
      fc.property(asks, (list) => {
        const buckets = new TokenBuckets({ burst: 10, perSecond: 5 });
        let [nowMs, given] = [1_000, 0];
        for (const { count, waitMs } of list) {
          nowMs += waitMs;
          if (buckets.take("one", count, nowMs) === 0) given += count;
        }
        assert.ok(given <= 10 + ((nowMs - 1_000) / 1_000) * 5 + 1e-6);
      }),
    );
  });

  it("lets one delivery through that is larger than it, and makes its sender wait until it is paid for", () => {
    const buckets = new TokenBuckets({ burst: 10, perSecond: 5 });
    assert.equal(buckets.take("one", 100, 0), 0);
    assert.equal(buckets.take("one", 1, 0), 19);
    assert.equal(buckets.take("one", 1, 18_000), 1);
    assert.equal(buckets.take("one", 1, 19_000), 0);
    assert.equal(buckets.take("other", 10, 0), 0);
  });

  it("takes nothing back for a clock that steps back", () => {
    const buckets = new TokenBuckets({ burst: 2, perSecond: 1 });
    assert.equal(buckets.take("one", 2, 10_000), 0);
    assert.ok(buckets.take("one", 1, 0) > 0);
    assert.ok(buckets.take("one", 1, 500) > 0);
  });
});

describe("the count of refusals", () => {
  const MINUTE = 60_000;

  it("is one batch per minute and source, however many there were", () => {
    const counter = new RefusalCounter();
    for (let i = 0; i < 30_000; i++) {
      counter.count(
        i % 3 === 0 ? "anonymous" : "agent:a",
        i % 2 === 0 ? "token-missing" : "request-invalid",
        (i % 3) * 10,
      );
    }
    assert.deepEqual(counter.takeFinished(MINUTE - 1), []);
    const batches = counter.takeFinished(MINUTE);
    assert.deepEqual(batches.map(({ source }) => source).toSorted(), ["agent:a", "anonymous"]);
    const counted = batches.flatMap(({ counts }) => Object.values(counts));
    assert.equal(
      counted.reduce((sum, count) => sum + count, 0),
      30_000,
    );
    assert.deepEqual(counter.takeFinished(MINUTE), [], "each is handed over once");
  });

  it("names 256 sources at most, and the others together", () => {
    const counter = new RefusalCounter();
    for (let i = 0; i < 2_000; i++) counter.count(`agent:a${i}`, "rate-limited", 0);
    const batches = counter.takeFinished(MINUTE);
    assert.equal(batches.length, 257);
    const others = batches.find(({ source }) => source === "others");
    assert.deepEqual(others?.counts, { "rate-limited": 2_000 - 256 } satisfies JsonObject);
  });
});
