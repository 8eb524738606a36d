// The emergency brake: volatile, one-way, beside the state. It works when the store does not; it can only stop.

import { canonicalJson } from "../core/canonical-json.ts";
import { covers, isBrakeable, type Braked } from "../kernel/brakes.ts";
import type { BrakeScope } from "../kernel/events.ts";
import { untilAborted } from "./abandon.ts";

/** How long a call that was told to end may take to say how it ended. */
const GRACE_MS = 5_000;

/** Scopes held at once: every brake that the ledger may hold, and room for pulls whose record is on its way. */
const SCOPES_MAX = 1_024;

type Call = Braked & { readonly id?: string };
type InFlight = { readonly action: Call; readonly controller: AbortController };

type Pull = {
  readonly scope: BrakeScope;
  /** By the monotonic clock; null for one that an earlier process pulled. */
  readonly atMs: number | null;
};

type Parts = {
  /** Never jumps: how long calls took to end after a pull is measured with it. */
  readonly monotonicMs: () => number;
  /** The signal that ends a call whose time is up; a simulation brings its own. */
  readonly timeout?: (timeoutMs: number) => AbortSignal;
};

export class EmergencyBrake {
  readonly #pulls = new Map<string, Pull>();
  readonly #inFlight = new Set<InFlight>();
  readonly #timeout: (timeoutMs: number) => AbortSignal;
  readonly #monotonicMs: () => number;
  /** Since when the flag is up. */
  #flaggedMs: number | null = null;
  /** Since when more scopes were pulled than can be held: what cannot be told apart any more is stopped, all of it. */
  #crowdedMs: number | null = null;

  constructor({ monotonicMs, timeout = (timeoutMs) => AbortSignal.timeout(timeoutMs) }: Parts) {
    this.#timeout = timeout;
    this.#monotonicMs = monotonicMs;
  }

  /** Stops everything in scope from its next step on and aborts calls in flight, at once. */
  pull(scope: BrakeScope): void {
    this.#hold(scope, this.#monotonicMs());
    this.#abortCovered();
  }

  /** What the ledger says was pulled before this process began: nobody measured since when. */
  resumePull(scope: BrakeScope): void {
    this.#hold(scope, null);
  }

  #hold(scope: BrakeScope, atMs: number | null): void {
    const key = canonicalJson(scope);
    if (this.#pulls.has(key)) return; // it was pulled once, then
    if (this.#pulls.size < SCOPES_MAX) this.#pulls.set(key, { scope, atMs });
    else this.#crowdedMs ??= this.#monotonicMs();
  }

  /** Ends the call of one action, whose grant was taken back. */
  stop(id: string): void {
    for (const { action, controller } of this.#inFlight) {
      if (action.id === id) controller.abort(new Error("its grant was taken back"));
    }
  }

  /** The brake file or signal: everything is stopped while it is there. */
  setFlag(present: boolean): void {
    this.#flaggedMs = present ? (this.#flaggedMs ?? this.#monotonicMs()) : null;
    if (present) this.#abortCovered();
  }

  /** Only for a release that is durable and approved; that of the brake on everything ends a crowd too. */
  release(scope: BrakeScope): void {
    const key = canonicalJson(scope);
    this.#pulls.delete(key);
    if (key === "{}") this.#crowdedMs = null;
  }

  /** The scopes that are held back. */
  get pulled(): readonly BrakeScope[] {
    return [...this.#pulls.values()].map(({ scope }) => scope);
  }

  /** Everything is stopped: by the brake file, or because more scopes were pulled than can be held. */
  get flagged(): boolean {
    return this.#flaggedMs !== null || this.#crowdedMs !== null;
  }

  blocks(action: Braked): boolean {
    if (!isBrakeable(action)) return false;
    if (this.flagged) return true;
    for (const { scope } of this.#pulls.values()) if (covers(scope, action)) return true;
    return false;
  }

  /** Whole milliseconds since the first pull that covers the action; undefined when none does, or nobody measured it. */
  sinceStopMs(action: Braked): number | undefined {
    if (!isBrakeable(action)) return undefined;
    const pulls = [...this.#pulls.values()].filter(({ scope }) => covers(scope, action));
    if (pulls.some(({ atMs }) => atMs === null)) return undefined;
    const starts = [...pulls.map(({ atMs }) => atMs), this.#flaggedMs, this.#crowdedMs].filter((ms) => ms !== null);
    if (starts.length === 0) return undefined;
    return Math.max(0, Math.ceil(this.#monotonicMs() - Math.min(...starts)));
  }

  /**
   * Runs one call under the brake: `signal` aborts when the brake is pulled over it or the time is up. A call that has
   * not ended a little after its time is given up with a rejection, whatever it does: its end is unknown.
   */
  async guard<T>(action: Call, timeoutMs: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const entry: InFlight = { action, controller: new AbortController() };
    this.#inFlight.add(entry);
    try {
      const lost = this.#timeout(timeoutMs + GRACE_MS);
      return await untilAborted(lost, call(AbortSignal.any([entry.controller.signal, this.#timeout(timeoutMs)])));
    } finally {
      this.#inFlight.delete(entry);
    }
  }

  #abortCovered(): void {
    for (const entry of this.#inFlight) {
      if (this.blocks(entry.action)) entry.controller.abort(new Error("stopped by the kill switch"));
    }
  }
}
