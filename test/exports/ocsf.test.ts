// OCSF 1.9: every event is of its class, chained and fingerprinted; files survive what happens to files.

import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { createOcsfFileTransport } from "../../src/adapters/exports/ocsf-file.ts";
import { createOcsfHttpsTransport } from "../../src/adapters/exports/ocsf-https.ts";
import {
  exportsConfigSchema,
  type OcsfFileConfig,
  type OcsfHttpsConfig,
} from "../../src/wire/schemas/exports-config.ts";
import { assertChained, readOcsf } from "./ocsf-reader.ts";
import { NEVER, secretsOf, sleepingClock, startReceiver, type Answered } from "./receiver.ts";
import { recordOf, recordsFrom } from "./records.ts";

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "holdpoint-ocsf-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function filesIn(dir: string, over: Partial<OcsfFileConfig> = {}) {
  const config = { ...(exportsConfigSchema.parse({ x: { kind: "ocsf-file" } })["x"] as OcsfFileConfig), ...over };
  return createOcsfFileTransport({ name: "audit", config, dir, version: "1.2.3" });
}

it("an action is API Activity with who, what, which model, which grant, and its place in the ledger", async (t) => {
  const dir = folder(t);
  await filesIn(dir).deliver({ records: [recordOf(12)], memo: null }, NEVER);
  const [event] = readOcsf(readFileSync(join(dir, "audit.ndjson"), "utf8"));
  assert.ok(event !== undefined);
  assert.deepEqual([event.activity_id, event.severity_id, event.status_id], [1, 4, 1]);
  assert.equal(event.metadata.uid, "holdpoint.test/log#12");
  assert.equal(event.metadata.correlation_uid, "inc_000000004");
  assert.equal(event.api.operation, "pagerduty.trigger");
  assert.equal(event.ai_model?.name, "rules");
  assert.deepEqual([event.ai_agent?.uid, event.ai_agent?.instance_uid], ["system:triage", "run_000000005"]);
  assert.equal(event.delegation?.uid, "grt_000000009");
  assert.deepEqual(event.unmapped.holdpoint, JSON.parse(JSON.stringify(recordOf(12))));
});

it("every kind of record is valid: runs, people's actions, refusals, nothing known", async (t) => {
  const dir = folder(t);
  const run = { event: "run.classified", status: "classified", action: null, decision: null };
  const { ai } = recordOf(1);
  const counted = ai === null ? null : { ...ai, inputTokens: 321, outputTokens: 45 };
  const person = { ...recordOf(3).action, agent: "person:ada", agentKind: "person", person: "ada" };
  const nothing = { incident: null, run: null, signal: null, ai: null, classification: null, environment: null };
  const records = [
    recordOf(1, { ...run, ai: counted, contents: { answer: { value: { answer: "page" } } } }),
    recordOf(2, { ...run, event: "run.unclassified", status: "unclassified", code: "answer-rejected", ai: null }),
    recordOf(3, { action: person as never, status: "refused", code: "rate-limited", run: null, ai: null }),
    recordOf(4, { ...nothing, action: null, decision: null, status: "needs-attention" }),
    recordOf(5, {
      created: { system: "servicenow", reference: "INC0010001", sysId: "a".repeat(32) },
      status: "succeeded",
    }),
  ];
  await filesIn(dir).deliver({ records, memo: null }, NEVER);
  const events = readOcsf(readFileSync(join(dir, "audit.ndjson"), "utf8"));
  assert.deepEqual(
    events.map(({ type_uid: type, status_id: status }) => [type, status]),
    [
      [600399, 1],
      [600399, 2],
      [600301, 2],
      [600399, 99],
      [600301, 1],
    ],
  );
  assert.deepEqual(events[0]?.message_context, {
    uid: "run_000000005",
    ai_role_id: 4,
    service: { name: "holdpoint" },
    prompt_tokens: 321,
    completion_tokens: 45,
    total_tokens: 366,
    response_text: '{"answer":"page"}',
  });
});

it("the chain goes on over deliveries and restarts, from what is remembered", async (t) => {
  const dir = folder(t);
  const first = await filesIn(dir).deliver({ records: recordsFrom(1, 3), memo: null }, NEVER);
  const second = await filesIn(dir).deliver({ records: recordsFrom(4, 2), memo: first.memo }, NEVER);
  await filesIn(dir).deliver({ records: recordsFrom(6, 1), memo: second.memo }, NEVER);
  const events = readOcsf(readFileSync(join(dir, "audit.ndjson"), "utf8"));
  assert.equal(events.length, 6);
  assert.equal(events[0]?.attestation_list[0]?.prev_event, undefined);
  assertChained(events);
});

it("a line that a crash cut short is taken away before it comes again", async (t) => {
  const dir = folder(t);
  const path = join(dir, "audit.ndjson");
  const first = await filesIn(dir).deliver({ records: recordsFrom(1, 2), memo: null }, NEVER);
  appendFileSync(path, `{"activity_id":1,${" ".repeat(200_000)}`);
  await filesIn(dir).deliver({ records: recordsFrom(3, 1), memo: first.memo }, NEVER);
  assert.equal(readOcsf(readFileSync(path, "utf8")).length, 3);
});

it("a full file is put aside whole, and only as many as asked for are kept", async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, "audit-notes.ndjson"), "somebody else's\n");
  const transport = filesIn(dir, { fileBytesMax: 20_000, keepFiles: 2 });
  let memo: string | null = null;
  for (let seq = 0; seq < 60; seq += 10) {
    const delivery = await transport.deliver({ records: recordsFrom(seq, 10), memo }, NEVER);
    assert.equal(delivery.accepted, 10);
    memo = delivery.memo;
  }
  const files = readdirSync(dir).toSorted();
  assert.ok(files.includes("audit-notes.ndjson"), "what this exporter did not write stays");
  const full = files.filter((file) => /^audit-\d{16}\.ndjson$/.test(file));
  assert.deepEqual(full, ["audit-0000000000000049.ndjson", "audit-0000000000000059.ndjson"]);
  assertChained(full.flatMap((file) => readOcsf(readFileSync(join(dir, file), "utf8"))));
});

it("a folder that cannot be written is a failure, not an end", async (t) => {
  const dir = join(folder(t), "file");
  writeFileSync(dir, "in the way");
  const memo = JSON.stringify({ uid: "log#0", typeUid: 600301, fingerprint: "0".repeat(64) });
  const delivery = await filesIn(dir).deliver({ records: recordsFrom(1, 1), memo }, NEVER);
  assert.deepEqual([delivery.accepted, delivery.memo], [0, memo]);
  assert.match(delivery.failure?.code ?? "", /^file-/);
});

it("over HTTPS a batch is accepted whole or not at all, and its chain moves only then", async (t) => {
  const bodies: string[] = [];
  const next: Answered[] = [{ status: 503, headers: { "retry-after": "5" } }, "drop"];
  const { origin, call } = await startReceiver(t, ({ method, path, headers, body }) => {
    if (method !== "POST" || path !== "/ingest" || headers.authorization !== "Bearer abc") return { status: 403 };
    if (headers["content-type"] !== "application/x-ndjson") return { status: 415 };
    const instead = next.shift();
    if (instead !== undefined) return instead;
    bodies.push(body);
    return { status: 202 };
  });
  const settings = { kind: "ocsf-https", baseUrl: origin, path: "/ingest", authorizationRef: "siem/auth" };
  const config = exportsConfigSchema.parse({ siem: settings })["siem"] as OcsfHttpsConfig;
  const { clock } = sleepingClock();
  const credentials = secretsOf({ "siem/auth": "Bearer abc" });
  const transport = createOcsfHttpsTransport({ name: "siem", config, origin, call, clock, credentials, version: "1" });
  const batch = { records: recordsFrom(1, 3), memo: null };
  assert.deepEqual((await transport.deliver(batch, NEVER)).failure, { code: "receiver-busy", retryAfterMs: 5_000 });
  const lost = await transport.deliver(batch, NEVER);
  assert.deepEqual([lost.accepted, lost.memo, lost.failure?.code], [0, null, "connection-lost"]);
  const taken = await transport.deliver(batch, NEVER);
  await transport.deliver({ records: recordsFrom(4, 1), memo: taken.memo }, NEVER);
  assertChained(bodies.flatMap(readOcsf));
});
