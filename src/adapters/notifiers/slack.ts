// Slack: one message for each action that people are asked about, edited with each thing that happens to it.
//
// Slack takes no idempotency key, so a message's metadata stand in for one: after an attempt of which nobody knows the
// end, and for the first notification of a process, the channel is searched before anything is posted.

import { z } from "zod";
import type { JsonObject } from "../../core/json.ts";
import type { Notification, NotificationKind, Notifier, Told } from "../../wire/contracts/notifier.ts";
import type { SlackConfig } from "../../wire/schemas/notifiers-config.ts";
import { toMessage } from "./slack-blocks.ts";
import { SlackCalls, type Said, type SlackCallsParts } from "./slack-calls.ts";

const EVENT_TYPE = "holdpoint_hold";
/** Of the history that is searched: Slack gives some apps no more than 15 messages at once. */
const HISTORY_PAGE = 15;
const HISTORY_PAGES_MAX = 10;
/** Messages of which it is known where they are; the oldest beyond is searched for again. */
const MESSAGES_MAX = 500;
const TS = /^\d{1,12}\.\d{1,10}$/;

/** Only these are worth a message of their own; the rest edits the one that is there. */
const BEGINNINGS: ReadonlySet<NotificationKind> = new Set([
  "hold.opened",
  "hold.escalated",
  "hold.resumed",
  "hold.reminded",
  "glass.broken",
  "wait.ended",
  "brake.applied",
  "brake.released",
  "domain.blocked",
  "domain.released",
]);
/** An edit is no news to anybody: these are said again below the message, and in the channel. */
const LOUD: ReadonlySet<NotificationKind> = new Set(["hold.escalated", "hold.reminded", "glass.broken"]);
/** Slack's errors for a message that nobody can edit any more. */
const GONE: ReadonlySet<string> = new Set(["message_not_found", "cant_update_message", "edit_window_closed"]);
/** Slack's errors about what a message says: another attempt gets the same. */
const CONTENT: ReadonlySet<string> = new Set([
  "msg_too_long",
  "msg_blocks_too_long",
  "invalid_blocks",
  "invalid_blocks_format",
  "invalid_arguments",
  "no_text",
  "metadata_too_large",
  "invalid_metadata_format",
  "invalid_metadata_schema",
]);

export interface SlackParts extends Omit<SlackCallsParts, "config"> {
  readonly config: SlackConfig;
  /** Where a person reads and answers; null where the console's address is not known. */
  readonly linkOf: (notification: Notification) => string | null;
}

export function createSlackNotifier(parts: SlackParts): Notifier {
  const slack = new Slack(parts);
  return { notify: (notification, memo, signal) => slack.notify(notification, memo, signal) };
}

/** Where messages are, by what they are about: in order of their last use, the oldest first. */
type Messages = Map<string, string>;

class Slack {
  readonly #parts: SlackParts;
  readonly #calls: SlackCalls;
  /** Whether the last message was really sent, nobody knows. */
  #isUnsure = true;

  constructor(parts: SlackParts) {
    this.#parts = parts;
    this.#calls = new SlackCalls(parts);
  }

  async notify(notification: Notification, memo: string | null, signal: AbortSignal): Promise<Told> {
    const { config, linkOf } = this.#parts;
    const key = keyOf(notification);
    const messages = parseMemo(memo);
    const message = toMessage(notification, {
      link: linkOf(notification),
      withButtons: config.signingSecretRef !== undefined,
      mention: notification.kind === "wait.ended" ? userOf(config, notification) : null,
    });
    const place = await this.#find(notification, { key, messages }, signal);
    if (place.kind === "failed") return toFailed(place);
    const told = await this.#put({ notification, key, message, ts: place.ts }, signal);
    this.#isUnsure = told.kind === "failed" && told.unsure;
    if (told.kind !== "ok") return told.kind === "no" ? toTold(told.code) : toFailed(told);
    messages.delete(key);
    if (told.ts !== null && !isOver(notification)) messages.set(key, told.ts);
    for (const oldest of messages.keys()) {
      if (messages.size <= MESSAGES_MAX) break;
      messages.delete(oldest);
    }
    return { kind: "told", memo: JSON.stringify([...messages]) };
  }

  /** Where the message about it is; null for nowhere. */
  async #find(
    notification: Notification,
    { key, messages }: { readonly key: string; readonly messages: Messages },
    signal: AbortSignal,
  ): Promise<Place | Failed> {
    const known = messages.get(key);
    if (known !== undefined) return { kind: "ok", ts: known };
    if (BEGINNINGS.has(notification.kind) && !this.#isUnsure) return { kind: "ok", ts: null };
    const oldest = String(Math.floor((notification.action?.proposedAt ?? notification.time) / 1_000) - 60);
    const found = await findMessage(this.#calls, { channel: this.#parts.config.channel, key, oldest }, signal);
    return found.kind === "no" ? { kind: "ok", ts: null } : found; // a second message is better than none
  }

  async #put(
    of: {
      readonly notification: Notification;
      readonly key: string;
      readonly message: JsonObject;
      readonly ts: string | null;
    },
    signal: AbortSignal,
  ): Promise<Place | Exclude<Said, { kind: "ok" }>> {
    const { config } = this.#parts;
    const { notification, key, message, ts } = of;
    const metadata = { event_type: EVENT_TYPE, event_payload: { key } };
    const body = { ...message, channel: config.channel, metadata };
    const isBeginning = BEGINNINGS.has(notification.kind);
    if (ts !== null) {
      const said = await this.#calls.write("chat.update", { ...body, ts }, signal);
      if (said.kind === "ok")
        return LOUD.has(notification.kind) ? this.#repeat(message, ts, signal) : { kind: "ok", ts };
      if (said.kind !== "no" || !GONE.has(said.code)) return said;
      if (!isBeginning) return { kind: "ok", ts: null };
    }
    // The end of what nobody was asked here is no news here.
    if (ts === null && !isBeginning) return { kind: "ok", ts: null };
    const post = { ...body, unfurl_links: false, unfurl_media: false };
    const said = await this.#calls.write("chat.postMessage", post, signal);
    if (said.kind !== "ok") return said;
    const posted = said.body["ts"];
    return { kind: "ok", ts: typeof posted === "string" && TS.test(posted) ? posted : null };
  }

  async #repeat({ text }: JsonObject, ts: string, signal: AbortSignal): Promise<Place | Exclude<Said, { kind: "ok" }>> {
    const { channel } = this.#parts.config;
    const reply = { channel, text: text ?? "", thread_ts: ts, reply_broadcast: true };
    const said = await this.#calls.write("chat.postMessage", reply, signal);
    return said.kind === "ok" ? { kind: "ok", ts } : said;
  }
}

type Place = { readonly kind: "ok"; readonly ts: string | null };
type Failed = Extract<Said, { kind: "failed" }>;

/** The person behind an action, where Slack's user is known. */
function userOf({ people }: SlackConfig, { action }: Notification): string | null {
  const found = Object.entries(people).find(([, identity]) => identity === `person:${action?.person ?? ""}`);
  return found?.[0] ?? null;
}

/** One for all that is told of an action in one log. */
function keyOf({ id, action, brake, kind }: Notification): string {
  const log = id.split("_", 1)[0] ?? "";
  return action === null ? `${brake === null ? id : `${log}_${brake.id}`}_${kind}` : `${log}_${action.id}`;
}

/** Nothing more is told of it. An approval is followed by what became of it. */
function isOver({ kind, action }: Notification): boolean {
  if (kind === "hold.ended") return action?.status !== "approved";
  return kind === "action.ended" || kind === "wait.ended" || action === null;
}

/** Slack refused: what it says of the message is for good, everything else somebody has to put right. */
function toTold(code: string): Told {
  return CONTENT.has(code) ? { kind: "refused", code } : { kind: "failed", code, retryAfterMs: null };
}

function toFailed({ code, retryAfterMs }: Failed): Told {
  return { kind: "failed", code, retryAfterMs };
}

const memoSchema = z.array(z.tuple([z.string().max(128), z.string().regex(TS)])).max(MESSAGES_MAX);

/** What is no memo of ours is forgotten: then messages are searched for. */
function parseMemo(memo: string | null): Messages {
  try {
    return new Map(memoSchema.parse(JSON.parse(memo ?? "[]")));
  } catch {
    return new Map();
  }
}

const historySchema = z.looseObject({
  messages: z.array(
    z.looseObject({
      ts: z.string().regex(TS),
      metadata: z
        .looseObject({ event_type: z.string(), event_payload: z.record(z.string(), z.unknown()).optional() })
        .optional(),
    }),
  ),
  response_metadata: z.looseObject({ next_cursor: z.string().max(1_000).default("") }).optional(),
});

const NOWHERE: Place = { kind: "ok", ts: null };

async function findMessage(
  calls: SlackCalls,
  { channel, key, oldest }: { readonly channel: string; readonly key: string; readonly oldest: string },
  signal: AbortSignal,
): Promise<Place | Exclude<Said, { kind: "ok" }>> {
  let cursor = "";
  for (let page = 0; page < HISTORY_PAGES_MAX; page++) {
    const args = { channel, oldest, include_all_metadata: "true", limit: String(HISTORY_PAGE) };
    const said = await calls.read("conversations.history", cursor === "" ? args : { ...args, cursor }, signal);
    if (said.kind !== "ok") return said;
    const parsed = historySchema.safeParse(said.body);
    if (!parsed.success) return NOWHERE;
    const hit = parsed.data.messages.find(
      ({ metadata }) => metadata?.event_type === EVENT_TYPE && metadata.event_payload?.["key"] === key,
    );
    if (hit !== undefined) return { kind: "ok", ts: hit.ts };
    cursor = parsed.data.response_metadata?.next_cursor ?? "";
    if (cursor === "") return NOWHERE;
  }
  return NOWHERE;
}
