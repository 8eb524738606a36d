// The live loop: one writer, one command at a time. Decide, apply, queue; release when durable.
//
//   open ──append fails──► poisoned (every reply so far waits is `commit-unknown`; the process must end)
//
// Replies, effects and reads wait until the highest sequence that they saw is durable. The next batch is collected
// while the last one syncs.

import { assert } from "../core/assert.ts";
import { AppError, isAppError } from "../core/errors.ts";
import type { LedgerWriter } from "../wire/contracts/writer.ts";
import type { UnsealedEvent } from "../wire/types/event.ts";
import type { ClockGuard } from "./clock-guard.ts";
import { KERNEL, type Command, type Reply } from "./command.ts";
import { somethingIsDue } from "./commands/tick.ts";
import { decide } from "./decide.ts";
import { probe, type Probed } from "./probe.ts";
import type { State } from "./state.ts";
import { Transaction, type Engine } from "./transaction.ts";

const BATCH_EVENTS_MAX = 2_048;
/** Batches with the writer: one syncs, one is sealed, one waits, so that it never does. */
const APPENDS_MAX = 3;
const WAITING_MAX = 20_000;
/** What who only waits is answered. */
const NOTHING: Reply = { subject: "", result: "", repeated: false };

export type KernelParts = {
  /** The fold of everything durable; the kernel owns it from now on. */
  readonly state: State;
  readonly engine: Engine;
  readonly writer: LedgerWriter;
  readonly clock: ClockGuard;
  /** Runs a task after the current turn, so that commands of one turn share a commit. */
  readonly defer: (task: () => void) => void;
  /** Called once, when the outcome of an append is unknown: nothing may go on. */
  readonly onFatal: (error: AppError) => void;
};

/** A decided command whose answer waits until everything it saw, `size` events, is durable. */
type Waiter = {
  readonly size: number;
  /** Undefined when it was refused. */
  readonly reply: Reply | undefined;
  readonly refusal: unknown;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
};

export class Kernel {
  readonly #parts: KernelParts;
  readonly #listeners: ((events: readonly UnsealedEvent[]) => void)[] = [];
  /** Events of decided commands, not yet handed to the writer; a command's events stay together. */
  #queued: UnsealedEvent[][] = [];
  #waiters: Waiter[] = [];
  #durableSize: number;
  #appending = 0;
  #scheduled = false;
  #failure: AppError | null = null;

  constructor(parts: KernelParts) {
    this.#parts = parts;
    this.#durableSize = parts.state.nextSeq;
  }

  /** How many events are durable. */
  get durableSize(): number {
    return this.#durableSize;
  }

  /** Live state, ahead of what is durable: only for finding work whose own condition is checked again by a command. */
  get state(): Readonly<State> {
    return this.#parts.state;
  }

  get failure(): AppError | null {
    return this.#failure;
  }

  /** Called with every batch once it is durable, in order. */
  onDurable(listener: (events: readonly UnsealedEvent[]) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Decides a command now and answers when everything it saw is durable. Rejects with the AppError of the decision,
   * or `commit-unknown` when nobody can say whether it was kept.
   */
  submit(command: Command): Promise<Reply> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#waiters.length >= WAITING_MAX) {
      return Promise.reject(new AppError("overloaded", "too many commands wait for the ledger"));
    }
    let reply: Reply | undefined;
    let refusal: unknown;
    try {
      reply = this.#decide(command);
    } catch (error) {
      refusal = error;
    }
    return this.#whenDurable(reply, refusal);
  }

  /** What would be decided now about a proposal; answers when everything it saw is durable. Nothing is recorded. */
  async probe(proposal: Parameters<typeof probe>[1]): Promise<Probed> {
    const { state, engine, clock } = this.#parts;
    if (this.#failure !== null) throw this.#failure;
    const probed = probe({ state, engine, now: clock.stamp(state.time) }, proposal);
    await this.drain();
    return probed;
  }

  /** Fires what is due, if anything is. */
  async tick(): Promise<void> {
    const { state, clock } = this.#parts;
    if (this.#failure !== null || !somethingIsDue(state, clock.stamp(state.time))) return;
    await this.submit({ type: "tick", actor: KERNEL, input: {} });
  }

  /** Resolves when all that has been decided so far is durable. */
  async drain(): Promise<void> {
    await this.#whenDurable(NOTHING, undefined);
  }

  #decide(command: Command): Reply {
    const { state, engine, clock } = this.#parts;
    const now = clock.stamp(state.time);
    const tx = new Transaction({ state, engine, command, now });
    try {
      const reply = decide(tx);
      if (tx.events.length > 0) this.#enqueue(tx.events);
      return reply;
    } catch (error) {
      // Half a command in memory cannot be taken back: stop before anything of it becomes durable.
      if (tx.events.length > 0 || !isAppError(error)) this.#fail(error);
      throw error;
    }
  }

  #enqueue(events: UnsealedEvent[]): void {
    this.#queued.push(events);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#appending >= APPENDS_MAX) return;
    this.#scheduled = true;
    this.#parts.defer(() => {
      this.#scheduled = false;
      void this.#write();
    });
  }

  async #write(): Promise<void> {
    if (this.#appending >= APPENDS_MAX || this.#failure !== null) return;
    const batch = this.#takeBatch();
    if (batch.length === 0) return;
    this.#appending++;
    try {
      const head = await this.#parts.writer.append(batch);
      const last = batch.at(-1);
      assert(last !== undefined && head.size === last.seq + 1, "the writer stands where the batch ends");
      this.#durableSize = head.size;
    } catch (error) {
      this.#fail(error);
      return;
    } finally {
      this.#appending--;
    }
    if (this.#failure !== null) return;
    // The next batch first: it syncs while the replies of this one are sent.
    void this.#write();
    for (const listener of this.#listeners) listener(batch);
    this.#release();
  }

  #takeBatch(): UnsealedEvent[] {
    const batch: UnsealedEvent[] = [];
    let taken = 0;
    for (const events of this.#queued) {
      if (taken > 0 && batch.length + events.length > BATCH_EVENTS_MAX) break;
      for (const event of events) batch.push(event);
      taken++;
    }
    this.#queued = this.#queued.slice(taken);
    return batch;
  }

  /** Answers with the reply, or the refusal, once everything decided so far is durable. */
  #whenDurable(reply: Reply | undefined, refusal: unknown): Promise<Reply> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const size = this.#parts.state.nextSeq;
    return new Promise((resolve, reject) => {
      const waiter = { size, reply, refusal, resolve, reject };
      if (size <= this.#durableSize) settle(waiter);
      else this.#waiters.push(waiter);
    });
  }

  /** Waiters stand in order of the sequence they saw. */
  #release(): void {
    let released = 0;
    for (const waiter of this.#waiters) {
      if (waiter.size > this.#durableSize) break;
      settle(waiter);
      released++;
    }
    this.#waiters = this.#waiters.slice(released);
  }

  #fail(cause: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = isAppError(cause, "store-conflict")
      ? cause
      : new AppError("commit-unknown", "the ledger may or may not hold this; ask again after the restart", {}, cause);
    for (const waiter of this.#waiters) waiter.reject(this.#failure);
    this.#waiters = [];
    this.#queued = [];
    this.#parts.onFatal(this.#failure);
  }
}

function settle({ reply, refusal, resolve, reject }: Waiter): void {
  if (reply === undefined) reject(refusal);
  else resolve(reply);
}
