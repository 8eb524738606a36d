// Makes the records of one exporter: what is exported of the durable log, each with what it goes back to. Contents are read
// when a record is made, so that what has been erased since is not sent, also not a second time.

import { hash } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import { isAppError } from "../core/errors.ts";
import { seqFromId } from "../core/ids.ts";
import type { Json } from "../core/json.ts";
import type { ExportedContent, ExportRecord } from "../wire/contracts/export.ts";
import type { LedgerReader } from "../wire/contracts/store.ts";
import type { LedgerEvent } from "../wire/types/event.ts";
import { ActionLog, type Draft, type Drafts } from "./action-log.ts";
import { isExported, isOfRun, toExportRecord } from "./export-record.ts";

const CONTENT_CHARS_MAX = 32_768;
/** A review that is answered, or cannot be planned, may ask for another action of its run. */
const PROPOSALS_FOLLOWED_MAX = 4;
/** From the start of a run; a classifier has a minute. */
const EVENTS_SEARCHED_MAX = 2_000;

export interface ExportSourceParts {
  readonly reader: Pick<LedgerReader, "head" | "readLeaves">;
  readonly origin: string;
  /** The payload of one event; rejects with `payload-erased` or `event-not-found`. */
  readonly payload: (seq: number) => Promise<Json>;
  readonly content: "none" | "hash" | "full";
}

export class ExportSource {
  readonly #parts: ExportSourceParts;
  readonly #log: ActionLog;

  constructor(parts: ExportSourceParts) {
    this.#parts = parts;
    this.#log = new ActionLog({ reader: parts.reader, wants: isExported });
  }

  /** As `ActionLog.resume`. */
  resume(position: { readonly seq: number; readonly readFrom: number }): Promise<void> {
    return this.#log.resume(position);
  }

  /** As `ActionLog.next`. */
  next(): Promise<Drafts> {
    return this.#log.next();
  }

  /** The whole record of a draft, with its contents as they are now. */
  async record(draft: Draft): Promise<ExportRecord> {
    const { event } = draft;
    const proposed = await this.#log.event(draft.proposed);
    const run = isOfRun(event) ? event.subject : proposed?.facts["run"];
    const runOpened = typeof run === "string" ? await this.#log.event(seqFromId("run", run)) : null;
    const signalId = runOpened?.facts["signal"];
    const signal = typeof signalId === "string" ? await this.#log.event(seqFromId("sig", signalId)) : null;
    const isStep = event.type.startsWith("step.");
    return toExportRecord(this.#parts.origin, {
      event,
      proposed,
      evaluated: await this.#log.event(draft.evaluated),
      runOpened,
      runEnded: isOfRun(event) ? event : await this.#endOfRun(run, proposed),
      signal,
      evidence: isStep ? await this.#findPayload(event.seq) : null,
      contents: this.#parts.content === "none" ? null : await this.#contents(draft, signal),
      ...(await this.#log.proof(event.seq)),
    });
  }

  /**
   * A triage action is proposed by the command that ended its run, and that command begins with the answer; or in the
   * course of another action of the same run, which leads there.
   */
  async #endOfRun(run: unknown, proposed: LedgerEvent | null): Promise<LedgerEvent | null> {
    if (typeof run !== "string") return null;
    for (let at = proposed, steps = 0; at?.facts["run"] === run && steps < PROPOSALS_FOLLOWED_MAX; steps++) {
      const begun = await this.#log.event(at.command);
      if (begun?.subject === run) return begun;
      at = await this.#log.event(seqFromId("act", begun?.subject ?? ""));
    }
    return this.#searchEnd(run, proposed?.seq ?? 0);
  }

  /** What a review of another run had kept waiting is proposed by its approval: then the end lies between the two. */
  async #searchEnd(run: string, before: number): Promise<LedgerEvent | null> {
    const opened = seqFromId("run", run) ?? before;
    for (let seq = opened + 1; seq < Math.min(before, opened + EVENTS_SEARCHED_MAX); seq++) {
      const event = await this.#log.event(seq);
      if (event?.subject === run) return event;
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
