// Live updates: what is told, to whom, from where on, and who is let go.

import assert from "node:assert/strict";
import { createServer, type Server as HttpServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { after, before, describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { LiveEvents } from "../../src/http/live-events.ts";
import type { Identity } from "../../src/wire/types/identity.ts";
import type { ClientScope } from "../../src/wire/types/scopes.ts";
import { note, startServer } from "./fixture.ts";

type Message = { readonly name: string; readonly id: string | null; readonly data: Record<string, unknown> };

let server: Awaited<ReturnType<typeof startServer>>;
before(async () => {
  server = await startServer();
  await server.bearer("deployer"); // which registers it: what streams tell of begins afterwards
});
after(() => server.stop());

/** A stream that is open, with what it has said so far. */
async function listen(t: TestContext, url: string, headers: Record<string, string>) {
  const leave = new AbortController();
  t.after(() => leave.abort());
  const response = await fetch(url, { headers, signal: leave.signal });
  const said: Message[] = [];
  const ended = readAll(response, said);
  const until = async (isEnough: (said: readonly Message[]) => boolean): Promise<readonly Message[]> => {
    while (!isEnough(said)) await sleep(5);
    return said;
  };
  return { response, said, ended, until, leave: () => leave.abort() };
}

async function readAll(response: Response, into: Message[]): Promise<void> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      const whole = text.split("\n\n");
      text = whole.pop() ?? "";
      into.push(...whole.flatMap(parseMessage));
    }
  } catch {
    // The test has left, or the server has let it go.
  }
}

function parseMessage(block: string): readonly Message[] {
  const field = (name: string): string | null => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? null;
  const data = field("data");
  if (data === null) return [];
  return [{ name: field("event") ?? "message", id: field("id"), data: JSON.parse(data) as Record<string, unknown> }];
}

const told = (said: readonly Message[]): readonly Message[] => said.filter(({ name }) => name === "event");

async function propose(environment: string): Promise<string> {
  const as = await server.bearer("deployer");
  const { json } = await server.ask("/v1/actions", { as, body: note(environment) });
  return json?.["id"] as string;
}

describe("the stream", () => {
  it("tells of each durable event its place, time, type and subject, and nothing else", async (t) => {
    const authorization = await server.bearer("ada");
    const stream = await listen(t, `${server.url}/v1/stream`, { authorization });
    assert.equal(stream.response.headers.get("content-type"), "text/event-stream; charset=utf-8");
    await stream.until((said) => said.some(({ name }) => name === "hello"));
    const id = await propose("staging");
    const said = await stream.until((all) => told(all).some(({ data }) => data["type"] === "action.granted"));
    const events = told(said).filter(({ data }) => data["subject"] === id);
    const recorded = await server.eventsSince(Number(events[0]?.id));
    for (const { id: place, data } of events) {
      const found = recorded.find(({ seq }) => String(seq) === place);
      assert.ok(found !== undefined);
      assert.deepEqual(Object.keys(data), ["seq", "time", "type", "subject"]);
      assert.deepEqual([data["seq"], data["type"], data["subject"]], [found.seq, found.type, found.subject]);
    }
    assert.equal(events[0]?.data["type"], "action.proposed");
  });

  it("goes on where a reader was, without a hole and without telling twice", async (t) => {
    const authorization = await server.bearer("ada");
    const first = await listen(t, `${server.url}/v1/stream`, { authorization });
    const [hello] = await first.until((said) => said.length > 0);
    first.leave();
    await propose("staging");
    const headers = { authorization, "last-event-id": hello?.id ?? "" };
    const second = await listen(t, `${server.url}/v1/stream`, headers);
    await second.until((said) => said.some(({ name }) => name === "hello"));
    const places = told(second.said).map(({ data }) => data["seq"] as number);
    const expected = await server.eventsSince(Number(hello?.id) + 1);
    assert.ok(places.length >= 2);
    assert.deepEqual(
      places,
      expected.map(({ seq }) => seq),
    );
  });

  it("tells an identity of what its scopes let it read alone", async (t) => {
    const scopes: readonly ClientScope[] = ["runs:read", "killswitch:read"];
    const narrow = await listen(t, `${server.url}/v1/stream`, { authorization: await server.bearer("grace", scopes) });
    const wide = await listen(t, `${server.url}/v1/stream`, { authorization: await server.bearer("ada") });
    await Promise.all([narrow, wide].map((stream) => stream.until((said) => said.length > 0)));
    const as = await server.bearer("ada");
    await propose("staging");
    await server.ask("/v1/killswitch", { method: "PUT", as, body: { mode: "dry-run", scope: { service: "none" } } });
    await narrow.until((said) => told(said).length > 0);
    await wide.until((said) => told(said).some(({ data }) => data["type"] === "brake.applied"));
    assert.ok(told(wide.said).some(({ data }) => data["type"] === "action.proposed"));
    assert.deepEqual(
      told(narrow.said).map(({ data }) => data["type"]),
      ["brake.applied"],
    );
  });

  it("is refused without a token, without a scope that reads, and after a place that is none", async () => {
    assert.equal((await server.ask("/v1/stream")).json?.["code"], "token-missing");
    const authorization = await server.bearer("ada", ["actions:approve"]);
    assert.equal((await server.ask("/v1/stream", { as: authorization })).json?.["code"], "scope-insufficient");
    const headers = { "last-event-id": "yesterday" };
    const answer = await server.ask("/v1/stream", { as: await server.bearer("ada"), headers });
    assert.equal(answer.json?.["code"], "request-invalid");
  });

  it("is open eight times at once for one identity, and again when one of them ends", async (t) => {
    const authorization = await server.bearer("visitor");
    const url = `${server.url}/v1/stream`;
    const streams = await Promise.all(Array.from({ length: 8 }, () => listen(t, url, { authorization })));
    assert.equal((await server.ask("/v1/stream", { as: authorization })).json?.["code"], "rate-limited");
    streams[0]?.leave();
    let again = await fetch(url, { headers: { authorization } });
    while (again.status !== 200) again = await fetch(url, { headers: { authorization } });
    await again.body?.cancel();
  });

  it("does not hold up the end of the server", async (t) => {
    const own = await startServer();
    const stream = await listen(t, `${own.url}/v1/stream`, { authorization: await own.bearer("ada") });
    await stream.until((said) => said.length > 0);
    await own.stop();
    await stream.ended;
  });
});

const reader: Identity = {
  id: "person:ada",
  kind: "person",
  person: "ada",
  roles: [],
  scopes: ["ledger:read"],
  tokenId: "t",
  keyThumbprint: "A".repeat(43),
  expiresAt: 0,
};

/** A server of its own whose every answer is a stream of `live`. */
async function serve(t: TestContext, live: LiveEvents, check: () => Promise<unknown> = async () => true) {
  const http: HttpServer = createServer((request, response) => {
    const after = request.headers["last-event-id"];
    live.open({ identity: reader, response, after: after === undefined ? null : Number(after), check });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    live.close();
    http.closeAllConnections();
    http.close();
  });
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`, http };
}

const event = (seq: number) => ({ seq, time: 1_000 + seq, type: "action.proposed", subject: `act_${seq}` });

describe("a reader of the stream", () => {
  it("is told from where to where it missed what is no longer kept", async (t) => {
    const live = new LiveEvents(0);
    for (let seq = 0; seq < 10_000; seq++) live.publish([event(seq)]);
    const { url } = await serve(t, live);
    const stream = await listen(t, url, { "last-event-id": "41" });
    const said = await stream.until((all) => all.some(({ name }) => name === "hello"));
    const [gap] = said;
    assert.equal(gap?.name, "gap");
    assert.equal(gap.data["from"], 42);
    assert.equal(told(said)[0]?.data["seq"], Number(gap.data["to"]) + 1);
    assert.equal(told(said).at(-1)?.data["seq"], 9_999);
  });

  it("is let go when it does not read, and holds up nobody", async (t) => {
    const live = new LiveEvents(0);
    const { url } = await serve(t, live);
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    t.after(() => socket.destroy());
    socket.on("error", () => undefined);
    socket.pause();
    socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    const quick = await listen(t, url, {});
    while (live.readers < 2) await sleep(5);
    let seq = 0;
    while (live.readers === 2) {
      live.publish(Array.from({ length: 500 }, () => event(seq++)));
      await quick.until((said) => told(said).length === seq);
    }
    assert.equal(live.readers, 1);
    assert.equal(told(quick.said).length, seq);
  });

  it("is let go at the next heartbeat once its credential no longer holds", async (t) => {
    const live = new LiveEvents(0, 20);
    let holds = true;
    const check = async (): Promise<void> => {
      if (!holds) throw new Error("revoked");
    };
    const { url } = await serve(t, live, check);
    const stream = await listen(t, url, {});
    await stream.until((said) => said.length > 0);
    await sleep(60);
    assert.equal(live.readers, 1);
    holds = false;
    await stream.ended;
    assert.equal(live.readers, 0);
  });
});
