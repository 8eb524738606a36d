// Reads the durable log for one exporter: which events are exported, what each goes back to, and where reading may resume.
//
// Kept in memory are the sequences of actions under way, some tens of bytes each, and a few batches as they were read;
// everything else is looked up again when a record is made. Contents are read at that moment too, so that what has been
// erased since is not sent, also not a second time.

import { hash } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import { AppError, isAppError } from "../core/errors.ts";
import { seqFromId } from "../core/ids.ts";
import type { Json } from "../core/json.ts";
import { hasEnded } from "../kernel/state.ts";
import type { ActionStatus } from "../wire/types/action-status.ts";
import { checkLeafHashes } from "../ledger/log-tail.ts";
import { HASH_BYTES } from "../ledger/merkle.ts";
import type { ExportedContent, ExportRecord } from "../wire/contracts/export.ts";
import type { LedgerReader, LeafBatch } from "../wire/contracts/store.ts";
import type { LedgerEvent } from "../wire/types/event.ts";
import { isExported, isOfRun, toExportRecord } from "./export-record.ts";
import { parseLeaves } from "./leaves.ts";

const BATCHES_PER_READ = 16;
const BATCHES_CACHED_MAX = 64;
/** As many actions as the kernel keeps under way; beyond, the oldest lose their last evaluation in later records. */
const UNDER_WAY_MAX = 100_000;
const CONTENT_CHARS_MAX = 32_768;
/** A review that is answered, or cannot be planned, may ask for another action of its run. */
const PROPOSALS_FOLLOWED_MAX = 4;

export interface ExportSourceParts {
  readonly reader: Pick<LedgerReader, "head" | "readLeaves">;
  readonly origin: string;
  /** The payload of one event; rejects with `payload-erased` or `event-not-found`. */
  readonly payload: (seq: number) => Promise<Json>;
  readonly content: "none" | "hash" | "full";
}

type UnderWay = { readonly proposed: number; evaluated: number | null; planned: number | null };

/** An event to be exported, and where to find what it goes back to. */
export interface Draft extends UnderWay {
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

type Cached = { readonly batch: LeafBatch; readonly events: readonly LedgerEvent[] };

export class ExportSource {
  readonly #parts: ExportSourceParts;
  /** In order of their proposals, so that the first is where reading must resume. */
  readonly #underWay = new Map<string, UnderWay>();
  readonly #cache = new Map<number, Cached>();
  #at = 0;

  constructor(parts: ExportSourceParts) {
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

  /** Events in the log, durable all. */
  async size(): Promise<number> {
    return (await this.#parts.reader.head()).size;
  }

  /**
   * What is to be exported of the next events: some batches of them, empty where they hold nothing of the kind, and with
   * `end` where it was before at the end of the log. Throws `ledger-corrupt`, and what the store throws.
   */
  async next(): Promise<Drafts> {
    const drafts = await this.#read(Number.POSITIVE_INFINITY);
    return { drafts, end: this.#at, readFrom: this.#readFrom() };
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
    if (known !== undefined && type === "action.planned") known.planned = seq;
    if (known !== undefined && event.facts["evaluation"] != null) known.evaluated = seq;
    if (!isExported(event)) return null;
    const draft = isOfRun(event) ? RUN : (known ?? { ...RUN, proposed: seqFromId("act", subject) ?? -1 });
    if (isEnd(event)) this.#underWay.delete(subject);
    return { ...draft, event, readFrom: this.#readFrom() };
  }

  #begin(subject: string, seq: number): void {
    this.#underWay.set(subject, { proposed: seq, evaluated: null, planned: null });
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

  async #event(seq: number | undefined | null): Promise<LedgerEvent | null> {
    if (seq === undefined || seq === null || seq < 0 || seq >= this.#at) return null;
    const { batch, events } = await this.#batchOf(seq);
    return events[seq - batch.firstSeq] ?? null;
  }

  /** The whole record of a draft, with its contents as they are now. */
  async record(draft: Draft): Promise<ExportRecord> {
    const { event } = draft;
    const { batch } = await this.#batchOf(event.seq);
    const at = (event.seq - batch.firstSeq) * HASH_BYTES;
    const proposed = await this.#event(draft.proposed);
    const run = isOfRun(event) ? event.subject : proposed?.facts["run"];
    const runOpened = typeof run === "string" ? await this.#event(seqFromId("run", run)) : null;
    const signalId = runOpened?.facts["signal"];
    const signal = typeof signalId === "string" ? await this.#event(seqFromId("sig", signalId)) : null;
    const isStep = event.type.startsWith("step.");
    return toExportRecord(this.#parts.origin, {
      event,
      proposed,
      evaluated: await this.#event(draft.evaluated),
      runOpened,
      runEnded: isOfRun(event) ? event : await this.#endOfRun(run, proposed),
      signal,
      evidence: isStep ? await this.#findPayload(event.seq) : null,
      contents: this.#parts.content === "none" ? null : await this.#contents(draft, signal),
      leafHash: Buffer.from(batch.leafHashes.subarray(at, at + HASH_BYTES)).toString("hex"),
      checkpoint: batch.checkpoint,
    });
  }

  /**
   * A triage action is proposed by the command that ended its run, and that command begins with the answer; or in the
   * course of another action of the same run, which leads there.
   */
  async #endOfRun(run: unknown, proposed: LedgerEvent | null): Promise<LedgerEvent | null> {
    if (typeof run !== "string") return null;
    for (let at = proposed, steps = 0; at?.facts["run"] === run && steps < PROPOSALS_FOLLOWED_MAX; steps++) {
      const begun = await this.#event(at.command);
      if (begun?.subject === run) return begun;
      at = await this.#event(seqFromId("act", begun?.subject ?? ""));
    }
    return null;
  }

  /** Null when there is none, or none any more. */
  async #findPayload(seq: number): Promise<Json> {
    try {
      return await this.#parts.payload(seq);
    } catch (error) {
      if (isAppError(error, "payload-erased") || isAppError(error, "event-not-found")) return null;
      throw error;
    }
  }

  async #contents(draft: Draft, signal: LedgerEvent | null): Promise<Readonly<Record<string, ExportedContent>>> {
    const { event, proposed, planned } = draft;
    const contents: Record<string, ExportedContent> = {};
    const add = async (name: string, seq: number | null): Promise<void> => {
      const content = seq === null ? null : await this.#content(seq);
      if (content !== null) contents[name] = content;
    };
    if (isOfRun(event)) {
      await add("signal", signal?.seq ?? null);
      await add("answer", event.seq);
      return contents;
    }
    // With each evaluation what was evaluated; with the other events what they themselves say.
    if (draft.evaluated === event.seq) {
      await add("proposal", proposed < 0 ? null : proposed);
      await add("plan", planned);
    } else await add(event.type.startsWith("step.") ? "outcome" : "reason", event.seq);
    return contents;
  }

  async #content(seq: number): Promise<ExportedContent | null> {
    let body: Json;
    try {
      body = await this.#parts.payload(seq);
    } catch (error) {
      if (isAppError(error, "payload-erased")) return { omitted: "erased" };
      if (isAppError(error, "event-not-found")) return null;
      throw error;
    }
    const text = canonicalJson(body);
    const sha256 = hash("sha256", text);
    if (this.#parts.content === "hash") return { sha256 };
    return text.length > CONTENT_CHARS_MAX ? { omitted: "too-large", sha256 } : { value: body };
  }
}

const RUN: UnderWay = { proposed: -1, evaluated: null, planned: null };

/** Whether an action is over with this event. */
function isEnd({ type, facts }: LedgerEvent): boolean {
  switch (type) {
    case "action.refused":
    case "action.suppressed":
    case "action.denied":
    case "action.cancelled":
    case "action.expired":
    case "action.completed":
      return true;
    case "action.granted":
      return facts["completed"] !== null;
    case "step.finished":
    case "step.reconciled":
      return hasEnded(facts["action"] as ActionStatus);
    default:
      return false;
  }
}
