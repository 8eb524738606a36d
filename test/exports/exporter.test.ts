// The exporter over a real workload: at least once, in order, resumable, bounded.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { hash } from "node:crypto";
import { it } from "node:test";
import { assert as property, asyncProperty, integer } from "fast-check";
import { isExported } from "../../src/history/export-record.ts";
import { declaredTypes } from "../history/declared-types.ts";
import type { ExportRecord } from "../../src/wire/contracts/export.ts";
import { ExportedLedger, exportUntil, MemoryPositions, MemoryTransport, ORIGIN, taken } from "./ledger.ts";

function idsOf(records: readonly ExportRecord[]): readonly string[] {
  return records.map(({ id }) => id);
}

function expectedIds(ledger: ExportedLedger): readonly string[] {
  return ledger.events.filter(isExported).map(({ seq }) => `${ORIGIN}#${seq}`);
}

/** Ends when there is nothing left to do: of the few events behind the last record no position need be saved. */
const atTheEnd = (ledger: ExportedLedger, positions: MemoryPositions) => () =>
  (positions.position?.seq ?? 0) > (ledger.events.findLast(isExported)?.seq ?? -1);

function keepAll(transport: MemoryTransport): void {
  transport.next = (batch) => {
    transport.keep(batch, batch.records.length);
    return taken(batch, batch.records.length);
  };
}

it("every run and action is there, in ledger order, each event once", async () => {
  const ledger = new ExportedLedger(1);
  ledger.grow(1_500);
  const [transport, positions] = [new MemoryTransport(), new MemoryPositions()];
  keepAll(transport);
  const statuses = await exportUntil({ ledger, transport, positions, until: () => true });
  assert.deepEqual(idsOf(transport.received), expectedIds(ledger));
  assert.ok(transport.received.length > 300);
  assert.ok(transport.largest <= transport.recordsMax);
  assert.ok(atTheEnd(ledger, positions)(), "no record is left behind the position");
  assert.deepEqual([statuses.at(-1)?.failing, statuses.at(-1)?.failures], [null, 0]);

  const ended = new Set(ledger.events.filter(({ type }) => /^run\.(un)?classified$/.test(type)).map((e) => e.subject));
  assert.deepEqual(new Set(transport.received.filter(({ action }) => action === null).map(({ run }) => run)), ended);
  const decided = ledger.events.filter(({ type }) => /^action\.(refused|suppressed|held|granted)$/.test(type));
  for (const { subject } of decided) {
    assert.ok(
      transport.received.some(({ action, decision }) => action?.id === subject && decision !== undefined),
      subject,
    );
  }
});

it("a record joins its action with run, signal, model, decision and its place in the ledger", async () => {
  const ledger = new ExportedLedger(1);
  ledger.grow(1_500);
  const [transport, positions] = [new MemoryTransport(), new MemoryPositions()];
  keepAll(transport);
  await exportUntil({ ledger, transport, positions, until: () => true });
  const step = transport.received.find(
    ({ event, ai, status }) => event === "step.finished" && ai !== null && status === "succeeded",
  );
  assert.ok(step !== undefined);
  assert.equal(step.correlationId, step.incident);
  assert.equal(step.signal?.source, ledger.events.find(({ subject }) => subject === step.signal?.id)?.facts["source"]);
  assert.equal(step.ai?.answerHash, hash("sha256", step.run ?? ""));
  // A hold that was answered stays a hold in the record; the grant says that it was.
  assert.ok(step.decision !== null && ["allow", "hold"].includes(step.decision.decision));
  assert.ok((step.decision.verdicts as readonly unknown[]).length > 0);
  assert.match(step.decision.grant ?? "", /^grt_/);
  assert.match(step.ledger.leafHash, /^[0-9a-f]{64}$/);
  assert.match(step.ledger.checkpoint, /^holdpoint\.test\/log\n\d+\n/);
  const own = transport.received.find(({ action }) => action?.agentKind === "agent");
  assert.equal(own?.correlationId, own?.action?.id, "an action without an incident is its own correlation id");
  assert.ok(
    transport.received.every(({ contents }) => contents === null),
    "no content unless asked for",
  );
});

it("whoever answered is named, believed or not, also where one action of a run led to another", async () => {
  const ledger = new ExportedLedger(9);
  ledger.grow(7_000);
  const [transport, positions] = [new MemoryTransport(), new MemoryPositions()];
  keepAll(transport);
  await exportUntil({ ledger, transport, positions, until: () => true });
  const ofRuns = transport.received.filter(({ action }) => action === null);
  const rejected = ofRuns.filter(({ event, ai }) => event === "run.unclassified" && ai !== null);
  assert.ok(rejected.length > 5);
  assert.ok(ofRuns.every(({ run, ai }) => ai === null || ai.answerHash === hash("sha256", run ?? "")));
  assert.deepEqual([rejected[0]?.ai?.inputTokens, rejected[0]?.ai?.outputTokens], [321, 45]);
  const silent = new Set(ofRuns.flatMap(({ run, ai }) => (ai === null ? [run] : [])));
  const commands = new Map(ledger.events.map(({ seq, subject }) => [seq, subject]));
  let followed = 0;
  for (const { action, run, ai } of transport.received) {
    const proposed = ledger.events.find(({ type, subject }) => type === "action.proposed" && subject === action?.id);
    const cause = commands.get(proposed?.command ?? -1) ?? "";
    const before = ledger.events.find(({ type, subject }) => type === "action.proposed" && subject === cause);
    // What time itself proposed goes back to nothing but its incident.
    if (run === null || proposed === undefined || silent.has(run) || cause === action?.id) continue;
    if (cause === run || before?.facts["run"] === run) assert.equal(ai?.answerHash, hash("sha256", run), action?.id);
    if (before?.facts["run"] === run) followed++;
  }
  assert.ok(followed > 0, "one action led to another");
});

it("a restart at any record goes on without a gap, with the same records as an exporter that never stopped", async () => {
  await property(
    asyncProperty(integer({ min: 1, max: 1_000_000 }), integer({ min: 1, max: 40 }), async (seed, every) => {
      const ledger = new ExportedLedger(seed);
      ledger.grow(300);
      const [whole, positions] = [new MemoryTransport(), new MemoryPositions()];
      keepAll(whole);
      await exportUntil({ ledger, transport: whole, positions, until: () => true });
      const cut = new MemoryPositions();
      const received: ExportRecord[] = [];
      const isDone = atTheEnd(ledger, cut);
      for (let turns = 0; !isDone(); turns++) {
        assert.ok(turns < 2_000, "it gets on");
        const transport = new MemoryTransport(every);
        transport.next = (batch) => {
          // One record is taken in silence, then the process is gone; what was acknowledged before is kept.
          transport.keep(batch, batch.records.length);
          return "throw";
        };
        if (turns % 2 === 1) keepAll(transport);
        const seen = turns % 2 === 1 ? 3 : 1;
        await exportUntil({ ledger, transport, positions: cut, until: (pauses) => pauses >= seen });
        received.push(...transport.received);
      }
      const byId = new Map(received.map((record) => [record.id, record]));
      assert.deepEqual([...byId.values()], whole.received, "in order, whatever came twice");
    }),
    { numRuns: 8 },
  );
});

it("what the receiver took of a batch does not come again; the rest does, in order", async () => {
  const ledger = new ExportedLedger(3);
  ledger.grow(400);
  const [transport, positions] = [new MemoryTransport(20), new MemoryPositions()];
  let turn = 0;
  transport.next = (batch) => {
    const count = turn++ % 2 === 0 ? Math.floor(batch.records.length / 2) : batch.records.length;
    transport.keep(batch, count);
    return taken(batch, count);
  };
  const statuses = await exportUntil({ ledger, transport, positions, until: atTheEnd(ledger, positions) });
  assert.deepEqual(idsOf(transport.received), expectedIds(ledger));
  assert.ok((statuses.at(-1)?.failures ?? 0) > 0);
  assert.equal(statuses.at(-1)?.failing, null);
  assert.match(positions.position?.memo ?? "", /^after /);
});

it("while the receiver is down nothing more is read, and it all comes when it is back", async () => {
  const ledger = new ExportedLedger(4);
  ledger.grow(200);
  const [transport, positions] = [new MemoryTransport(), new MemoryPositions()];
  transport.next = (batch) => taken(batch, 0);
  let readsWhileDown = -1;
  const statuses = await exportUntil({
    ledger,
    transport,
    positions,
    until: (pauses) => {
      ledger.grow(pauses < 40 ? 100 : 0); // decisions go on
      if (pauses === 5) readsWhileDown = ledger.store.reads;
      if (pauses === 40) {
        assert.equal(ledger.store.reads, readsWhileDown, "one window is held, and no more is read");
        keepAll(transport);
      }
      return pauses > 40 && atTheEnd(ledger, positions)();
    },
  });
  assert.deepEqual(idsOf(transport.received), expectedIds(ledger));
  assert.ok(statuses.some(({ failing, position }) => failing === "down" && position === 0));
});

it("a transport that contradicts itself is a failure with a pause, and costs no record", async () => {
  const ledger = new ExportedLedger(8);
  ledger.grow(200);
  const [transport, positions] = [new MemoryTransport(), new MemoryPositions()];
  let turn = 0;
  transport.next = (batch) => {
    if (++turn === 1) return { accepted: 0, rejected: 0, memo: null, failure: null };
    transport.keep(batch, batch.records.length);
    return taken(batch, batch.records.length);
  };
  const statuses = await exportUntil({ ledger, transport, positions, until: atTheEnd(ledger, positions) });
  assert.ok(statuses.some(({ failing }) => failing === "internal"));
  assert.deepEqual(idsOf(transport.received), expectedIds(ledger));
});

it("a position in another log, or beyond the end of this one, stops the exporter and says so", async () => {
  const ledger = new ExportedLedger(5);
  ledger.grow(20);
  for (const position of [
    { origin: "another/log", seq: 1, readFrom: 0, memo: null },
    { origin: ORIGIN, seq: 1_000_000, readFrom: 0, memo: null },
  ]) {
    const [transport, positions] = [new MemoryTransport(), new MemoryPositions()];
    positions.position = position;
    const statuses = await exportUntil({ ledger, transport, positions, until: () => true });
    assert.deepEqual([statuses.at(-1)?.failing, statuses.at(-1)?.stopped], ["config-invalid", true]);
    assert.equal(transport.received.length, 0);
  }
});

it("a leaf that is not the one of its hash is never exported", async () => {
  const ledger = new ExportedLedger(6);
  ledger.grow(200);
  const last = ledger.store.batches.length - 1;
  const batch = ledger.store.batches[last];
  assert.ok(batch !== undefined);
  ledger.store.batches[last] = { ...batch, leaves: batch.leaves.replace(/"time":(\d)/, '"time":9') };
  const [transport, positions] = [new MemoryTransport(), new MemoryPositions()];
  keepAll(transport);
  const statuses = await exportUntil({ ledger, transport, positions, until: () => true });
  assert.deepEqual([statuses.at(-1)?.failing, statuses.at(-1)?.stopped], ["ledger-corrupt", true]);
});

it("contents go by hash or in full where configured, and what has been erased goes nowhere, also not on a repeat", async () => {
  const ledger = new ExportedLedger(7);
  ledger.grow(600);
  const proposed = ledger.events.filter(({ type, payload }) => type === "action.proposed" && payload !== undefined);
  const contentsOf = async (content: "hash" | "full") => {
    const [transport, positions] = [new MemoryTransport(), new MemoryPositions()];
    keepAll(transport);
    await exportUntil({ ledger, transport, positions, content, until: () => true });
    return transport.received.filter(({ action, contents }) => action?.agentKind === "agent" && contents?.["proposal"]);
  };
  const [hashed, full] = [await contentsOf("hash"), await contentsOf("full")];
  assert.ok(hashed.length > 10 && hashed.length === full.length);
  assert.match(JSON.stringify(hashed[0]?.contents?.["proposal"]), /^\{"sha256":"[0-9a-f]{64}"\}$/);
  assert.ok(!JSON.stringify(hashed).includes("because"));
  assert.deepEqual(full[0]?.contents?.["proposal"], { value: { reason: "because" } });

  const [transport, positions] = [new MemoryTransport(), new MemoryPositions()];
  let attempts = 0;
  transport.next = (batch) => {
    if (++attempts === 1) {
      for (const { seq } of proposed) ledger.erased.add(seq); // between the first attempt and the second
      return taken(batch, 0);
    }
    transport.keep(batch, batch.records.length);
    return taken(batch, batch.records.length);
  };
  await exportUntil({ ledger, transport, positions, content: "full", until: atTheEnd(ledger, positions) });
  assert.ok(!JSON.stringify(transport.received).includes("because"));
  const again = transport.received.filter(({ contents }) => contents?.["proposal"] !== undefined);
  for (const { contents } of again) assert.deepEqual(contents?.["proposal"], { omitted: "erased" });
});

it("the manual names every event that is exported", () => {
  const manual = readFileSync(new URL("../../docs/exports.md", import.meta.url), "utf8");
  const exported = declaredTypes().filter((type) => isExported({ type }));
  assert.ok(exported.length > 15);
  for (const type of exported) assert.ok(manual.includes(`\`${type}\``), type);
});
