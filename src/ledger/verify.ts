// Verification of a whole log, offline: from its batches and the root public key to the first event that is wrong.

import { AppError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { FullTile, SealedPayload, Snapshot } from "../wire/contracts/store.ts";
import { encodeBase64 } from "./base64.ts";
import { CheckpointChain, claimedRoot } from "./checkpoint-chain.ts";
import { openCheckpoint, type Checkpoint } from "./checkpoint.ts";
import type { Envelope } from "./dsse.ts";
import { parseVerifier, type Verifier } from "./ed25519.ts";
import { corruption, Findings, type Finding } from "./findings.ts";
import { LogKeys } from "./key-statement.ts";
import { parseLeaf, type PayloadReference } from "./leaf.ts";
import { EMPTY_ROOT, equalBytes, HASH_BYTES, hashLeaf, leavesPerHash, MerkleTree, TILE_WIDTH } from "./merkle.ts";
import { noPayloads, PayloadAudit, type PayloadCounts } from "./payload-audit.ts";
import { cipherKey, type Opening } from "./payload-box.ts";
import { noSignatures, ProposalSignatures, type SignatureCounts } from "./proposal-signatures.ts";
import { verifySnapshot } from "./snapshot-note.ts";
import { checkStageGrant } from "./stage-statement.ts";

/** One commit as a source gives it: a StoredBatch is one; an export has openings in place of boxes. */
export interface LogBatch {
  readonly firstSeq: number;
  readonly count: number;
  /** Leaf lines joined by "\n". */
  readonly leaves: string;
  readonly leafHashes?: Uint8Array;
  readonly payloads?: readonly SealedPayload[];
  readonly openings?: readonly Opening[];
  readonly checkpoint: string;
}

/** A log to verify. What is absent is not verified, but batches and statements always are. */
export interface LogSource {
  /** What the source says its log is; held against the statements. */
  readonly origin?: string;
  readonly statements: readonly Envelope[];
  /** All batches in order. May throw `ledger-corrupt` where it cannot be read. */
  readonly batches: AsyncIterable<LogBatch>;
  readonly readTile?: (level: number, index: number) => Promise<Uint8Array | null>;
  readonly readKey?: (keyId: string) => Promise<Uint8Array | null>;
  readonly snapshots?: readonly Snapshot[];
}

export interface VerifySettings {
  /** Verifier key text of the root key: all that has to be trusted. */
  readonly rootPublicKey: string;
  /** A checkpoint of this log that was kept elsewhere: finds truncation and forks before it. */
  readonly since?: string | undefined;
  /** 32 bytes; without it payload boxes stay closed. */
  readonly keyEncryptionKey?: Uint8Array | undefined;
  /** Verify the signature of every checkpoint, not only as many as vouch for all. */
  readonly everySignature?: boolean | undefined;
}

export interface VerifyResult {
  readonly ok: boolean;
  /** Null when the statements do not verify. */
  readonly origin: string | null;
  readonly size: number;
  /** Base64 root of the recomputed tree. */
  readonly root: string;
  /** The last checkpoint note: keep it for the next verification's `since`. */
  readonly checkpoint: string | null;
  readonly payloads: PayloadCounts;
  /** Proposals that agents signed. */
  readonly signatures: SignatureCounts;
  /** The first hundred, in the order found. */
  readonly findings: readonly Finding[];
  readonly findingsTotal: number;
  /** The finding with the lowest sequence. */
  readonly first: Finding | null;
  readonly statement: string;
}

/** Verifies a log. Nothing that is wrong with it throws; what the source throws otherwise goes on. */
export async function verifyLog(source: LogSource, settings: VerifySettings): Promise<VerifyResult> {
  const findings = new Findings();
  const root = parseVerifier(settings.rootPublicKey);
  let keys: LogKeys;
  try {
    keys = new LogKeys(source.statements, root);
    if ((source.origin ?? keys.origin) !== keys.origin)
      throw new AppError("ledger-corrupt", "the statements are of another log");
  } catch (error) {
    findings.add(null, "statements-invalid", corruption(error));
    return resultOf(findings, null, settings);
  }
  const verification = new LogVerification(source, settings, keys, findings);
  await verification.run();
  return resultOf(findings, verification, settings);
}

function resultOf(findings: Findings, log: LogVerification | null, settings: VerifySettings): VerifyResult {
  return {
    ok: findings.total === 0,
    origin: log?.keys.origin ?? null,
    size: log?.tree.size ?? 0,
    root: encodeBase64(log?.tree.root() ?? EMPTY_ROOT),
    checkpoint: log?.chain.last ?? null,
    payloads: log?.audit.counts ?? noPayloads(),
    signatures: log?.signatures.counts ?? noSignatures(),
    findings: findings.kept,
    findingsTotal: findings.total,
    first: findings.first,
    statement: statementOf(findings, settings),
  };
}

function statementOf(findings: Findings, settings: VerifySettings): string {
  if (findings.total > 0) return "does not verify";
  if (settings.since === undefined) return "consistent; not proven unforked";
  return "consistent, and consistent with the given checkpoint";
}

class LogVerification {
  tree = new MerkleTree();
  readonly keys: LogKeys;
  readonly chain: CheckpointChain;
  readonly audit: PayloadAudit;
  readonly signatures: ProposalSignatures;
  readonly #source: LogSource;
  readonly #findings: Findings;
  readonly #since: Checkpoint | null;
  /** Roots at the sizes that are asked about, as soon as the tree has them. */
  readonly #roots = new Map<number, Uint8Array | null>([[0, EMPTY_ROOT]]);
  readonly #root: Verifier;
  #time = 0;

  constructor(source: LogSource, settings: VerifySettings, keys: LogKeys, findings: Findings) {
    this.keys = keys;
    this.#source = source;
    this.#findings = findings;
    this.#root = parseVerifier(settings.rootPublicKey);
    this.chain = new CheckpointChain(keys, findings, settings.everySignature ?? false);
    const { readKey } = source;
    const keyEncryptionKey = settings.keyEncryptionKey === undefined ? undefined : cipherKey(settings.keyEncryptionKey);
    this.signatures = new ProposalSignatures(findings);
    const onOpened = (opening: Opening): void => this.signatures.opened(opening);
    this.audit = new PayloadAudit({ origin: keys.origin, readKey, keyEncryptionKey, onOpened }, findings);
    this.#since = this.#openSince(settings.since);
    const sizes = [...(source.snapshots ?? []), ...(this.#since === null ? [] : [this.#since])].map(({ size }) => size);
    for (const size of sizes) if (size > 0) this.#roots.set(size, null);
  }

  #openSince(note: string | undefined): Checkpoint | null {
    if (note === undefined) return null;
    try {
      return openCheckpoint(note, this.keys);
    } catch (error) {
      this.#findings.add(null, "since-invalid", corruption(error));
      return null;
    }
  }

  async run(): Promise<void> {
    const isWhole = await this.#readBatches();
    this.chain.flush();
    if (isWhole) this.#checkSince();
    for (const snapshot of this.#source.snapshots ?? []) this.#checkSnapshot(snapshot);
  }

  /** False when it had to stop: what follows a break cannot be told right from wrong. */
  async #readBatches(): Promise<boolean> {
    try {
      for await (const batch of this.#source.batches) {
        if (!(await this.#checkBatch(batch))) return false;
      }
      return true;
    } catch (error) {
      this.#findings.add(this.tree.size, "unreadable", corruption(error));
      return false;
    }
  }

  async #checkBatch(batch: LogBatch): Promise<boolean> {
    const first = this.tree.size;
    const lines = batch.leaves.split("\n");
    if (batch.firstSeq !== first || batch.count < 1) {
      this.#findings.add(first, "sequence-gap", `a batch begins at ${batch.firstSeq}, the log stands at ${first}`);
      return false;
    }
    const references = this.#checkLeaves(lines, first);
    const computed = hashLines(lines);
    const tiles = this.#grow(batch, computed);
    if (tiles === null) return false;
    if (!this.chain.add(batch.checkpoint, this.tree.size, this.tree.root())) {
      await this.#explainRoot(computed, first);
      return false;
    }
    for (const tile of tiles) await this.#checkTile(tile);
    const { payloads = [], openings = [] } = batch;
    if (references.size + payloads.length + openings.length > 0) {
      await this.audit.check({ references, boxes: payloads, openings });
    }
    this.signatures.endBatch();
    return true;
  }

  #checkLeaves(lines: readonly string[], first: number): Map<number, PayloadReference> {
    const references = new Map<number, PayloadReference>();
    for (const [i, line] of lines.entries()) {
      const seq = first + i;
      try {
        const { event, payload } = parseLeaf(line);
        if (event.seq !== seq) this.#findings.add(seq, "sequence-gap", `the leaf at ${seq} says ${event.seq}`);
        if (event.time < this.#time) this.#findings.add(seq, "time-decreases", "an event is older than the one before");
        this.#time = event.time;
        if (event.type === "stage.granted") this.#checkStage(seq, event.facts);
        this.signatures.event(event);
        if (payload !== null) references.set(seq, payload);
      } catch (error) {
        this.#findings.add(seq, "leaf-malformed", corruption(error));
      }
    }
    return references;
  }

  #checkStage(seq: number, facts: JsonObject): void {
    const log = { origin: this.keys.origin, root: this.#root };
    this.#findings.guard(seq, "stage-unsigned", () => checkStageGrant(facts, log));
  }

  /**
   * Adds the batch's leaves to the tree. Where leaves and stored leaf hashes differ, the checkpoint's root tells which
   * are right: the others are named, and the tree goes on with the right ones. Null when neither can be right.
   */
  #grow(batch: LogBatch, computed: Uint8Array): FullTile[] | null {
    const stored = batch.leafHashes ?? computed;
    if (equalBytes(stored, computed)) {
      if (computed.length === batch.count * HASH_BYTES) return this.#append(this.tree, computed);
      this.#findings.add(batch.firstSeq, "sequence-gap", "a batch holds another number of leaves than it says");
      return null;
    }
    const claimed = claimedRoot(batch.checkpoint);
    const { firstSeq } = batch;
    for (const [hashes, code] of [
      [computed, "leaf-hash-altered"],
      [stored, "leaf-altered"],
    ] as const) {
      const tree = this.tree.clone();
      const tiles = hashes.length === batch.count * HASH_BYTES ? this.#append(tree, hashes) : null;
      if (tiles === null || claimed === undefined || !equalBytes(tree.root(), claimed)) continue;
      this.#reportDifferences(computed, stored, firstSeq, code);
      this.tree = tree;
      return tiles;
    }
    this.#reportDifferences(computed, stored, firstSeq, "leaf-altered");
    return null;
  }

  #append(tree: MerkleTree, hashes: Uint8Array): FullTile[] {
    const completed: FullTile[] = [];
    for (let at = 0; at < hashes.length; at += HASH_BYTES) {
      tree.append(hashes.subarray(at, at + HASH_BYTES), completed);
      if (this.#roots.has(tree.size)) this.#roots.set(tree.size, tree.root());
    }
    return completed;
  }

  #reportDifferences(
    computed: Uint8Array,
    stored: Uint8Array,
    firstSeq: number,
    code: "leaf-altered" | "leaf-hash-altered",
  ): void {
    for (const index of differences(computed, stored)) {
      this.#findings.add(firstSeq + index, code, "a leaf and its stored hash differ");
      if (computed.length !== stored.length) return; // the rest is shifted
    }
  }

  /** Sound checkpoint, other root: a full tile still tells which event it is; without one, the batch is named. */
  async #explainRoot(computed: Uint8Array, first: number): Promise<void> {
    const last = this.tree.size - 1;
    for (let index = Math.floor(first / TILE_WIDTH); index * TILE_WIDTH <= last; index++) {
      const tile = await this.#source.readTile?.(0, index);
      if (tile === null || tile === undefined) continue;
      const from = Math.max(first, index * TILE_WIDTH);
      const held = tile.subarray((from % TILE_WIDTH) * HASH_BYTES);
      const own = computed.subarray((from - first) * HASH_BYTES, (from - first) * HASH_BYTES + held.length);
      const [offset] = differences(own, held.subarray(0, own.length));
      if (offset === undefined) continue;
      this.#findings.add(from + offset, "leaf-altered", "a leaf is not the one in its tile, nor under its checkpoint");
      return;
    }
    this.#findings.add(first, "root-mismatch", `the events ${first} to ${last} are not those under their checkpoint`);
  }

  async #checkTile(tile: FullTile): Promise<void> {
    if (this.#source.readTile === undefined) return;
    const stored = await this.#source.readTile(tile.level, tile.index);
    const [offset] = differences(tile.hashes, stored ?? new Uint8Array(0));
    if (offset === undefined) return;
    const seq = (tile.index * TILE_WIDTH + offset) * leavesPerHash(tile.level);
    const what = stored === null ? "is missing" : "is not what the leaves give";
    this.#findings.add(seq, "tile-altered", `the tile ${tile.level}/${tile.index} ${what}`);
  }

  #checkSince(): void {
    if (this.#since === null) return;
    const { size, root } = this.#since;
    const own = this.#roots.get(size) ?? null;
    if (own === null) {
      this.#findings.add(
        this.tree.size,
        "truncated",
        `the log ends at ${this.tree.size}, the given checkpoint is of ${size}`,
      );
    } else if (!equalBytes(own, root)) {
      this.#findings.add(null, "forked", `the first ${size} events are not those of the given checkpoint`);
    }
  }

  #checkSnapshot(snapshot: Snapshot): void {
    this.#findings.guard(null, "snapshot-altered", () => {
      const logRoot = verifySnapshot(snapshot, this.keys);
      if (snapshot.size > this.tree.size) throw new AppError("ledger-corrupt", "a snapshot is newer than the log");
      const own = this.#roots.get(snapshot.size) ?? null;
      if (own === null || !equalBytes(own, logRoot))
        throw new AppError("ledger-corrupt", "a snapshot is of another log");
    });
  }
}

function hashLines(lines: readonly string[]): Uint8Array {
  const hashes = new Uint8Array(lines.length * HASH_BYTES);
  for (const [i, line] of lines.entries()) hashes.set(hashLeaf(line), i * HASH_BYTES);
  return hashes;
}

/** Indexes at which two rows of hashes differ; a missing hash differs. */
function* differences(a: Uint8Array, b: Uint8Array): Generator<number> {
  const length = Math.max(a.length, b.length);
  for (let at = 0; at < length; at += HASH_BYTES) {
    if (!equalBytes(a.subarray(at, at + HASH_BYTES), b.subarray(at, at + HASH_BYTES))) yield at / HASH_BYTES;
  }
}
