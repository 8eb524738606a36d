// How the console's files are served: what leads where, under which headers, and nothing that is not a file of it.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import fastify, { type FastifyInstance } from "fastify";
import { loadConsoleFiles, mountConsole } from "../../src/http/console-files.ts";
import { problemOf } from "../../src/http/problem.ts";

function openConsole(t: TestContext, files: Readonly<Record<string, string>>): FastifyInstance {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-console-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "assets"));
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  const server = fastify();
  server.setErrorHandler((error, _request, reply) => reply.code(problemOf(error).status).send(problemOf(error)));
  mountConsole(server, loadConsoleFiles(folder));
  return server;
}

const BUILT = {
  "index.html": "<!doctype html><title>Holdpoint</title>",
  "sources.sha256": "secret of the build",
  "assets/index-abc.js": "export {};",
  "assets/index-abc.css": "a {}",
  "assets/notes.txt": "of no type that is served",
};

describe("the console's files", () => {
  it("are led to from the root, and every page of it is the same document", async (t) => {
    const server = openConsole(t, BUILT);
    for (const url of ["/", "/console"]) {
      const { statusCode, headers } = await server.inject(url);
      assert.deepEqual([statusCode, headers.location], [302, "/console/"]);
    }
    for (const url of ["/console/", "/console/holds/act_00000000c", "/console/agents/agent:a.b?x=1"]) {
      const { statusCode, body, headers } = await server.inject(url);
      assert.equal(statusCode, 200);
      assert.equal(body, BUILT["index.html"]);
      assert.equal(headers["cache-control"], "no-cache");
    }
  });

  it("come under a policy that lets no script, style, frame or address in from elsewhere", async (t) => {
    const server = openConsole(t, BUILT);
    for (const url of ["/console/", "/console/assets/index-abc.js"]) {
      const { headers } = await server.inject(url);
      const policy = String(headers["content-security-policy"]);
      assert.match(
        policy,
        /^default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';/,
      );
      for (const part of ["frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]) {
        assert.ok(policy.split("; ").includes(part), part);
      }
      assert.doesNotMatch(policy, /unsafe|\*|data:|blob:|https?:/);
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(headers["referrer-policy"], "no-referrer");
    }
  });

  it("are kept for ever where their name says what they hold, and asked for again elsewhere", async (t) => {
    const server = openConsole(t, BUILT);
    const asset = await server.inject("/console/assets/index-abc.js");
    assert.match(String(asset.headers["cache-control"]), /immutable/);
    assert.match(String(asset.headers["content-type"]), /^text\/javascript/);
    const etag = String(asset.headers.etag);
    const again = await server.inject({ url: "/console/assets/index-abc.js", headers: { "if-none-match": etag } });
    assert.deepEqual([again.statusCode, again.body], [304, ""]);
    const packed = await server.inject({ url: "/console/", headers: { "accept-encoding": "br, gzip" } });
    assert.equal(packed.headers["content-encoding"], "gzip");
  });

  it("are those that the build made and no others, however they are asked for", async (t) => {
    const server = openConsole(t, BUILT);
    for (const path of [
      "assets/../sources.sha256",
      "assets/%2e%2e/sources.sha256",
      "assets/..%2fsources.sha256",
      "assets/notes.txt",
      "assets/",
      "assets/index-abc.js.map",
    ]) {
      const { statusCode, body } = await server.inject(`/console/${path}`);
      assert.ok(statusCode === 404 || body === BUILT["index.html"], path);
      assert.ok(!body.includes("secret of the build"), path);
    }
    assert.equal((await server.inject("/console/assets/notes.txt")).statusCode, 404);
    assert.equal((await server.inject("/console/sources.sha256")).body, BUILT["index.html"]);
  });

  it("that were not built are said to be missing, with what to do", async (t) => {
    const { statusCode, body } = await openConsole(t, {}).inject("/console/");
    assert.equal(statusCode, 404);
    assert.match(body, /the console is not built: node scripts\/build-console\.mjs/);
  });
});
