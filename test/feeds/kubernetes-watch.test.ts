// How a watch goes on where the API server ends it, forgets, cuts it, or says what no API server says.

import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { watchObjects, type Shelf } from "../../src/adapters/feeds/kubernetes-watch.ts";
import { textAt } from "../../src/core/json-members.ts";
import type { JsonObject } from "../../src/core/json.ts";

const named = (name: string, resourceVersion: string): JsonObject => ({ metadata: { name, resourceVersion } });

/** Told in order what was asked and what the shelf was told. */
class Seen implements Shelf {
  readonly log: string[] = [];
  fill(objects: readonly JsonObject[]): void {
    this.log.push(`fill ${objects.map((one) => textAt(one, "metadata", "name")).join(",")}`);
  }
  put(object: JsonObject): void {
    this.log.push(`put ${textAt(object, "metadata", "name")}`);
  }
  remove(object: JsonObject): void {
    this.log.push(`remove ${textAt(object, "metadata", "name")}`);
  }
  failing(code: string | null): void {
    if (code !== null) this.log.push(`failing ${code}`);
  }
}

type Answer = (response: ServerResponse, query: URLSearchParams) => void;

const json = (status: number, body: unknown): Answer => {
  return (response) =>
    void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
};
const listed = (version: string, names: readonly string[], more = ""): Answer =>
  json(200, { metadata: { resourceVersion: version, continue: more }, items: names.map((name) => named(name, "1")) });
const lines = (...events: readonly unknown[]): Answer => {
  return (response) => void response.writeHead(200).end(events.map((one) => `${JSON.stringify(one)}\n`).join(""));
};

/** Answers in turn; what was asked is in `seen`. Runs until the last answer was given, and a little. */
async function watched(t: TestContext, answers: readonly Answer[]): Promise<readonly string[]> {
  const seen = new Seen();
  const stop = new AbortController();
  let next = 0;
  const server = createServer((request, response) => {
    const { searchParams: query } = new URL(request.url ?? "", "http://x");
    const answer = answers[next++];
    if (answer === undefined) return stop.abort();
    seen.log.push(
      query.has("watch") ? `watch ${query.get("resourceVersion")}` : `list ${query.get("continue") ?? ""}`.trim(),
    );
    answer(response, query);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const egress = createEgress({ allow: [origin] });
  const calls = {
    ...{ origin, prefix: "", call: egress.callTo(origin), stream: egress.streamTo(origin, { lineBytesMax: 10_000 }) },
    access: async () => ({ tls: {}, token: "t" }),
    sleep: async () => undefined,
    nowMs: () => Date.now(),
  };
  await watchObjects({ calls, watched: { path: "/pods", objectsMax: 5 }, shelf: seen }, stop.signal);
  return seen.log;
}

test("a watch goes on at the last version that it saw, bookmarks too, and what is deleted is removed", async (t) => {
  const log = await watched(t, [
    listed("10", ["a"]),
    lines(
      { type: "ADDED", object: named("b", "11") },
      { type: "BOOKMARK", object: { metadata: { resourceVersion: "20" } } },
    ),
    lines({ type: "DELETED", object: named("a", "21") }),
    (response) => void response.destroy(),
    lines(),
  ]);
  assert.deepEqual(log, ["list", "fill a", "watch 10", "put b", "watch 20", "remove a", "watch 21", "watch 21"]);
});

test("a version that is too old, told either way, lists everything again", async (t) => {
  const gone = { type: "ERROR", object: { kind: "Status", code: 410 } };
  const log = await watched(t, [
    listed("10", ["a", "b"]),
    lines(gone),
    listed("30", ["b"]),
    json(410, { code: 410 }),
    listed("40", ["c"]),
    lines(),
  ]);
  assert.deepEqual(log, ["list", "fill a,b", "watch 10", "list", "fill b", "watch 30", "list", "fill c", "watch 40"]);
});

test("a list comes page by page, and begins again where a page has become too old", async (t) => {
  const log = await watched(t, [
    listed("10", ["a"], "more"),
    json(410, {}),
    listed("11", ["b"], "rest"),
    listed("11", ["c"]),
    lines(),
  ]);
  assert.deepEqual(log, ["list", "list more", "list", "list rest", "fill b,c", "watch 11"]);
});

test("what is refused, malformed, without end or too much is told, and never half of a list", async (t) => {
  const many = ["1", "2", "3", "4", "5", "6"];
  const log = await watched(t, [
    json(403, {}),
    json(200, []),
    listed("1", many),
    listed("1", ["a"]),
    lines("text", 7),
    listed("2", ["a"]),
    (response) => void response.writeHead(200).end("x".repeat(50_000)),
    listed("3", ["a"]),
    lines({ type: "ERROR", object: { code: 500 } }),
    listed("4", ["a"], "more"),
    (response) => void response.destroy(),
  ]);
  assert.deepEqual(
    log.filter((line) => line.startsWith("failing") || line.startsWith("fill")),
    [
      "failing answered-403",
      "failing answer-malformed",
      "failing too-many-objects",
      "fill a",
      "failing answer-malformed",
      "fill a",
      "failing answer-too-large",
      "fill a",
      "failing answered-500",
      "failing connection-lost",
    ],
  );
});
