// Reads the durable log for one receiver: which events are of concern to it, what each goes back to, and where reading may
// resume.
//
// Kept in memory are the sequences of actions under way, some tens of bytes each, and a few batches as they were read;
// everything else is looked up again when a record is made.

import { AppError } from "../core/errors.ts";
import { seqFromId } from "../core/ids.ts";
import { hasEnded } from "../kernel/state.ts";
import type { ActionStatus } from "../wire/types/action-status.ts";
import { checkLeafHashes } from "../ledger/log-tail.ts";
import { HASH_BYTES } from "../ledger/merkle.ts";
import type { LedgerReader, LeafBatch } from "../wire/contracts/store.ts";
import type { LedgerEvent } from "../wire/types/event.ts";
import { parseLeaves } from "./leaves.ts";

const BATCHES_PER_READ = 16;
const BATCHES_CACHED_MAX = 64;
/** As many actions as the kernel keeps under way; beyond, the oldest lose their last evaluation in later records. */
const UNDER_WAY_MAX = 100_000;
/** Answers that one hold is shown with. */
const ANSWERS_MAX = 32;

/** Sequences of what an action came to so far; -1 and null where there is none. */
export interface Trail {
  readonly proposed: number;
  readonly evaluated: number | null;
  readonly planned: number | null;
  /** Of the last hold: its beginning, whom it asked last, what its clock came to last, and the answers that it got. */
  readonly held: number | null;
  readonly asked: number | null;
  readonly clocked: number | null;
  readonly answers: readonly number[];
  /** The event that ended that hold. */
  readonly ended: number | null;
  /** Since when it waits for something outside, or waited as it ended, and what was missing when that was asked last. */
  readonly awaits: number | null;
  readonly missing: number | null;
}

type UnderWay = { -readonly [Name in keyof Trail]: Trail[Name] };

const NO_TRAIL: Trail = {
  proposed: -1,
  evaluated: null,
  planned: null,
  held: null,
  asked: null,
  clocked: null,
  answers: [],
  ended: null,
  awaits: null,
  missing: null,
};

/** An event of concern, and where to find what it goes back to. */
export interface Draft extends Trail {
  readonly event: LedgerEvent;
  /** Position after this one: where to read from so as to know what is under way. */
  readonly readFrom: number;
}

export interface Drafts {
  readonly drafts: readonly Draft[];
  /** All events below have been looked at. */
  readonly end: number;
  readonly readFrom: number;
}

export interface ActionLogParts {
  readonly reader: Pick<LedgerReader, "head" | "readLeaves">;
  /** Whether the receiver is told of an event; `trail` is what came before it. */
  readonly wants: (event: LedgerEvent, trail: Trail) => boolean;
}

type Cached = { readonly batch: LeafBatch; readonly events: readonly LedgerEvent[] };

export class ActionLog {
  readonly #parts: ActionLogParts;
  /** In order of their proposals, so that the first is where reading must resume. */
  readonly #underWay = new Map<string, UnderWay>();
  readonly #cache = new Map<number, Cached>();
  #at = 0;

  constructor(parts: ActionLogParts) {
    this.#parts = parts;
  }

  /** Takes up reading at `seq`. Throws `config-invalid` when the log is shorter, and what the store throws. */
  async resume({ seq, readFrom }: { readonly seq: number; readonly readFrom: number }): Promise<void> {
    const { size } = await this.#parts.reader.head();
    if (seq > size) throw new AppError("config-invalid", "the log ends before the exporter's position", { seq, size });
    this.#underWay.clear();
    this.#at = readFrom;
    while (this.#at < seq) await this.#read(seq);
  }

  /**
   * What is of concern in the next events: some batches of them, empty where they hold nothing of the kind, and with
   * `end` where it was before at the end of the log. Throws `ledger-corrupt`, and what the store throws.
   */
  async next(): Promise<Drafts> {
    const drafts = await this.#read(Number.POSITIVE_INFINITY);
    return { drafts, end: this.#at, readFrom: this.#readFrom() };
  }

  /** An event that has been passed; null for none. */
  async event(seq: number | undefined | null): Promise<LedgerEvent | null> {
    if (seq === undefined || seq === null || seq < 0 || seq >= this.#at) return null;
    const { batch, events } = await this.#batchOf(seq);
    return events[seq - batch.firstSeq] ?? null;
  }

  /** What proves an event: its leaf hash in lower-case hex, and the signed checkpoint of its commit. */
  async proof(seq: number): Promise<{ readonly leafHash: string; readonly checkpoint: string }> {
    const { batch } = await this.#batchOf(seq);
    const at = (seq - batch.firstSeq) * HASH_BYTES;
    const leafHash = Buffer.from(batch.leafHashes.subarray(at, at + HASH_BYTES)).toString("hex");
    return { leafHash, checkpoint: batch.checkpoint };
  }

  async #read(until: number): Promise<readonly Draft[]> {
    const drafts: Draft[] = [];
    const batches = await this.#parts.reader.readLeaves(this.#at, BATCHES_PER_READ);
    if (batches.length === 0 && until !== Number.POSITIVE_INFINITY)
      throw new AppError("ledger-corrupt", "the log ends before its head", { seq: this.#at });
    for (const batch of batches) {
      for (const event of this.#keep(batch).events) {
        if (event.seq < this.#at || event.seq >= until) continue;
        this.#at = event.seq + 1;
        const draft = this.#fold(event);
        if (draft !== null) drafts.push(draft);
      }
    }
    return drafts;
  }

  #fold(event: LedgerEvent): Draft | null {
    const { subject, seq, type } = event;
    if (type === "action.proposed") this.#begin(subject, seq);
    const known = this.#underWay.get(subject);
    if (known !== undefined) note(known, event);
    const trail = known ?? { ...NO_TRAIL, proposed: seqFromId("act", subject) ?? -1 };
    const isWanted = this.#parts.wants(event, trail);
    if (isEnd(event)) this.#underWay.delete(subject);
    return isWanted ? { ...trail, event, readFrom: this.#readFrom() } : null;
  }

  #begin(subject: string, seq: number): void {
    this.#underWay.set(subject, { ...NO_TRAIL, proposed: seq });
    if (this.#underWay.size <= UNDER_WAY_MAX) return;
    for (const oldest of this.#underWay.keys()) return void this.#underWay.delete(oldest);
  }

  #readFrom(): number {
    for (const { proposed } of this.#underWay.values()) return proposed;
    return this.#at;
  }

  #keep(batch: LeafBatch): Cached {
    const known = this.#cache.get(batch.firstSeq);
    if (known !== undefined) return known;
    checkLeafHashes(batch);
    const cached = { batch: { ...batch, payloads: [] }, events: parseLeaves(batch) };
    this.#cache.set(batch.firstSeq, cached);
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= BATCHES_CACHED_MAX) break;
      this.#cache.delete(oldest);
    }
    return cached;
  }

  async #batchOf(seq: number): Promise<Cached> {
    for (const cached of this.#cache.values()) {
      const { firstSeq, count } = cached.batch;
      if (seq >= firstSeq && seq < firstSeq + count) return cached;
    }
    const [batch] = await this.#parts.reader.readLeaves(seq, 1);
    if (batch === undefined) throw new AppError("ledger-corrupt", "an event that was there is gone", { seq });
    return this.#keep(batch);
  }
}

const ANSWERS: ReadonlySet<string> = new Set(["action.approval-given", "action.approval-withdrawn"]);
/** Those that end a hold; breaking the glass does without the rest. */
const LAST_ANSWERS: ReadonlySet<string> = new Set(["action.approved", "action.denied", "action.glass-broken"]);

/** What an event adds to the trail of its action. */
function note(trail: UnderWay, event: LedgerEvent): void {
  const { type, seq, facts } = event;
  const isLast = LAST_ANSWERS.has(type);
  if (type === "action.planned") trail.planned = seq;
  if (facts["evaluation"] != null) trail.evaluated = seq;
  if (type === "action.held") Object.assign(trail, { held: seq, asked: seq, clocked: seq, answers: [], ended: null });
  if (type === "hold.escalated") Object.assign(trail, { asked: seq, clocked: seq });
  if (type === "hold.frozen" || type === "hold.resumed") trail.clocked = seq;
  if (isLast || ANSWERS.has(type)) trail.answers = [...trail.answers, seq].slice(-ANSWERS_MAX);
  if (type === "action.waiting") {
    const isOutside = facts["code"] === "outside";
    Object.assign(trail, isOutside ? { awaits: trail.awaits ?? seq } : { awaits: null, missing: null });
  }
  if (type === "action.still-waiting") trail.missing = seq;
  if (type === "action.granted" || type === "action.held") Object.assign(trail, { awaits: null, missing: null });
  if (trail.held !== null && trail.ended === null && (isLast || isEnd(event))) trail.ended = seq;
}

/** Whether an action is over with this event. */
export function isEnd({ type, facts }: LedgerEvent): boolean {
  switch (type) {
    case "action.advised":
    case "action.refused":
    case "action.suppressed":
    case "action.denied":
    case "action.cancelled":
    case "action.expired":
    case "action.completed":
    case "action.verified":
    case "action.reverted":
      return true;
    case "action.grant-revoked":
      return hasEnded(facts["status"] as ActionStatus);
    case "action.granted":
      return facts["completed"] !== null;
    case "step.finished":
    case "step.reconciled":
      return hasEnded(facts["action"] as ActionStatus);
    default:
      return false;
  }
}
