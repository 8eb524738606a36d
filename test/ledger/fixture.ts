// A small log to test with: seeded keys and randomness, a store of plain arrays whose bytes a test may change.

import { createHash } from "node:crypto";
import type { Json } from "../../src/core/json.ts";
import type { Random } from "../../src/core/random.ts";
import type { FullTile, LedgerReader, SealedBatch, Snapshot, StoredBatch } from "../../src/wire/contracts/store.ts";
import type { RetentionClass, UnsealedEvent } from "../../src/wire/types/event.ts";
import type { Envelope } from "../../src/ledger/dsse.ts";
import { signerFromSeed, verifierOf, type Signer } from "../../src/ledger/ed25519.ts";
import { LogKeys, signKeyStatement, statementsText } from "../../src/ledger/key-statement.ts";
import { Sealer } from "../../src/ledger/seal.ts";
import { MerkleTree } from "../../src/ledger/merkle.ts";
import { signSnapshot } from "../../src/ledger/snapshot-note.ts";
import { storeSource } from "../../src/ledger/store-source.ts";
import { verifyLog, type VerifyResult, type VerifySettings } from "../../src/ledger/verify.ts";

export const ORIGIN = "ledger.example/main";
export const rootSigner = signerFromSeed(`${ORIGIN}/root`, seedBytes("root"));
export const rootPublicKey = verifierOf(rootSigner).text;
export const logSigner = signerFromSeed(ORIGIN, seedBytes("log"));
export const nextSigner = signerFromSeed(ORIGIN, seedBytes("next log"));
export const keyEncryptionKey = seedBytes("key-encryption key");

export function seedBytes(name: string): Uint8Array {
  return createHash("sha256").update(name).digest();
}

/** Random bytes that a seed fixes: SHA-256 in counter mode. */
export function seededRandom(seed: string): Random {
  let counter = 0;
  return {
    bytes(count) {
      const blocks: Buffer[] = [];
      for (let at = 0; at < count; at += 32) blocks.push(createHash("sha256").update(`${seed} ${counter++}`).digest());
      return Buffer.concat(blocks).subarray(0, count);
    },
  };
}

export const firstStatement = signKeyStatement(
  { logKey: verifierOf(logSigner).text, fromSize: 0, revokedAtSize: null },
  rootSigner,
);

export interface EventOptions {
  readonly subject?: string;
  readonly body?: Json;
  readonly retention?: RetentionClass;
}

export function event(seq: number, { subject, body, retention = "content" }: EventOptions = {}): UnsealedEvent {
  return {
    seq,
    time: 1_790_000_000_000 + seq * 10,
    type: "action.proposed",
    version: 1,
    actor: "agent:triage",
    subject: subject ?? `act_${seq}`,
    command: seq,
    facts: { environment: "production", attempt: seq % 3, naïve: "å" },
    ...(body === undefined ? {} : { payload: { retention, body } }),
  };
}

/** What a store holds, in arrays; reading it is what a LedgerReader does. */
export class ArrayStore implements LedgerReader {
  readonly batches: StoredBatch[] = [];
  readonly tiles: FullTile[] = [];
  readonly keys = new Map<string, Uint8Array>();
  readonly snapshots: Snapshot[] = [];
  readonly meta = new Map<string, string>();

  constructor(statements: readonly Envelope[] = [firstStatement]) {
    this.meta.set("origin", ORIGIN).set("statements", statementsText(statements));
  }

  append(batch: SealedBatch): void {
    const { keys, tiles, leaves, ...stored } = batch;
    this.batches.push({ ...stored, leaves: Buffer.from(leaves).toString() });
    this.tiles.push(...tiles);
    for (const { keyId, wrapped } of keys) this.keys.set(keyId, wrapped);
  }

  async head() {
    const last = this.batches.at(-1);
    return { size: last === undefined ? 0 : last.firstSeq + last.count, checkpoint: last?.checkpoint ?? null };
  }
  async readBatches(fromSeq: number, batchesMax: number) {
    return this.batches.filter((batch) => batch.firstSeq + batch.count > fromSeq).slice(0, batchesMax);
  }
  async readLeaves(fromSeq: number, batchesMax: number) {
    return this.readBatches(fromSeq, batchesMax);
  }
  async readPayload(seq: number) {
    const payload = this.batches.flatMap(({ payloads }) => payloads).find((item) => item.seq === seq);
    return payload === undefined ? null : { ...payload, wrapped: this.keys.get(payload.keyId) ?? null };
  }
  async readKey(keyId: string) {
    return this.keys.get(keyId) ?? null;
  }
  async readTile(level: number, index: number) {
    return this.tiles.find((tile) => tile.level === level && tile.index === index)?.hashes ?? null;
  }
  async latestSnapshot(sizeMax: number) {
    return this.snapshots.findLast(({ size }) => size <= sizeMax) ?? null;
  }
  async readMeta(name: string) {
    return this.meta.get(name) ?? null;
  }
  async close() {}
}

export async function sealerFor(store: ArrayStore, keys: LogKeys, signer: Signer = logSigner): Promise<Sealer> {
  return Sealer.resume(store, keys, { signer, random: seededRandom("sealer"), keyEncryptionKey });
}

export function logKeys(statements: readonly Envelope[] = [firstStatement]): LogKeys {
  return new LogKeys(statements, verifierOf(rootSigner));
}

/** A log of batches of the given sizes; every third event has a payload. */
export async function makeLog(batchSizes: readonly number[]): Promise<ArrayStore> {
  const store = new ArrayStore();
  const sealer = await sealerFor(store, logKeys());
  for (const count of batchSizes) {
    const first = sealer.size;
    store.append(
      sealer.seal(
        Array.from({ length: count }, (_, i) =>
          (first + i) % 3 === 0 ? event(first + i, { body: { reason: `because ${first + i}` } }) : event(first + i),
        ),
      ),
    );
  }
  return store;
}

export function addSnapshot(store: ArrayStore, size: number): void {
  const bytes = Buffer.from(JSON.stringify({ folded: size }));
  const tree = new MerkleTree();
  const hashes = Buffer.concat(store.batches.map(({ leafHashes }) => leafHashes));
  for (let at = 0; at < size * 32; at += 32) tree.append(hashes.subarray(at, at + 32), []);
  store.snapshots.push({ size, bytes, note: signSnapshot({ size, bytes }, tree.root(), logSigner) });
}

/** Verifies with the key-encryption key unless told otherwise. */
export async function verifyStore(store: ArrayStore, settings: Partial<VerifySettings> = {}): Promise<VerifyResult> {
  return verifyLog(await storeSource(store), { rootPublicKey, keyEncryptionKey, ...settings });
}
