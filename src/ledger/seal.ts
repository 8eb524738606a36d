// The sealer: turns events into one batch with payload boxes, leaves, leaf hashes, tiles and a signed checkpoint.

import type { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";
import { AppError } from "../core/errors.ts";
import { assert } from "../core/assert.ts";
import type { Random } from "../core/random.ts";
import type { FullTile, LedgerReader, SealedBatch, SealedKey, SealedPayload } from "../wire/contracts/store.ts";
import type { UnsealedEvent } from "../wire/types/event.ts";
import { openCheckpoint, previousLine, signCheckpoint } from "./checkpoint.ts";
import { verifierOf, type Signer } from "./ed25519.ts";
import type { LogKeys } from "./key-statement.ts";
import { bufferOf, draftPlaces, writeDrafts, type DraftPlace, type Drafts } from "./drafts.ts";
import { equalBytes, HASH_BYTES, hashLeafAt, type MerkleTree } from "./merkle.ts";
import { cipherKey, commitmentOf, KEY_BYTES, NONCE_BYTES, SALT_BYTES, sealBox, wrapKeys } from "./payload-box.ts";
import { TileReader } from "./tiles.ts";

export interface SealerSettings {
  /** The log key; its name is the origin. */
  readonly signer: Signer;
  readonly random: Random;
  /** 32 bytes; wraps every payload key. */
  readonly keyEncryptionKey: Uint8Array;
}

/**
 * Seals batch after batch of one log; one owner, no I/O. It stands at the end of the log that it has sealed: when an
 * append fails, throw the sealer away and resume another from the store.
 */
export class Sealer {
  readonly #settings: SealerSettings;
  readonly #keyEncryptionKey: KeyObject;
  readonly #tree: MerkleTree;
  #checkpoint: string | null;
  #time = 0;

  private constructor(settings: SealerSettings, tree: MerkleTree, checkpoint: string | null) {
    assert(settings.keyEncryptionKey.length === KEY_BYTES, "the key-encryption key is 32 bytes");
    this.#settings = settings;
    this.#keyEncryptionKey = cipherKey(settings.keyEncryptionKey);
    this.#tree = tree;
    this.#checkpoint = checkpoint;
  }

  /**
   * A sealer at the durable end of a log. Throws `ledger-corrupt` when the head's checkpoint does not verify or is not
   * of the tree in the store, `config-invalid` when no statement lets this signer sign the next one.
   */
  static async resume(
    store: Pick<LedgerReader, "head" | "readLeaves" | "readTile">,
    keys: LogKeys,
    settings: SealerSettings,
  ): Promise<Sealer> {
    const { size, checkpoint } = await store.head();
    if (keys.at(size + 1)?.text !== verifierOf(settings.signer).text) {
      throw new AppError("config-invalid", "no key statement lets this key sign the next checkpoint", { size });
    }
    const tree = await (await TileReader.load(store, size)).tree();
    checkHead({ size, checkpoint }, tree, keys);
    return new Sealer(settings, tree, checkpoint);
  }

  get size(): number {
    return this.#tree.size;
  }

  /**
   * Seals `events`, at least one, whose sequence goes on where the log ends. An event that JSON cannot carry throws
   * `request-invalid`, a wrong header InvariantError; both before anything changed.
   */
  seal(events: readonly UnsealedEvent[]): SealedBatch {
    return this.sealDrafts(writeDrafts(events));
  }

  /**
   * Seals events that were written down elsewhere; else like `seal`. The batch's leaves are those of `drafts`, filled in:
   * they are the caller's to use again once the batch is stored.
   */
  sealDrafts(drafts: Drafts): SealedBatch {
    const firstSeq = this.#tree.size;
    const places = draftPlaces(drafts);
    this.#checkOrder(places, firstSeq);
    const leaves = bufferOf(drafts.leaves);
    const { payloads, keys } = this.#sealPayloads(places, leaves, bufferOf(drafts.payloads));
    const { leafHashes, tiles } = this.#grow(places, leaves);
    const last = places.at(-1);
    this.#time = last?.time ?? this.#time;
    this.#checkpoint = this.#signCheckpoint();
    return {
      firstSeq,
      count: places.length,
      leaves: leaves.subarray(1, last?.leafEnd),
      leafHashes,
      payloads,
      keys,
      tiles,
      checkpoint: this.#checkpoint,
    };
  }

  #checkOrder(places: readonly DraftPlace[], firstSeq: number): void {
    assert(places.length > 0, "a batch holds at least one event");
    let time = this.#time;
    for (const [i, place] of places.entries()) {
      assert(place.seq === firstSeq + i, "sequence numbers follow each other without a gap");
      assert(place.time >= time, "time never decreases along the log");
      time = place.time;
    }
  }

  /**
   * Seals the payloads and writes their commitments into the leaves. A payload key serves one subject and retention class
   * within the batch and no other batch, and its id is the sequence of the first event that it seals. So no key is ever
   * looked up or cached, a key that was destroyed cannot be used again, and old events of a long-lived subject can be
   * erased without the new ones.
   */
  #sealPayloads(
    places: readonly DraftPlace[],
    leaves: Buffer,
    bytes: Buffer,
  ): { payloads: SealedPayload[]; keys: SealedKey[] } {
    const { signer, random } = this.#settings;
    const sealed = places.filter(({ payload }) => payload !== null);
    if (sealed.length === 0) return { payloads: [], keys: [] };
    const keys = new BatchKeys(sealed, random);
    const fresh = new Taker(random.bytes(sealed.length * (SALT_BYTES + NONCE_BYTES)));
    const payloads: SealedPayload[] = [];
    for (const { seq, payload } of sealed) {
      if (payload === null) continue;
      const plaintext = bytes.subarray(payload.start, payload.end);
      plaintext.set(fresh.take(SALT_BYTES));
      leaves.write(commitmentOf(plaintext), payload.commitmentAt, "latin1");
      const keyId = String(payload.keySeq);
      const place = { origin: signer.name, keyId, seq };
      payloads.push({ seq, keyId, box: sealBox(plaintext, place, keys.of(payload.keySeq), fresh.take(NONCE_BYTES)) });
    }
    return { payloads, keys: keys.wrap(this.#keyEncryptionKey) };
  }

  #grow(places: readonly DraftPlace[], leaves: Buffer): { leafHashes: Uint8Array; tiles: FullTile[] } {
    const leafHashes = new Uint8Array(places.length * HASH_BYTES);
    const tiles: FullTile[] = [];
    for (const [i, { leafStart, leafEnd }] of places.entries()) {
      const leafHash = hashLeafAt(leaves, leafStart, leafEnd);
      leafHashes.set(leafHash, i * HASH_BYTES);
      this.#tree.append(leafHash, tiles);
    }
    return { leafHashes, tiles };
  }

  #signCheckpoint(): string {
    const { signer } = this.#settings;
    const extension = this.#checkpoint === null ? [] : [previousLine(this.#checkpoint)];
    return signCheckpoint({ origin: signer.name, size: this.#tree.size, root: this.#tree.root(), extension }, signer);
  }

  /** A checkpoint of the log as it stands, without extension lines: for publishing and witnesses. */
  publicCheckpoint(): string {
    const { signer } = this.#settings;
    return signCheckpoint(
      { origin: signer.name, size: this.#tree.size, root: this.#tree.root(), extension: [] },
      signer,
    );
  }
}

function checkHead(head: { size: number; checkpoint: string | null }, tree: MerkleTree, keys: LogKeys): void {
  if (head.size === 0 && head.checkpoint === null) return;
  const { size, root } = openCheckpoint(head.checkpoint ?? "", keys);
  if (size !== head.size || !equalBytes(root, tree.root())) {
    throw new AppError("ledger-corrupt", "the head's checkpoint is not of this log's tree", { size: head.size });
  }
}

/** The payload keys of one batch, all drawn and wrapped at once. */
class BatchKeys {
  readonly #bytes: Uint8Array;
  readonly #keys = new Map<number, KeyObject>();
  readonly #nonce: Uint8Array;

  constructor(places: readonly DraftPlace[], random: Random) {
    const ids = new Set<number>();
    for (const { payload } of places) if (payload !== null) ids.add(payload.keySeq);
    const fresh = new Taker(random.bytes(NONCE_BYTES + ids.size * KEY_BYTES));
    this.#nonce = fresh.take(NONCE_BYTES);
    this.#bytes = fresh.rest();
    for (const id of ids) this.#keys.set(id, cipherKey(fresh.take(KEY_BYTES)));
  }

  of(keySeq: number): KeyObject {
    const key = this.#keys.get(keySeq);
    assert(key !== undefined, "a payload's key is one of its batch");
    return key;
  }

  wrap(keyEncryptionKey: KeyObject): SealedKey[] {
    const wrapped = wrapKeys(this.#bytes, keyEncryptionKey, this.#nonce);
    return [...this.#keys.keys()].map((id, i) => ({ keyId: String(id), wrapped: wrapped[i] as Uint8Array }));
  }
}

/** Bytes that are taken one piece after the other. */
class Taker {
  readonly #bytes: Uint8Array;
  #taken = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(count: number): Uint8Array {
    this.#taken += count;
    assert(this.#taken <= this.#bytes.length, "enough random bytes were drawn for the batch");
    return this.#bytes.subarray(this.#taken - count, this.#taken);
  }

  /** What is left, without taking it. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#taken);
  }
}
