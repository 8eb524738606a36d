// A ledger to measure on: what decisions of `record.note` leave, sealed with keys of its own into an SQLite store.

import { randomBytes } from "node:crypto";
import { openSqlite, type SqliteStore } from "../src/adapters/stores/sqlite.ts";
import { idFromSeq } from "../src/core/ids.ts";
import { signerFromSeed, verifierOf } from "../src/ledger/ed25519.ts";
import { LogKeys, signKeyStatement, statementsText } from "../src/ledger/key-statement.ts";
import { Sealer } from "../src/ledger/seal.ts";
import type { SealedBatch } from "../src/wire/contracts/store.ts";
import type { UnsealedEvent } from "../src/wire/types/event.ts";

const ORIGIN = "bench.example/log";
const START_MS = 1_790_000_000_000;
const HASH = "9b74c9897bac770ffc029102a200c5de1f5f2ad0c1e6b1a0a6d8e2f3b4c5d6e7";
/** About what a batch holds at 128 connections. */
export const EVENTS_PER_BATCH = 128;

const root = signerFromSeed(`${ORIGIN}/root`, new Uint8Array(32).fill(1));
const signer = signerFromSeed(ORIGIN, new Uint8Array(32).fill(2));
const statements = [signKeyStatement({ logKey: verifierOf(signer).text, fromSize: 0, revokedAtSize: null }, root)];

export const rootPublicKey = verifierOf(root).text;

export type Log = { readonly store: SqliteStore; readonly sealer: Sealer };

export async function openLog(path: string): Promise<Log> {
  const store = openSqlite(path);
  await store.writeMeta("origin", ORIGIN);
  await store.writeMeta("statements", statementsText(statements));
  const random = { bytes: (count: number) => randomBytes(count) };
  const settings = { signer, random, keyEncryptionKey: new Uint8Array(32).fill(3) };
  return { store, sealer: await Sealer.resume(store, new LogKeys(statements, verifierOf(root)), settings) };
}

/** Seals and appends `events` events in batches; as durable as the product does it. */
export async function fill({ store, sealer }: Log, events: number): Promise<void> {
  while (sealer.size < events) {
    const batch: SealedBatch = sealer.seal(decisions(sealer.size, Math.min(EVENTS_PER_BATCH, events - sealer.size)));
    await store.append(batch);
    await store.maintain();
  }
}

/** Events as decisions leave them: a proposal with its content, and its grant. */
function decisions(firstSeq: number, count: number): UnsealedEvent[] {
  return Array.from({ length: count }, (_, i) => {
    const seq = firstSeq + i;
    return seq % 2 === 0 ? proposed(seq) : granted(seq);
  });
}

function header(seq: number, command: number) {
  const subject = idFromSeq("act", command);
  return { seq, time: START_MS + seq, version: 1, actor: "agent:bench", subject, command };
}

function proposed(seq: number): UnsealedEvent {
  const plan = { calls: [], diff: { note: "restart of cart finished", tags: ["bench"] }, inverse: null };
  const content = { args: { tags: ["bench"], text: "restart of cart finished" }, plan, reason: null };
  return {
    ...header(seq, seq),
    type: "action.proposed",
    facts: {
      agentKind: "agent",
      by: "propose-action",
      classification: null,
      deadline: null,
      effect: "none",
      environment: "staging",
      incident: null,
      input: { idempotencyKey: null },
      kind: "record.note",
      operand: null,
      person: null,
      planHash: HASH,
      repeat: "idempotent",
      requestHash: HASH,
      resource: null,
      reversible: false,
      run: null,
      service: "cart",
    },
    payload: { retention: "content", body: content },
  };
}

function granted(seq: number): UnsealedEvent {
  const verdicts = [{ code: "rule-allow", evidence: {}, gate: "recording/always", verdict: "pass" }];
  return {
    ...header(seq, seq - 1),
    type: "action.granted",
    facts: {
      completed: "recorded",
      dryRun: false,
      duplicateKeys: [],
      evaluation: { bundleHash: HASH, decision: "allow", engine: "holdpoint/bench", verdicts },
      expiresAt: START_MS + seq + 300_000,
      grant: idFromSeq("grt", seq),
      planHash: HASH,
      reservations: [],
    },
  };
}
