// Reads of the ledger for the API and the effects: payloads, events, tiles, receipts, erasure.

import { setImmediate } from "node:timers/promises";
import { AppError, isAppError } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { parseLeaves } from "../history/leaves.ts";
import { correlationIdOf } from "../history/correlation.ts";
import { explainAction, explanationSources } from "../history/explain.ts";
import { timelineEntry } from "../history/timeline.ts";
import type { LedgerService } from "../http/services.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { parseStatements } from "../ledger/key-statement.ts";
import { parseLeaf } from "../ledger/leaf.ts";
import { checkSignedProposal, keysOf } from "../ledger/proposal-signatures.ts";
import { createReceipt } from "../ledger/receipt.ts";
import { readTilePath } from "../ledger/tiles.ts";
import type { LedgerReader } from "../wire/contracts/store.ts";
import type { ViewReader } from "../wire/contracts/views.ts";
import type { PayloadReader } from "../wire/contracts/writer.ts";
import type { LedgerEvent } from "../wire/types/event.ts";
import type { ActionView, TimelineEntry } from "../wire/types/views.ts";
import type { InstallationKeys } from "./keys.ts";
import { readLeaf, readLeaves, readRecordedPayload } from "./recorded-payload.ts";
import type { WriterClient } from "./writer-client.ts";

const BATCHES_AT_ONCE = 64;
/** Batches looked at for one page of filtered events: a rare filter answers short pages with a cursor. */
const BATCHES_PER_PAGE = 2_048;
/** Of how many samples of health at either end an explanation tells what they saw. */
const SAMPLES_SHOWN = 20;

type Parts = {
  readonly reader: LedgerReader;
  readonly keys: InstallationKeys;
  readonly writer: WriterClient;
  readonly kernel: Kernel;
  readonly views: Pick<ViewReader, "find">;
};

/** Payloads of a subject and class, of events from one sequence up to before another. */
type PayloadSpan = { readonly subject: string; readonly retention: string; readonly from: number; readonly to: number };

export class LedgerReads implements LedgerService, PayloadReader {
  readonly origin: string;
  readonly #parts: Parts;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.origin = parts.keys.origin;
  }

  /**
   * The reader answers at once, in the thread that decides: of all long looks together one step is done before it turns to
   * something else, so that nobody who reads much keeps others waiting for all that they read.
   */
  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(() => setImmediate()).then(step);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async payload(seq: number): Promise<Json> {
    return readRecordedPayload(this.#parts.reader, this.#parts.keys, seq);
  }

  async event(seq: number): Promise<LedgerEvent> {
    return (await readLeaf(this.#parts.reader, seq)).event;
  }

  async checkpoint(): Promise<string> {
    const { checkpoint } = await this.#parts.reader.head();
    if (checkpoint === null) throw new AppError("event-not-found", "the log is empty");
    return checkpoint;
  }

  async keys(): Promise<JsonObject> {
    const { origin, root, statements } = this.#parts.keys;
    return { origin, root: root.text, statements: JSON.parse(statements) as Json };
  }

  async tile(path: string): Promise<Uint8Array | null> {
    return readTilePath(this.#parts.reader, `tile/${path}`);
  }

  async receipt(seq: number): Promise<Json> {
    const { reader, keys } = this.#parts;
    const statements = parseStatements(keys.statements);
    const eventAt = async (at: number): Promise<LedgerEvent> => (await readLeaf(reader, at)).event;
    const correlationId = await correlationIdOf(await eventAt(seq), eventAt);
    const receipt = await createReceipt({ seq, store: reader, statements, signer: keys.signer, correlationId });
    return JSON.parse(receipt) as Json;
  }

  async events(query: {
    from: number;
    limit: number;
    type: string | null;
    subject: string | null;
  }): Promise<JsonObject> {
    const { reader } = this.#parts;
    const items: LedgerEvent[] = [];
    let at = query.from;
    for (let looked = 0; looked < BATCHES_PER_PAGE && items.length < query.limit; looked += BATCHES_AT_ONCE) {
      const from = at;
      const found = await this.#inTurn(async () => (await reader.readLeaves(from, BATCHES_AT_ONCE)).map(parseLeaves));
      if (found.length === 0) return { items: items as unknown as Json, next: null };
      for (const event of found.flat()) {
        if (event.seq < at || items.length >= query.limit) continue;
        at = event.seq + 1;
        if (query.type !== null && event.type !== query.type) continue;
        if (query.subject === null || event.subject === query.subject) items.push(event);
      }
    }
    return { items: items as unknown as Json, next: at };
  }

  async explain(action: ActionView): Promise<JsonObject> {
    const events = await this.#eventsAt(explanationSources(this.#parts.views, action));
    const signatureCheck = await this.#checkSignature(action, events);
    const evidence = await this.#healthEvidence(action, events);
    return explainAction(events, action.id, { signatureCheck, evidence }) as unknown as JsonObject;
  }

  /** What the checks after an action saw, of its first samples and its last ones; what is erased is left out. */
  async #healthEvidence({ id }: ActionView, events: readonly LedgerEvent[]): Promise<ReadonlyMap<number, Json>> {
    const seqs = events
      .filter(({ type, subject }) => type === "health.sampled" && subject === id)
      .map(({ seq }) => seq);
    const evidence = new Map<number, Json>();
    for (const seq of new Set([...seqs.slice(0, SAMPLES_SHOWN), ...seqs.slice(-SAMPLES_SHOWN)])) {
      try {
        evidence.set(seq, await this.payload(seq));
      } catch (error) {
        if (!isAppError(error)) throw error;
      }
    }
    return evidence;
  }

  /** As whoever verifies the ledger does: against the payload, with the key of the registration before it. */
  async #checkSignature(
    { signed, seq }: ActionView,
    events: readonly LedgerEvent[],
  ): Promise<"holds" | "wrong" | "unread" | null> {
    const proposed = events.find((event) => event.seq === seq);
    if (signed === null || proposed === undefined) return null;
    const isBefore = (event: LedgerEvent): boolean => event.subject === proposed.actor && event.seq < seq;
    const registered = events.findLast((event) => event.type === "agent.registered" && isBefore(event));
    if (registered === undefined) return null;
    try {
      checkSignedProposal(proposed, await this.payload(seq), keysOf(registered.facts));
      return "holds";
    } catch (error) {
      if (isAppError(error, "ledger-corrupt")) return "wrong";
      if (isAppError(error)) return "unread";
      throw error;
    }
  }

  async timeline(action: ActionView): Promise<readonly TimelineEntry[]> {
    return (await this.#eventsAt(action.events)).map(timelineEntry);
  }

  /** The events of some sequences in order, each batch read once. */
  async #eventsAt(seqs: readonly number[]): Promise<readonly LedgerEvent[]> {
    const events: LedgerEvent[] = [];
    for (let at = 0; at < seqs.length; at = events.length) {
      if (at > 0) await setImmediate(); // the reader answers at once: many batches must not hold up decisions
      const leaves = await readLeaves(this.#parts.reader, seqs.slice(at));
      events.push(...leaves.map(({ event }) => event));
    }
    return events;
  }

  /** Recorded first, then the keys are destroyed and the bytes removed: asking again finishes what a crash cut. */
  async erase(subject: string, retention: "content" | "evidence", actor: string): Promise<JsonObject> {
    const { size: to } = await this.#parts.reader.head();
    const keyIds = await this.#payloadKeys({ subject, retention, from: 0, to });
    if (keyIds.length === 0)
      throw new AppError("event-not-found", "the subject has no payload of that class", { subject });
    for (const keyId of keyIds) {
      const input = { keyId, ofSubject: subject, retention };
      await this.#parts.kernel.submit({ type: "erase-payload", actor, input });
    }
    const erased = await this.#parts.writer.erase(keyIds);
    return { subject, retention, keys: keyIds.length, erased };
  }

  /**
   * Whose retention is over. The keys are destroyed before that is recorded: a crash between leaves them to the next time,
   * which finds no record, and what the ledger says is gone is gone.
   */
  async expire(those: readonly PayloadSpan[]): Promise<void> {
    const found: { keyId: string; ofSubject: string; retention: string }[] = [];
    for (const span of those) {
      const { subject: ofSubject, retention } = span;
      for (const keyId of await this.#payloadKeys(span)) found.push({ keyId, ofSubject, retention });
    }
    await this.#parts.writer.erase(found.map(({ keyId }) => keyId));
    for (const input of found) {
      await this.#parts.kernel.submit({ type: "erase-payload", actor: "system:retention", input });
    }
  }

  async #payloadKeys({ subject, retention, from, to }: PayloadSpan): Promise<readonly string[]> {
    const { reader } = this.#parts;
    const keyIds = new Set<string>();
    for (let at = from; at < to;) {
      await setImmediate();
      const batches = await reader.readLeaves(at, BATCHES_AT_ONCE);
      const last = batches.at(-1);
      if (last === undefined) break;
      for (const line of batches.flatMap((batch) => batch.leaves.split("\n"))) {
        if (!line.includes(subject)) continue;
        const { event, payload } = parseLeaf(line);
        if (event.seq < from || event.seq >= to || event.subject !== subject) continue;
        if (payload?.retention === retention) keyIds.add(payload.key);
      }
      at = last.firstSeq + last.count;
    }
    return [...keyIds];
  }
}
