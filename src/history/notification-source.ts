// Makes what one notifier tells people of the durable log. Texts are read when a notification is made, so that what has
// been erased since is not told.

import { assert } from "../core/assert.ts";
import { isAppError } from "../core/errors.ts";
import { seqFromId } from "../core/ids.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { ExportPosition, ExportPositions } from "../wire/contracts/export.ts";
import type { Notification } from "../wire/contracts/notifier.ts";
import type { LedgerReader } from "../wire/contracts/store.ts";
import type { LedgerEvent } from "../wire/types/event.ts";
import { ActionLog, type Draft, type Drafts } from "./action-log.ts";
import { noticeOf, toNotification, type Answered } from "./notification.ts";

const REASON_CHARS_MAX = 4_000;
const DIFF_CHARS_MAX = 4_000;

export interface NotificationSourceParts {
  readonly reader: Pick<LedgerReader, "head" | "readLeaves">;
  readonly origin: string;
  /** The payload of one event; rejects with `payload-erased` or `event-not-found`. */
  readonly payload: (seq: number) => Promise<Json>;
  /** Whether reasons and what would change are told beside the facts. */
  readonly content: "none" | "full";
}

export class NotificationSource {
  readonly #parts: NotificationSourceParts;
  readonly #log: ActionLog;

  constructor(parts: NotificationSourceParts) {
    this.#parts = parts;
    this.#log = new ActionLog({ reader: parts.reader, wants: (event, trail) => noticeOf(event, trail) !== null });
  }

  /** As `ActionLog.resume`. */
  resume(position: { readonly seq: number; readonly readFrom: number }): Promise<void> {
    return this.#log.resume(position);
  }

  /** As `ActionLog.next`. */
  next(): Promise<Drafts> {
    return this.#log.next();
  }

  /** The notification of a draft, with its texts as they are now. */
  async record(draft: Draft): Promise<Notification> {
    const { event } = draft;
    const kind = noticeOf(event, draft);
    assert(kind !== null, "only what people are told of is drafted");
    const isBrake = kind === "brake.applied" || kind === "brake.released";
    const isOfAction = !isBrake && kind !== "domain.blocked" && kind !== "domain.released";
    return toNotification(this.#parts.origin, {
      event,
      kind,
      proposed: await this.#log.event(draft.proposed),
      planned: await this.#log.event(draft.planned),
      evaluated: await this.#log.event(draft.evaluated),
      held: await this.#log.event(draft.held),
      asked: await this.#log.event(draft.asked),
      clocked: await this.#log.event(draft.clocked),
      answers: await this.#answers(draft),
      awaits: await this.#log.event(draft.awaits),
      missing: await this.#log.event(draft.missing),
      braked: isBrake ? await this.#braked(event) : null,
      ...(isOfAction ? await this.#texts(draft) : { reason: null, diff: null }),
    });
  }

  async #braked(event: LedgerEvent): Promise<LedgerEvent | null> {
    const { brake } = event.facts;
    return typeof brake === "string" ? this.#log.event(seqFromId("brk", brake)) : event;
  }

  async #answers({ answers }: Draft): Promise<readonly Answered[]> {
    const found: Answered[] = [];
    for (const seq of answers) {
      const event = await this.#log.event(seq);
      if (event !== null) found.push({ event, reason: textIn(await this.#content(seq), "reason") });
    }
    return found;
  }

  /** Why, and what the plan would change: the plan stands with the proposal where it follows from it alone. */
  async #texts({
    proposed,
    planned,
  }: Draft): Promise<{ readonly reason: string | null; readonly diff: string | null }> {
    const asked = await this.#content(proposed);
    const plan = (planned === null ? asked : await this.#content(planned))["plan"];
    const diff = isObject(plan) ? (plan["diff"] ?? null) : null;
    return {
      reason: textIn(asked, "reason"),
      diff: diff === null ? null : JSON.stringify(diff, null, 2).slice(0, DIFF_CHARS_MAX),
    };
  }

  async #content(seq: number): Promise<JsonObject> {
    if (this.#parts.content === "none" || seq < 0) return {};
    try {
      const body = await this.#parts.payload(seq);
      return isObject(body) ? body : {};
    } catch (error) {
      if (isAppError(error, "payload-erased") || isAppError(error, "event-not-found")) return {};
      throw error;
    }
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textIn(content: JsonObject, name: string): string | null {
  const text = content[name];
  return typeof text === "string" && text !== "" ? text.slice(0, REASON_CHARS_MAX) : null;
}

/**
 * Positions that begin at `beginAt`, the end of the log when the process started: nobody is told of what was over when a
 * notifier was configured. The first one is kept at once, so that nothing is lost between here and the first notification.
 */
export function positionsFrom(
  positions: ExportPositions,
  { origin, beginAt }: { readonly origin: string; readonly beginAt: number },
): ExportPositions {
  return {
    save: (position) => positions.save(position),
    async load() {
      const saved = await positions.load();
      if (saved !== null) return saved;
      const first: ExportPosition = { origin, seq: beginAt, readFrom: beginAt, memo: null };
      await positions.save(first);
      return first;
    },
  };
}
