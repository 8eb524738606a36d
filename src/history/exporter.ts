// One exporter: reads the durable log behind its head and hands records to one receiver, at least once and in order.
//
//   position ─► read some batches ─► make records ─► deliver ─► accepted? ─► save position ─► read on
//                                        ▲                          │
//                                        └──── wait, make again ◄───┘ no
//
// The position moves only after the receiver has the records, and a restart begins there. One window of events is in
// memory at a time; while the receiver is down nothing more is read, and nobody waits for it.

import { AppError, isAppError } from "../core/errors.ts";
import type { Delivery, ExportPosition, ExportPositions, Transport } from "../wire/contracts/export.ts";
import type { Draft, Drafts } from "./action-log.ts";

const IDLE_MS = 500;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_LAST_MS = 60_000;
/** Events without a record after which the position is saved all the same. */
const SAVE_EVERY_EVENTS = 1_000;

/** What a receiver is told of the log, from some position on. */
export interface RecordSource<R> {
  resume(position: { readonly seq: number; readonly readFrom: number }): Promise<void>;
  next(): Promise<Drafts>;
  record(draft: Draft): Promise<R>;
}

export interface ExporterParts<R> {
  readonly name: string;
  readonly origin: string;
  readonly source: RecordSource<R>;
  readonly transport: Transport<R>;
  readonly positions: ExportPositions;
  /** Resolves after so long, or at once when `signal` is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told of each change. */
  readonly onStatus: (status: ExporterStatus) => void;
}

export interface ExporterStatus {
  readonly name: string;
  /** Events that are with the receiver, or of no concern to it; durable. */
  readonly position: number;
  /** Deliveries that did not get all the way since the start, and records that the receiver refused for good. */
  readonly failures: number;
  readonly rejected: number;
  /** Why the last delivery failed; null when it did not. */
  readonly failing: string | null;
  /** It will not try again before a restart. */
  readonly stopped: boolean;
}

export class Exporter<R> {
  readonly #parts: ExporterParts<R>;
  #position: ExportPosition;
  #savedSeq = 0;
  #failures = 0;
  #rejected = 0;
  #failing: string | null = null;
  #backoffMs = BACKOFF_FIRST_MS;

  constructor(parts: ExporterParts<R>) {
    this.#parts = parts;
    this.#position = { origin: parts.origin, seq: 0, readFrom: 0, memo: null };
  }

  /** Runs until `signal` is aborted, or until what it has can no longer be trusted: then it says so and ends. */
  async run(signal: AbortSignal): Promise<void> {
    let isReady = false;
    while (!signal.aborted) {
      try {
        if (!isReady) await this.#resume();
        isReady = true;
        await this.#turn(signal);
      } catch (error) {
        isReady = false; // what was read and not delivered is read again
        const isFatal = isAppError(error, "ledger-corrupt") || isAppError(error, "config-invalid");
        this.#fail(isAppError(error) ? error.code : "internal", isFatal);
        if (isFatal) return;
        await this.#backOff(null, signal);
      }
    }
  }

  async #resume(): Promise<void> {
    const { origin, positions, source } = this.#parts;
    const saved = await positions.load();
    if (saved !== null && saved.origin !== origin)
      throw new AppError("config-invalid", "the exporter's position is in another log", { origin: saved.origin });
    this.#position = saved ?? { origin, seq: 0, readFrom: 0, memo: null };
    this.#savedSeq = this.#position.seq;
    await source.resume(this.#position);
    this.#report();
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { source, transport, sleep } = this.#parts;
    const before = this.#position.seq;
    const { drafts, end, readFrom } = await source.next();
    for (let at = 0; at < drafts.length && !signal.aborted;) {
      at += await this.#deliver(drafts.slice(at, at + transport.recordsMax), signal);
    }
    if (signal.aborted) return;
    this.#position = { ...this.#position, seq: end, readFrom };
    if (drafts.length > 0 || end - this.#savedSeq >= SAVE_EVERY_EVENTS) await this.#save();
    else if (end > before) this.#report();
    if (end === before) await sleep(IDLE_MS, signal);
  }

  /** How many of them the receiver has; waits before it answers that it was not all. */
  async #deliver(drafts: readonly Draft[], signal: AbortSignal): Promise<number> {
    const { source, transport } = this.#parts;
    const records = [];
    for (const draft of drafts) records.push(await source.record(draft));
    const delivery = await transport.deliver({ records, memo: this.#position.memo }, signal);
    const isWhole = delivery.accepted === records.length;
    // Else a transport at fault would be asked again without a pause.
    if (isWhole !== (delivery.failure === null)) throw new AppError("internal", "a delivery contradicts itself");
    if (delivery.accepted > 0) await this.#advance(drafts, delivery);
    if (delivery.failure === null) {
      this.#recover();
    } else if (!signal.aborted) {
      this.#fail(delivery.failure.code, false);
      await this.#backOff(delivery.failure.retryAfterMs, signal);
    }
    return delivery.accepted;
  }

  async #advance(drafts: readonly Draft[], { accepted, rejected, memo }: Delivery): Promise<void> {
    const last = drafts[accepted - 1];
    if (last === undefined) throw new AppError("internal", "a transport accepted more than it was given");
    this.#rejected += rejected;
    this.#position = { ...this.#position, seq: last.event.seq + 1, readFrom: last.readFrom, memo };
    await this.#save();
  }

  async #save(): Promise<void> {
    if (this.#position.seq !== this.#savedSeq) await this.#parts.positions.save(this.#position);
    this.#savedSeq = this.#position.seq;
    this.#report();
  }

  #recover(): void {
    this.#backoffMs = BACKOFF_FIRST_MS;
    if (this.#failing === null) return;
    this.#failing = null;
    this.#report();
  }

  async #backOff(askedMs: number | null, signal: AbortSignal): Promise<void> {
    await this.#parts.sleep(Math.max(askedMs ?? 0, this.#backoffMs), signal);
    this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_LAST_MS);
  }

  #fail(code: string, stopped: boolean): void {
    this.#failures++;
    this.#failing = code;
    this.#report(stopped);
  }

  #report(stopped = false): void {
    this.#parts.onStatus({
      name: this.#parts.name,
      position: this.#position.seq,
      failures: this.#failures,
      rejected: this.#rejected,
      failing: this.#failing,
      stopped,
    });
  }
}
