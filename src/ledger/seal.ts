// The sealer: turns events into one batch with payload boxes, leaves, leaf hashes, tiles and a signed checkpoint.

import type { KeyObject } from "node:crypto";
import { AppError } from "../core/errors.ts";
import { assert } from "../core/assert.ts";
import type { Random } from "../core/random.ts";
import type { FullTile, LedgerReader, SealedBatch, SealedKey, SealedPayload } from "../wire/contracts/store.ts";
import type { UnsealedEvent } from "../wire/types/event.ts";
import { openCheckpoint, previousLine, signCheckpoint } from "./checkpoint.ts";
import { verifierOf, type Signer } from "./ed25519.ts";
import type { LogKeys } from "./key-statement.ts";
import { draftLeaf, finishLeaf, type DraftLeaf, type PayloadReference } from "./leaf.ts";
import { equalBytes, HASH_BYTES, hashLeaf, type MerkleTree } from "./merkle.ts";
import {
  cipherKey,
  commitmentOf,
  KEY_BYTES,
  NONCE_BYTES,
  payloadPlaintext,
  SALT_BYTES,
  sealBox,
  wrapKey,
} from "./payload-box.ts";
import { TileReader } from "./tiles.ts";

export interface SealerSettings {
  /** The log key; its name is the origin. */
  readonly signer: Signer;
  readonly random: Random;
  /** 32 bytes; wraps every payload key. */
  readonly keyEncryptionKey: Uint8Array;
}

/** Enough for a salt, a box nonce, a payload key and the nonce that wraps it. */
const RANDOM_BYTES_PER_PAYLOAD = SALT_BYTES + NONCE_BYTES + KEY_BYTES + NONCE_BYTES;

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
    store: Pick<LedgerReader, "head" | "readBatches" | "readTile">,
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
    return this.sealDrafts(events.map(draftLeaf));
  }

  /** Seals events that were written down elsewhere; else like `seal`. */
  sealDrafts(drafts: readonly DraftLeaf[]): SealedBatch {
    const firstSeq = this.#tree.size;
    this.#checkOrder(drafts, firstSeq);
    const seals = new PayloadSeals(this.#settings, this.#keyEncryptionKey, drafts);
    const lines = drafts.map((draft) => finishLeaf(draft, seals.seal(draft)));
    const { leafHashes, tiles } = this.#grow(lines);
    this.#time = drafts.at(-1)?.time ?? this.#time;
    this.#checkpoint = this.#signCheckpoint();
    const { payloads, keys } = seals;
    const leaves = lines.join("\n");
    return { firstSeq, count: lines.length, leaves, leafHashes, payloads, keys, tiles, checkpoint: this.#checkpoint };
  }

  #checkOrder(drafts: readonly DraftLeaf[], firstSeq: number): void {
    assert(drafts.length > 0, "a batch holds at least one event");
    let time = this.#time;
    for (const [i, draft] of drafts.entries()) {
      assert(draft.seq === firstSeq + i, "sequence numbers follow each other without a gap");
      assert(draft.time >= time, "time never decreases along the log");
      time = draft.time;
    }
  }

  #grow(lines: readonly string[]): { leafHashes: Uint8Array; tiles: FullTile[] } {
    const leafHashes = new Uint8Array(lines.length * HASH_BYTES);
    const tiles: FullTile[] = [];
    for (const [i, line] of lines.entries()) {
      const leafHash = hashLeaf(line);
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

/**
 * Seals the payloads of one batch. A payload key serves one subject and retention class within the batch and no other
 * batch, and its id is the sequence of the first event that it seals. So no key is ever looked up or cached, a key that
 * was destroyed cannot be used again, and old events of a long-lived subject can be erased without the new ones.
 */
class PayloadSeals {
  readonly payloads: SealedPayload[] = [];
  readonly keys: SealedKey[] = [];
  readonly #settings: SealerSettings;
  readonly #keyEncryptionKey: KeyObject;
  readonly #random: Uint8Array;
  #taken = 0;
  readonly #current = new Map<string, { keyId: string; key: KeyObject }>();

  constructor(settings: SealerSettings, keyEncryptionKey: KeyObject, drafts: readonly DraftLeaf[]) {
    this.#settings = settings;
    this.#keyEncryptionKey = keyEncryptionKey;
    const count = drafts.reduce((sum, draft) => (draft.payload === null ? sum : sum + 1), 0);
    this.#random = count === 0 ? new Uint8Array(0) : settings.random.bytes(count * RANDOM_BYTES_PER_PAYLOAD);
  }

  #take(bytes: number): Uint8Array {
    this.#taken += bytes;
    assert(this.#taken <= this.#random.length, "enough random bytes were drawn for the batch");
    return this.#random.subarray(this.#taken - bytes, this.#taken);
  }

  /** Seals the payload of a draft; null when it has none. */
  seal({ seq, subject, payload, retention }: DraftLeaf): PayloadReference | null {
    if (payload === null || retention === null) return null;
    const { keyId, key } = this.#keyFor(seq, `${retention} ${subject}`);
    const plaintext = payloadPlaintext(this.#take(SALT_BYTES), payload);
    const place = { origin: this.#settings.signer.name, keyId, seq };
    this.payloads.push({ seq, keyId, box: sealBox(plaintext, place, key, this.#take(NONCE_BYTES)) });
    return { commitment: commitmentOf(plaintext), key: keyId, retention };
  }

  #keyFor(seq: number, owner: string): { keyId: string; key: KeyObject } {
    const known = this.#current.get(owner);
    if (known !== undefined) return known;
    const bytes = this.#take(KEY_BYTES);
    const made = { keyId: String(seq), key: cipherKey(bytes) };
    const place = { origin: this.#settings.signer.name, keyId: made.keyId };
    const wrapped = wrapKey(bytes, place, this.#keyEncryptionKey, this.#take(NONCE_BYTES));
    this.#current.set(owner, made);
    this.keys.push({ keyId: made.keyId, wrapped });
    return made;
  }
}
