// The one way out: where it leads, where it does not, and what comes back when something goes wrong on the way.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer, type AddressInfo, type LookupFunction } from "node:net";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { startPagerduty } from "../../examples/stand-ins/pagerduty.ts";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import type { OutboundCall } from "../../src/wire/contracts/egress.ts";
import { parseTcpAddress } from "../../src/wire/schemas/origin.ts";

const never = new AbortController().signal;
const LIMITS = { answerBytesMax: 4_096 };

function callTo(origin: string, allow = [origin]): OutboundCall {
  return createEgress({ allow }).callTo(origin);
}

async function listening(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createHttpServer(listener);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Looks nothing up, and remembers what it was asked for. */
function rememberingLookup(): { readonly lookup: LookupFunction; readonly asked: string[] } {
  const asked: string[] = [];
  const lookup: LookupFunction = (host, _options, callback) => {
    asked.push(host);
    callback(Object.assign(new Error("no such host"), { code: "ENOTFOUND" }), "");
  };
  return { lookup, asked };
}

test("a path that names another host does not lead there", async () => {
  const call = callTo("http://127.0.0.1:9", ["http://127.0.0.1:9", "http://127.0.0.2:9"]);
  for (const path of ["//127.0.0.2:9/x", "/\\127.0.0.2:9/x", "http://127.0.0.2:9/", "\\\\127.0.0.2:9"]) {
    const answer = await call({ method: "GET", origin: "http://127.0.0.1:9", path, headers: {} }, never);
    assert.deepEqual(answer, { kind: "unsent", code: "origin-not-allowed" }, path);
  }
});

test("a way to one origin does not lead to another that is allowed too", async () => {
  const call = callTo("http://127.0.0.1:9", ["http://127.0.0.1:9", "http://127.0.0.2:9"]);
  const answer = await call({ method: "GET", origin: "http://127.0.0.2:9", path: "/", headers: {} }, never);
  assert.deepEqual(answer, { kind: "unsent", code: "origin-not-allowed" });
});

test("an empty allow-list lets nothing out, and no name is looked up for it", async () => {
  const { lookup, asked } = rememberingLookup();
  const egress = createEgress({ allow: [], lookup });
  const origin = "https://elsewhere.example";
  const answer = await egress.callTo(origin)({ method: "GET", origin, path: "/", headers: {} }, never);
  assert.deepEqual(answer, { kind: "unsent", code: "origin-not-allowed" });
  await assert.rejects(egress.fetchTo(origin, LIMITS)(`${origin}/`), /origin-not-allowed/);
  assert.deepEqual(asked, []);
});

test("only the allowed host is looked up, with its own scheme and port", async () => {
  const { lookup, asked } = rememberingLookup();
  const origin = "https://models.example:8443";
  const egress = createEgress({ allow: [origin], lookup });
  const others = [
    "http://models.example:8443/",
    "https://models.example/",
    "https://models.example.evil.example:8443/",
    "https://evil.example/?models.example:8443",
    "https://models.example:8443@evil.example/",
  ];
  for (const url of others) {
    // The last names a user, and no request with one is made at all.
    await assert.rejects(egress.fetchTo(origin, LIMITS)(url), /origin-not-allowed|credentials/, url);
  }
  assert.deepEqual(asked, []);
  await assert.rejects(egress.fetchTo(origin, LIMITS)(`${origin}/v1`), /unreachable/);
  assert.deepEqual(asked, ["models.example"]);
});

test("a header that cannot be sent is a call that was not sent", async () => {
  const origin = "http://127.0.0.1:9";
  const call = { method: "GET", origin, path: "/", headers: { authorization: "a\r\nb: c" } } as const;
  assert.deepEqual(await callTo(origin)(call, never), { kind: "unsent", code: "unreachable" });
});

test("an answer of more than 64 KiB is not read to its end", async (t) => {
  const pagerduty = await startPagerduty();
  t.after(() => pagerduty.close());
  pagerduty.fail({ mode: "huge" });
  const call = { method: "GET", origin: pagerduty.url, path: "/", headers: {} } as const;
  assert.deepEqual(await callTo(pagerduty.url)(call, never), { kind: "lost", code: "answer-too-large" });
});

test("a secure connection that is not made carried no request", async (t) => {
  const server = createServer((socket) => socket.destroy());
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const answer = await callTo(origin)({ method: "POST", origin, path: "/", headers: {}, body: "{}" }, never);
  assert.deepEqual(answer, { kind: "unsent", code: "unreachable" });
});

test("the fetch of one origin sends method, headers and body, and answers with a whole Response", async (t) => {
  const seen: unknown[] = [];
  const origin = await listening(t, (request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      seen.push([request.method, request.url, request.headers["x-api-key"], request.headers["accept-encoding"], body]);
      response.writeHead(201, { "content-type": "application/json", "retry-after": "7" }).end(`{"ok":true}`);
    });
  });
  const fetch = createEgress({ allow: [origin] }).fetchTo(origin, LIMITS);
  const response = await fetch(`${origin}/v1?a=b`, { method: "POST", headers: { "x-api-key": "k" }, body: "{}" });
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("retry-after"), "7");
  assert.deepEqual(await response.json(), { ok: true });
  assert.deepEqual(seen, [["POST", "/v1?a=b", "k", "identity", "{}"]]);
});

test("fetch follows no redirect, reads no large or packed answer, and gives up with its signal", async (t) => {
  const asked: (string | undefined)[] = [];
  const origin = await listening(t, (request, response) => {
    asked.push(request.url);
    if (request.url === "/redirect") response.writeHead(307, { location: "/elsewhere" }).end();
    if (request.url === "/huge") response.end("x".repeat(LIMITS.answerBytesMax + 1));
    if (request.url === "/packed") response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("{}"));
    if (request.url === "/cut")
      response.writeHead(200, { "content-length": "9" }).write("half", () => request.destroy());
  });
  const fetch = createEgress({ allow: [origin] }).fetchTo(origin, LIMITS);
  assert.equal((await fetch(`${origin}/redirect`)).status, 307);
  await assert.rejects(fetch(`${origin}/huge`), /answer-too-large/);
  await assert.rejects(fetch(`${origin}/packed`), /connection-lost/);
  await assert.rejects(fetch(`${origin}/cut`), /connection-lost/);
  await assert.rejects(fetch(`${origin}/hang`, { signal: AbortSignal.timeout(50) }), { name: "TimeoutError" });
  assert.deepEqual(asked, ["/redirect", "/huge", "/packed", "/cut", "/hang"]);
});

test("a bare connection leads to its own address alone, and ends with its signal", async (t) => {
  const server = createServer((socket) => socket.on("error", () => undefined).end("hello"));
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { address } = parseTcpAddress({ host: "127.0.0.1", port });
  const socket = await createEgress({ allow: [address] }).connectTo(address)(never);
  assert.equal(String((await once(socket, "data"))[0]), "hello");
  socket.destroy();
  const ending = new AbortController();
  const open = await createEgress({ allow: [address] }).connectTo(address)(ending.signal);
  const closed = new Promise<void>((resolve) => open.on("error", () => undefined).on("close", resolve));
  ending.abort();
  await closed;
  await assert.rejects(createEgress({ allow: [address] }).connectTo(address)(ending.signal), /^TypeError: aborted/);
});

test("a bare connection to what is not allowed looks nothing up", async () => {
  const { lookup, asked } = rememberingLookup();
  const { address } = parseTcpAddress({ host: "db.example", port: 5432 });
  assert.equal(address, "tcp://db.example:5432");
  await assert.rejects(createEgress({ allow: [], lookup }).connectTo(address)(never), /origin-not-allowed/);
  assert.deepEqual(asked, []);
  await assert.rejects(createEgress({ allow: [address], lookup }).connectTo(address)(never), /unreachable/);
  assert.deepEqual(asked, ["db.example"]);
  for (const host of ["db.example/x", "user@db.example", "db.example:1", "", "a b"]) {
    assert.throws(() => parseTcpAddress({ host, port: 1 }), { code: "config-invalid" }, host);
  }
});
