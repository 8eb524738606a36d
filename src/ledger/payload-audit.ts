// Verification of payloads: every one that can be opened is, and is held against the commitment in its leaf.

import type { KeyObject } from "node:crypto";
import type { SealedPayload } from "../wire/contracts/store.ts";
import { corruption, type Findings } from "./findings.ts";
import type { PayloadReference } from "./leaf.ts";
import { checkOpening, openBox, unwrapKey, type Opening } from "./payload-box.ts";

export interface PayloadCounts {
  /** Opened and equal to their commitment. */
  opened: number;
  /** Their key is destroyed. */
  erased: number;
  /** There, but not openable here: no key-encryption key was given. */
  sealed: number;
  /** Not in a source that holds no keys, such as an export: left out of it, or erased before. */
  notIncluded: number;
}

export function noPayloads(): PayloadCounts {
  return { opened: 0, erased: 0, sealed: 0, notIncluded: 0 };
}

export interface PayloadAccess {
  readonly origin: string;
  /**
   * The wrapped payload key, null when it is destroyed; may throw `ledger-corrupt` for one that cannot be read. Absent
   * where the source holds no keys.
   */
  readonly readKey?: ((keyId: string) => Promise<Uint8Array | null>) | undefined;
  readonly keyEncryptionKey?: KeyObject | undefined;
  /** Told of each payload that is the one its leaf speaks of. */
  readonly onOpened?: ((opening: Opening) => void) | undefined;
}

/** The payloads of one batch as they were found, and what its leaves say of them. */
export interface BatchPayloads {
  readonly references: ReadonlyMap<number, PayloadReference>;
  readonly boxes: readonly SealedPayload[];
  readonly openings: readonly Opening[];
}

export class PayloadAudit {
  readonly counts: PayloadCounts = noPayloads();
  readonly #access: PayloadAccess;
  readonly #findings: Findings;
  /** Wrapped keys of the batch at hand: a payload key never serves two batches. */
  readonly #wrapped = new Map<string, Uint8Array | null>();
  readonly #unwrapped = new Map<string, KeyObject>();

  constructor(access: PayloadAccess, findings: Findings) {
    this.#access = access;
    this.#findings = findings;
  }

  async check({ references, boxes, openings }: BatchPayloads): Promise<void> {
    this.#wrapped.clear();
    this.#unwrapped.clear();
    const missing = new Map(references);
    for (const { seq } of [...boxes, ...openings]) {
      if (!missing.delete(seq))
        this.#findings.add(seq, "payload-altered", "a payload that no leaf speaks of, or a second one");
    }
    for (const opening of openings) this.#checkOpening(opening, references.get(opening.seq));
    for (const box of boxes) await this.#guard(box.seq, () => this.#checkBox(box, references.get(box.seq)));
    for (const [seq, reference] of missing) await this.#guard(seq, () => this.#checkMissing(seq, reference));
  }

  /** A key that cannot be read leaves its payload unchecked: that is a finding too. */
  async #guard(seq: number, check: () => Promise<void>): Promise<void> {
    try {
      await check();
    } catch (error) {
      this.#findings.add(seq, "payload-altered", corruption(error));
    }
  }

  #checkOpening(opening: Opening, reference: PayloadReference | undefined): void {
    if (reference === undefined) return;
    if (this.#findings.guard(opening.seq, "payload-altered", () => checkOpening(opening, reference)))
      this.#count(opening);
  }

  async #checkBox({ seq, keyId, box }: SealedPayload, reference: PayloadReference | undefined): Promise<void> {
    if (reference === undefined) return;
    if (keyId !== reference.key) {
      this.#findings.add(seq, "payload-altered", "a payload stands under another key than its leaf says");
      return;
    }
    const wrapped = await this.#readKey(keyId);
    if (wrapped === null) this.counts.erased += 1;
    else if (wrapped === undefined || this.#access.keyEncryptionKey === undefined) this.counts.sealed += 1;
    else this.#open({ seq, keyId, box }, reference, wrapped, this.#access.keyEncryptionKey);
  }

  #open(
    { seq, keyId, box }: SealedPayload,
    reference: PayloadReference,
    wrapped: Uint8Array,
    keyEncryptionKey: KeyObject,
  ): void {
    const key = this.#unwrapped.get(keyId) ?? unwrapKey(wrapped, keyEncryptionKey);
    this.#unwrapped.set(keyId, key);
    this.#count(openBox(box, { origin: this.#access.origin, seq }, reference, key));
  }

  #count(opening: Opening): void {
    this.counts.opened += 1;
    this.#access.onOpened?.(opening);
  }

  async #checkMissing(seq: number, { key }: PayloadReference): Promise<void> {
    const wrapped = await this.#readKey(key);
    if (wrapped === undefined) this.counts.notIncluded += 1;
    else if (wrapped === null) this.counts.erased += 1;
    else this.#findings.add(seq, "payload-missing", "its key is there, the payload is not");
  }

  /** Undefined where the source holds no keys. */
  async #readKey(keyId: string): Promise<Uint8Array | null | undefined> {
    if (this.#access.readKey === undefined) return undefined;
    const known = this.#wrapped.get(keyId);
    if (known !== undefined) return known;
    const wrapped = await this.#access.readKey(keyId);
    this.#wrapped.set(keyId, wrapped);
    return wrapped;
  }
}
