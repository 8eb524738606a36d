// The emergency brake: volatile, one-way, beside the state. It works when the store does not; it can only stop.

import { canonicalJson } from "../core/canonical-json.ts";
import { covers, isBrakeable, type Braked } from "../kernel/brakes.ts";
import type { BrakeScope } from "../kernel/events.ts";
import { untilAborted } from "./abandon.ts";

/** How long a call that was told to end may take to say how it ended. */
const GRACE_MS = 5_000;

/** Scopes held at once: every brake that the ledger may hold, and room for pulls whose record is on its way. */
const SCOPES_MAX = 1_024;

type InFlight = { readonly action: Braked; readonly controller: AbortController };

export class EmergencyBrake {
  readonly #scopes = new Map<string, BrakeScope>();
  readonly #inFlight = new Set<InFlight>();
  readonly #timeout: (timeoutMs: number) => AbortSignal;
  #flagged = false;
  /** More scopes were pulled than can be held: what cannot be told apart any more is stopped, all of it. */
  #crowded = false;

  /** `timeout` makes the signal that ends a call whose time is up; a simulation brings its own. */
  constructor(timeout: (timeoutMs: number) => AbortSignal = (timeoutMs) => AbortSignal.timeout(timeoutMs)) {
    this.#timeout = timeout;
  }

  /** Stops everything in scope from its next step on and aborts calls in flight, at once. */
  pull(scope: BrakeScope): void {
    const key = canonicalJson(scope);
    if (this.#scopes.size < SCOPES_MAX || this.#scopes.has(key)) this.#scopes.set(key, scope);
    else this.#crowded = true;
    this.#abortCovered();
  }

  /** The brake file or signal: everything is stopped while it is there. */
  setFlag(present: boolean): void {
    this.#flagged = present;
    if (present) this.#abortCovered();
  }

  /** Only for a release that is durable and approved; that of the brake on everything ends a crowd too. */
  release(scope: BrakeScope): void {
    const key = canonicalJson(scope);
    this.#scopes.delete(key);
    if (key === "{}") this.#crowded = false;
  }

  /** Everything is stopped: by the brake file, or because more scopes were pulled than can be held. */
  get flagged(): boolean {
    return this.#flagged || this.#crowded;
  }

  blocks(action: Braked): boolean {
    if (!isBrakeable(action)) return false;
    if (this.flagged) return true;
    for (const scope of this.#scopes.values()) if (covers(scope, action)) return true;
    return false;
  }

  /**
   * Runs one call under the brake: `signal` aborts when the brake is pulled over it or the time is up. A call that has
   * not ended a little after its time is given up with a rejection, whatever it does: its end is unknown.
   */
  async guard<T>(action: Braked, timeoutMs: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
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
