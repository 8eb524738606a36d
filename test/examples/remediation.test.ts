// The remediation example tells its story to the end and leaves nothing behind; what a model says there is only a thought.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { modelMind } from "../../examples/remediation/thought.ts";
import { openSqliteReader } from "../../src/adapters/stores/sqlite-reader.ts";
import { parseLeaves } from "../../src/history/leaves.ts";
import type { KernelEvent } from "../../src/kernel/events.ts";

const RUN = join(import.meta.dirname, "../../examples/remediation/run.ts");

async function run(dir: string): Promise<{ code: number | null; text: string; group: number }> {
  // A group of its own, so that whatever it leaves behind can be seen.
  const child = spawn(process.execPath, [RUN, "--keep"], { env: { ...process.env, TMPDIR: dir }, detached: true });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (said) => (text += said));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, text, group: child.pid ?? 0 };
}

async function eventsOf(dir: string): Promise<readonly KernelEvent[]> {
  const [folder = ""] = readdirSync(dir).filter((name) => name.startsWith("holdpoint-remediation-"));
  const reader = openSqliteReader(join(dir, folder, "data", "ledger.db"));
  try {
    return (await reader.readBatches(0, 512)).flatMap(parseLeaves) as unknown as readonly KernelEvent[];
  } finally {
    await reader.close();
  }
}

function factsOf<T extends KernelEvent["type"]>(events: readonly KernelEvent[], type: T, subject?: string) {
  const found = events.find((event) => event.type === type && (subject === undefined || event.subject === subject));
  assert.ok(found, `${type} of ${subject}`);
  return found as unknown as KernelEvent<T>;
}

it("a restart goes alone, a bad change is taken back without a person and before its grant ends, and all of it ends", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdpoint-example-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const { code, text, group } = await run(dir);
  assert.equal(code, 0, text);
  assert.throws(() => process.kill(-group, 0), { code: "ESRCH" }, "no process is left");
  assert.match(text, /\[healer\] act_\w+ succeeded \(verified\)/);
  assert.match(text, /\[tuner\] act_\w+ reverted \(unhealthy\)/);
  assert.match(text, /errors: fail before=[\d.]+ max=0.05 maxTimesBefore=2 value=[\d.]+/);
  assert.match(
    text,
    /3 in a row are to pass within 30 s, fewer than 2 may fail; it is taken back by itself then \[\d+\]/,
  );
  assert.match(text, /undone [\d.]+ s after it was done, [\d.]+ s before the right to ended/);
  assert.match(text, /Result +consistent/);
  assert.match(text, /holdpoint verify \S+ --root \S+root\.pub\n/);

  const events = await eventsOf(dir);
  const reverted = factsOf(events, "action.reverted");
  const id = reverted.subject;
  assert.equal(factsOf(events, "action.proposed", id).actor, "agent:tuner");
  assert.ok(reverted.time < factsOf(events, "action.granted", id).facts.expiresAt);
  assert.equal(factsOf(events, "step.finished", reverted.facts.revert).facts.status, "succeeded");
  const people = events.filter(({ actor, subject }) => actor.startsWith("person:") && subject === id);
  assert.deepEqual(people, [], "nobody was asked about it");
});

it("an agent proposes what its model says in the form that was asked for, and nothing of any other answer", async (t) => {
  let content = "";
  const asked: { model: string; messages: { content: string }[] }[] = [];
  const model = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      asked.push(JSON.parse(body) as (typeof asked)[number]);
      response.end(JSON.stringify({ choices: [{ message: { content } }] }));
    });
  });
  await new Promise<void>((resolve) => model.listen(0, "127.0.0.1", resolve));
  t.after(() => model.close());
  const url = `http://127.0.0.1:${(model.address() as AddressInfo).port}/v1`;
  const mind = modelMind("healer", { url, name: "small", key: undefined });
  const seen = { cartMemoryShare: 0.9, gatewayErrorShare: 0, gatewayLatencyMs: 20 };

  const propose = { operation: "restart-cart", service: "cart", body: {}, reason: "full" };
  content = JSON.stringify({ propose });
  assert.deepEqual(await mind.think(seen), propose);
  assert.match(asked[0]?.messages[1]?.content ?? "", /"cartMemoryShare":0.9/);
  for (const other of [
    "restart it!",
    '{"propose": null}',
    '{"propose": {"operation": "rm"}}',
    JSON.stringify(propose),
  ]) {
    content = other;
    assert.equal(await mind.think(seen), null, other);
  }
});
