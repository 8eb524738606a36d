// From an alert to systems of record: one id finds ticket, page, export line and receipt, and no crash makes a gap.

import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { startPagerduty } from "../../examples/stand-ins/pagerduty.ts";
import { startServicenow } from "../../examples/stand-ins/servicenow.ts";
import { isExported } from "../../src/history/export-record.ts";
import { verifyReceipt } from "../../src/ledger/receipt.ts";
import type { ExportRecord } from "../../src/wire/contracts/export.ts";
import { assertChained, readOcsf, type OcsfEvent } from "../exports/ocsf-reader.ts";
import { eventually, freePort, noteOf, ROUTING_KEY, TestServer } from "./server.ts";

const PASSWORD = "stand-in-password";
const TOKEN = "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0";

/** A collector that acknowledges what it is asked about, and keeps the records. */
async function startCollector(t: TestContext, port = 0) {
  const records: ExportRecord[] = [];
  const refused: string[] = [];
  let acks = 0;
  const server: Server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      if (request.headers.authorization !== `Splunk ${TOKEN}`) refused.push(String(request.url));
      response.setHeader("content-type", "application/json");
      if (request.url?.startsWith("/services/collector/ack?channel=")) {
        const asked = (JSON.parse(body) as { acks: number[] }).acks;
        return void response.end(JSON.stringify({ acks: Object.fromEntries(asked.map((id) => [id, true])) }));
      }
      for (const line of body.split("\n")) records.push((JSON.parse(line) as { event: ExportRecord }).event);
      return void response.end(JSON.stringify({ text: "Success", code: 0, ackId: acks++ }));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  t.after(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, records, refused };
}

function exportsTo(splunk: string): object {
  return {
    splunk: { kind: "splunk-hec", baseUrl: splunk },
    audit: { kind: "ocsf-file", content: "hash" },
  };
}

function ocsfOf(server: TestServer): readonly OcsfEvent[] {
  const path = join(server.dataDir, "exports", "ocsf", "audit.ndjson");
  return existsSync(path) ? readOcsf(readFileSync(path, "utf8")) : [];
}

async function exportedIds(server: TestServer): Promise<readonly string[]> {
  return (await server.events()).filter(isExported).map(({ seq }) => String(seq));
}

function seqsOf(records: readonly ExportRecord[]): readonly string[] {
  return [...new Set(records.map(({ ledger }) => String(ledger.seq)))];
}

it("one id finds ticket, page, export line and receipt", async (t) => {
  const pagerduty = await startPagerduty({ routingKeys: [ROUTING_KEY] });
  const servicenow = await startServicenow({ password: PASSWORD });
  const collector = await startCollector(t);
  const auth = { kind: "basic", user: "holdpoint", passwordRef: "servicenow/password" };
  const server = await TestServer.create({
    executors: {
      pagerduty: { baseUrl: pagerduty.url, integrations: ["default"] },
      servicenow: { baseUrl: servicenow.url, auth },
    },
    exports: exportsTo(collector.url),
  });
  t.after(async () => {
    await server.remove();
    await pagerduty.close();
    await servicenow.close();
  });
  server.keepSecret("servicenow/password", PASSWORD);
  server.keepSecret("splunk/hec-token", TOKEN);
  await server.start();
  await server.send([{ service: "cart", startsAt: new Date().toISOString() }]);

  const lines = await eventually("the records of a page and a ticket", () => {
    const made = collector.records.filter(({ created }) => created !== null);
    return made.length === 2 ? collector.records : undefined;
  });
  const id = lines[0]?.correlationId ?? "";
  assert.match(id, /^inc_/);
  assert.ok(lines.every(({ correlationId }) => correlationId === id));

  const [page] = pagerduty.incidents;
  assert.ok(page !== undefined && page.dedupKey.endsWith(`/${id}`), "the page's key");
  assert.equal(pagerduty.events[0]?.payload?.custom_details?.["incident"], id, "the page's details");
  const [ticket] = servicenow.incidents;
  assert.ok(ticket !== undefined && ticket["correlation_id"]?.split(":").includes(id), "the ticket's correlation id");
  assert.ok(ticket["work_notes"]?.includes(id), "the ticket's notes");
  const created = lines.flatMap(({ created: made }) => (made === null ? [] : [`${made.system} ${made.reference}`]));
  assert.deepEqual(created.toSorted(), [`pagerduty ${page.dedupKey}`, `servicenow ${ticket["number"]}`]);

  const run = lines.find(({ event }) => event === "run.classified");
  assert.equal(run?.signal?.source, "alertmanager");
  assert.equal(run.ai?.provider, "rules");
  assert.match(run.ai.answerHash, /^[0-9a-f]{64}$/);
  for (const line of lines) {
    const { status, body } = await server.call("GET", line.ledger.receipt);
    assert.equal(status, 200);
    const rootKey = readFileSync(join(server.dataDir, "root.pub"), "utf8").trim();
    const { leaf, correlationId } = verifyReceipt(JSON.stringify(body), rootKey);
    assert.deepEqual([leaf.event.seq, leaf.event.type, correlationId], [line.ledger.seq, line.event, id]);
    assert.ok(
      JSON.stringify(body).length > 0 && Buffer.from(receiptPayload(body), "base64").includes(line.ledger.leafHash),
    );
  }
  const [last, file] = [lines.at(-1), join(server.dir, "receipt.json")];
  assert.equal(server.holdpoint(["receipt", String(last?.ledger.seq), "--out", file]).code, 0);
  const verified = server.holdpoint(["verify", file, "--root", join(server.dataDir, "root.pub")]);
  assert.equal(verified.code, 0, verified.text);
  assert.match(verified.text, new RegExp(`Correlation +${id}\\n`));
  for (const view of ["actions", "runs", "signals", "incidents"]) {
    const { body } = await server.ask("GET", `/v1/${view}?correlationId=${id}`);
    assert.ok((body as unknown as { items: readonly unknown[] }).items.length > 0, view);
    const none = (await server.ask("GET", `/v1/${view}?correlationId=inc_zzzzzzzzz`)).body;
    assert.deepEqual((none as unknown as { items: readonly unknown[] }).items, [], view);
  }
  const listed = server.holdpoint(["get", "actions", "--correlationId", id, "-o", "name"]);
  assert.equal(listed.code, 0, listed.text);
  for (const { action } of lines) if (action !== null) assert.ok(listed.text.includes(action.id), listed.text);
  const doctor = server.holdpoint(["doctor"]);
  assert.match(doctor.text, /ok {4}exports +splunk, audit\n/);
  assert.match(doctor.text, /ok {4}export +splunk: \d+ events behind, 0 failures/);

  const events = await eventually("the same in OCSF", () => {
    const read = ocsfOf(server);
    return read.length === lines.length ? read : undefined;
  });
  assertChained(events);
  assert.deepEqual(new Set(events.map(({ metadata }) => metadata.correlation_uid)), new Set([id]));
  assert.deepEqual(collector.refused, []);
  assert.ok(!server.log.includes(TOKEN), "no token in the log");
});

function receiptPayload(receipt: unknown): string {
  return (receipt as { payload: string }).payload;
}

it("two tickets that agents ask for are two tickets, each known by its own action", async (t) => {
  const servicenow = await startServicenow({ password: PASSWORD });
  const auth = { kind: "basic", user: "holdpoint", passwordRef: "servicenow/password" };
  const server = await TestServer.create({ executors: { servicenow: { baseUrl: servicenow.url, auth } } });
  t.after(async () => {
    await server.remove();
    await servicenow.close();
  });
  server.keepSecret("servicenow/password", PASSWORD);
  await server.start();
  const actions: string[] = [];
  for (const text of ["first", "second"]) {
    const proposal = {
      kind: "servicenow.incident.create",
      target: { environment: "production", service: "cart" },
      arguments: { shortDescription: text, urgency: 3, impact: 3 },
    };
    const { body } = await server.propose(proposal, text);
    actions.push(body.id);
  }
  const plans = await eventually("both plans", async () => {
    const read = await Promise.all(actions.map(async (id) => (await server.ask("GET", `/v1/actions/${id}`)).body));
    const documents = read as unknown as readonly { planHash: string | null; content?: { plan?: unknown } }[];
    return documents.every(({ planHash }) => planHash !== null) ? documents : undefined;
  });
  for (const [index, { content }] of plans.entries()) {
    assert.ok(JSON.stringify(content?.plan).includes(`:${actions[index]}"`), "the plan names its own action");
    const found = (await server.ask("GET", `/v1/actions?correlationId=${actions[index]}`)).body;
    assert.deepEqual(
      (found as unknown as { items: readonly { id: string }[] }).items.map(({ id }) => id),
      [actions[index]],
    );
  }
});

it("killed while it delivers, again and again, it goes on without a gap", async (t) => {
  const collector = await startCollector(t);
  const server = await TestServer.create({ exports: exportsTo(collector.url) });
  t.after(() => server.remove());
  server.keepSecret("splunk/hec-token", TOKEN);
  await server.start();
  for (let round = 0; round < 3; round++) {
    const proposals = Array.from({ length: 40 }, (_, n) => server.propose(noteOf(`${round}-${n}`), `${round}-${n}`));
    const some = eventually("some records", () => (collector.records.length > round * 40 + 5 ? true : undefined));
    await Promise.all([some, ...proposals]);
    await server.restart();
  }
  await server.propose(noteOf("last"), "last");
  const expected = await exportedIds(server);
  assert.ok(expected.length >= 100);
  await eventually("all of them", () => (seqsOf(collector.records).length === expected.length ? true : undefined));
  assert.deepEqual(seqsOf(collector.records), expected, "in order, whatever came twice");
  const ids = new Map<number, string>();
  for (const { id, ledger } of collector.records) {
    assert.equal(ids.get(ledger.seq) ?? id, id, "a copy has the id of its original");
    ids.set(ledger.seq, id);
  }
  const events = await eventually("all of them in OCSF", () => {
    const read = ocsfOf(server);
    return new Set(read.map(({ metadata }) => metadata.sequence)).size === expected.length ? read : undefined;
  });
  assert.deepEqual([...new Set(events.map(({ metadata }) => String(metadata.sequence)))], expected);
});

/** Takes every request and answers none. */
async function startSilent(t: TestContext) {
  const seen = { requests: 0 };
  const server = createServer(() => void seen.requests++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

it("while receivers are down or silent decisions go on and the lag shows; when one is back it gets everything", async (t) => {
  const port = await freePort();
  const silent = await startSilent(t);
  const otel = { kind: "otlp", baseUrl: silent.url };
  const server = await TestServer.create({ exports: { ...exportsTo(`http://127.0.0.1:${port}`), otel } });
  t.after(() => server.remove());
  server.keepSecret("splunk/hec-token", TOKEN);
  await server.start();
  for (let n = 0; n < 50; n++) assert.equal((await server.propose(noteOf(`note ${n}`), `n${n}`)).status, 200);
  await eventually("the lag in the metrics", async () => {
    const text = String((await server.call("GET", "/metrics")).body);
    assert.match(text, /holdpoint_export_lag_events\{exporter="audit"\} \d+/);
    const failing = /holdpoint_export_failing\{exporter="splunk"\} 1/.test(text);
    const lags = ["splunk", "otel"].map((name) =>
      Number(new RegExp(`holdpoint_export_lag_events\\{exporter="${name}"\\} (\\d+)`).exec(text)?.[1] ?? 0),
    );
    return failing && lags.every((lag) => lag >= 50) ? true : undefined;
  });
  assert.equal(silent.seen.requests, 1, "one delivery waits, and nothing else does");
  const doctor = server.holdpoint(["doctor"]);
  assert.match(
    doctor.text,
    /warn {2}export +splunk: \d+ events behind, \d+ failures since the start; not delivered now/,
  );
  const position = join(server.dataDir, "exports", "splunk.json");
  assert.ok(!existsSync(position) || statSync(position).size > 0);
  const collector = await startCollector(t, port);
  // A long wait between attempts is not waited for here, and a delivery without an answer keeps no stop waiting.
  assert.deepEqual(await server.kill("SIGTERM"), { code: 0, signal: null });
  await server.start();
  const expected = await exportedIds(server);
  await eventually("everything", () => (seqsOf(collector.records).length === expected.length ? true : undefined));
  assert.deepEqual(seqsOf(collector.records), expected);
});
