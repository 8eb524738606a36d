// What people are told of a real workload: of every hold its beginning, its steps and its end, and nothing of the rest.

import assert from "node:assert/strict";
import { it } from "node:test";
import { seqFromId } from "../../src/core/ids.ts";
import { rolesAsked } from "../../src/approvals/asks.ts";
import type { Asks } from "../../src/wire/types/approvals.ts";
import { positionsFrom } from "../../src/history/notification-source.ts";
import { TERMS } from "../../src/kernel/limits.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import { ExportedLedger, MemoryPositions, ORIGIN } from "../exports/ledger.ts";
import { sourceOf, toldOf } from "./notifications.ts";

const QUESTIONS = new Set(["hold.opened", "hold.escalated", "hold.resumed"]);

/** What every kind of event is looked for in: chance has them in one workload or the next. */
const SEEDS_MAX = 40;

const TOLD_TYPES = [
  "action.held",
  "hold.escalated",
  "hold.reminded",
  "action.approval-given",
  "action.approval-withdrawn",
  "action.approved",
  "action.denied",
  "brake.applied",
  "domain.blocked",
];

it("every hold is told from its beginning to its end, once each, in ledger order", async () => {
  const missing = new Set(TOLD_TYPES);
  for (let seed = 0; seed < SEEDS_MAX && missing.size > 0; seed++) {
    const ledger = new ExportedLedger(seed);
    ledger.grow(1_000);
    const told = await toldOf(sourceOf(ledger));
    const seqs = told.map(({ ledger: { seq } }) => seq);
    assert.deepEqual(
      seqs,
      [...new Set(seqs)].toSorted((a, b) => a - b),
    );
    for (const { type, seq } of ledger.events) {
      if (!TOLD_TYPES.includes(type)) continue;
      missing.delete(type);
      assert.ok(seqs.includes(seq), `${type} at ${seq} is told`);
    }
    const ofHolds = told.filter(({ action }) => action !== null);
    for (const id of new Set(ofHolds.map(({ action }) => action?.id))) {
      const kinds = ofHolds.filter(({ action }) => action?.id === id).map(({ kind }) => kind);
      assert.match(kinds.join(" "), LIFE, id);
    }
  }
  assert.deepEqual([...missing], [], "each was in some workload");
});

/** Of one action that people were asked about, perhaps more than once. */
const LIFE =
  /^((hold\.opened( hold\.(escalated|frozen|resumed|reminded|approval|withdrawal))*)( hold\.ended| glass\.broken)? ?)+(action\.ended)?$|^wait\.ended$/;

it("what nobody was asked about is told to nobody, but for what waited in vain for something outside", async () => {
  const ledger = new ExportedLedger(12);
  ledger.grow(1_500);
  const held = new Set(ledger.events.filter(({ type }) => type === "action.held").map(({ subject }) => subject));
  const alone = ledger.events.filter(({ type, subject }) => type === "action.granted" && !held.has(subject));
  assert.ok(alone.length > 0, "some went their way");
  const told = await toldOf(sourceOf(ledger));
  const ofNobody = told.filter(({ action }) => action !== null && !held.has(action.id));
  assert.ok(ofNobody.every(({ kind }) => kind === "wait.ended"));
});

it("what waited in vain for something outside is told, with what was missing, unless it was allowed or taken back", async () => {
  const missing = new Set(["action.expired", "action.refused"]);
  let asked = 0;
  for (let seed = 0; seed < SEEDS_MAX && (missing.size > 0 || asked === 0); seed++) {
    const ledger = new ExportedLedger(seed);
    for (let weeks = 0; weeks < 8; weeks++) {
      ledger.grow(100);
      ledger.workload.nowMs += TERMS.outsideMs;
      ledger.workload.submit({ type: "tick", actor: "system:kernel", input: {} });
    }
    ledger.grow(100);
    const told = (await toldOf(sourceOf(ledger))).filter(({ kind }) => kind === "wait.ended");
    const expected = inVain(ledger.events);
    assert.deepEqual(
      told.map(({ ledger: { seq }, action }) => ({ seq, awaited: action?.awaited, hold: action?.hold })),
      expected.map(({ seq, awaited }) => ({ seq, awaited, hold: null })),
    );
    for (const { action, ledger: at } of told) {
      const { type, facts } = ledger.events[at.seq] ?? assert.fail();
      missing.delete(type);
      assert.deepEqual([`action.${action?.status}`, action?.code], [type, facts["code"]]);
    }
    asked += expected.filter(({ awaited }) => awaited.missing !== null).length;
  }
  assert.deepEqual([...missing, asked > 0], [true], "each was in some workload");
});

type InVain = { readonly seq: number; readonly awaited: { readonly since: number; readonly missing: string | null } };

/** From the events of each action alone: never held, and still waiting for something outside as it expired or was refused. */
function inVain(events: readonly LedgerEvent[]): readonly InVain[] {
  return events.flatMap(({ type, subject, seq }) => {
    if (type !== "action.expired" && type !== "action.refused") return [];
    const own = events.filter((one) => one.subject === subject && one.seq < seq);
    if (own.some((one) => one.type === "action.held")) return [];
    const last = own.findLast((one) => one.type === "action.waiting" || one.type === "action.granted");
    if (last?.type !== "action.waiting" || last.facts["code"] !== "outside") return [];
    const because = own.findLast((one) => one.type === "action.still-waiting" && one.seq > last.seq);
    const said = because?.facts["because"];
    return [{ seq, awaited: { since: last.time, missing: typeof said === "string" ? said : null } }];
  });
}

it("a question says what is asked, of whom and until when; its end says how it ended", async () => {
  const ledger = new ExportedLedger(13);
  ledger.grow(2_500);
  const told = await toldOf(sourceOf(ledger));
  for (const { kind, action, ledger: at } of told) {
    if (action === null || kind === "wait.ended") continue;
    const event = ledger.events[at.seq];
    assert.ok(action.hold !== null && action.hold.roles.length > 0 && action.planHash !== null);
    if (!QUESTIONS.has(kind)) continue;
    assert.equal(action.hold.deadline, event?.facts["deadline"]);
    if (kind !== "hold.resumed")
      assert.deepEqual(action.hold.roles, rolesAsked(event?.facts["asks"] as unknown as Asks));
    const planned = ledger.events.find(({ type, subject }) => type === "action.planned" && subject === action.id);
    const proposed = ledger.events.find(({ type, subject }) => type === "action.proposed" && subject === action.id);
    const stated = (planned ?? proposed)?.facts as { inverse?: { kind: string }; findings?: object } | undefined;
    assert.deepEqual([action.undoneBy, action.findings], [stated?.inverse?.kind ?? null, stated?.findings ?? null]);
    assert.equal(action.status, "held");
  }
  const ends = told.filter(({ kind }) => kind === "hold.ended");
  for (const status of ["approved", "denied", "expired"]) {
    assert.ok(
      ends.some(({ action }) => action?.status === status),
      `the workload has ${status}`,
    );
  }
  for (const { action, ledger: at } of ends) {
    const answered = action?.status === "approved" || action?.status === "denied";
    const last = action?.hold?.answers.at(-1);
    if (answered)
      assert.deepEqual(
        [last?.time, last?.person],
        [ledger.events[at.seq]?.time, ledger.events[at.seq]?.facts["person"]],
      );
  }
  const finished = told.filter(({ kind }) => kind === "action.ended");
  assert.ok(finished.some(({ action }) => action?.status === "succeeded"));
  assert.ok(finished.every(({ action }) => action?.status !== ""));
});

it("a restart anywhere tells the rest exactly as if there had been none", async () => {
  const ledger = new ExportedLedger(14);
  ledger.grow(600);
  const whole: { seq: number; readFrom: number; told: string }[] = [];
  const source = sourceOf(ledger);
  await source.resume({ seq: 0, readFrom: 0 });
  for (let at = -1; ;) {
    const { drafts, end } = await source.next();
    for (const draft of drafts) {
      const told = JSON.stringify(await source.record(draft));
      whole.push({ seq: draft.event.seq + 1, readFrom: draft.readFrom, told });
    }
    if (end === at) break;
    at = end;
  }
  assert.ok(whole.length > 20);
  for (let cut = 0; cut < whole.length; cut += 7) {
    const rest = await toldOf(sourceOf(ledger), whole[cut]);
    assert.deepEqual(
      rest.map((one) => JSON.stringify(one)),
      whole.slice(cut + 1).map(({ told }) => told),
    );
  }
});

it("an action that has ended is let go, however it ended: a restart reads from the oldest under way", async () => {
  const missing = new Set(
    ["verified", "reverted", "completed", "advised", "grant-revoked"].map((end) => `action.${end}`),
  );
  for (let seed = 0; seed < SEEDS_MAX && missing.size > 0; seed++) {
    const ledger = new ExportedLedger(seed);
    const source = sourceOf(ledger);
    await source.resume({ seq: 0, readFrom: 0 });
    for (let turn = 0; turn < 20; turn++) {
      ledger.grow(50);
      const live = [...ledger.workload.state.actions.keys()].map((id) => seqFromId("act", id) ?? 0);
      assert.equal(await readAll(source), Math.min(ledger.events.length, ...live));
    }
    for (const { type } of ledger.events) missing.delete(type);
  }
  assert.deepEqual([...missing], [], "each was in some workload");
});

/** Reads to the end of the log; where a restart would read from. */
async function readAll(source: ReturnType<typeof sourceOf>): Promise<number> {
  for (let at = -1; ;) {
    const { end, readFrom } = await source.next();
    if (end === at) return readFrom;
    at = end;
  }
}

it("reasons are told where configured, and what has been erased is not", async () => {
  const ledger = new ExportedLedger(15);
  ledger.grow(900);
  const own = (told: Awaited<ReturnType<typeof toldOf>>) => told.filter(({ action }) => action?.agentKind === "agent");
  const silent = own(await toldOf(sourceOf(ledger)));
  assert.ok(silent.length > 0 && silent.every(({ action }) => action?.reason === null && action.diff === null));
  const full = own(await toldOf(sourceOf(ledger, "full")));
  assert.ok(full.every(({ action }) => action?.reason === "because"));
  for (const { seq, type } of ledger.events) if (type === "action.proposed") ledger.erased.add(seq);
  assert.ok(own(await toldOf(sourceOf(ledger, "full"))).every(({ action }) => action?.reason === null));
});

it("a new notifier begins where the log ended at the start, and keeps that place before anything is told", async () => {
  const ledger = new ExportedLedger(16);
  ledger.grow(100);
  const saved = new MemoryPositions();
  const size = ledger.events.length;
  const positions = positionsFrom(saved, { origin: ORIGIN, beginAt: size });
  const first = { origin: ORIGIN, seq: size, readFrom: size, memo: null };
  assert.deepEqual(await positions.load(), first);
  assert.deepEqual(saved.position, first);
  ledger.grow(100);
  assert.deepEqual(await positions.load(), first, "a restart goes on from there");
});
