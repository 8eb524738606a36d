// What the kernel needs of the ledger: durable appends in order, and payloads read back.

import type { Json } from "../../core/json.ts";
import type { Head, LedgerEvent, UnsealedEvent } from "../types/event.ts";

export interface LedgerWriter {
  /**
   * Seals and appends `events` as one commit; resolves when they are durable and under a signed checkpoint. Calls may
   * overlap: each is done after the one before, and answered in that order. A rejection means that the outcome is
   * unknown, except `store-conflict`: the kernel stops either way, and every later call is rejected too.
   */
  append(events: readonly UnsealedEvent[]): Promise<Head>;
}

export interface PayloadReader {
  /** The payload of one event; throws `payload-erased` when its key is gone, `event-not-found` when it had none. */
  payload(seq: number): Promise<Json>;
  /** One event without its payload, which outlasts it; throws `event-not-found`. */
  event(seq: number): Promise<LedgerEvent>;
}
