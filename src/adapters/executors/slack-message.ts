// The one message in a bridge's channel: found by its metadata, and written only when it is nowhere.

import { z } from "zod";
import type { JsonObject } from "../../core/json.ts";
import type { PartEnd } from "../../wire/contracts/bridge.ts";
import type { SlackApi } from "./slack-api.ts";
import type { Channel } from "./slack-channel.ts";
import { done, endOf, notDone, UNREADABLE, type NotDone } from "./slack-parts.ts";
import type { UnsettledWrites } from "./unsettled-writes.ts";

type EventType = "holdpoint_major_incident" | "holdpoint_message";
const EVENT_TYPE: EventType = "holdpoint_major_incident";
/** Of the history that is searched: Slack gives some apps no more than 15 messages at once. */
const HISTORY_PAGE = 15;
const HISTORY_PAGES_MAX = 20;
const TS = /^\d{1,12}\.\d{1,10}$/;

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

/** Slack takes no idempotency key for a message, so its metadata stand in for one. */
export function messageMetadata(key: string, type: EventType = EVENT_TYPE): JsonObject {
  return { event_type: type, event_payload: { key } };
}

export interface MessageWish {
  readonly channel: Channel;
  readonly key: string;
  /** All of the call's arguments but the channel. */
  readonly body: JsonObject;
}

/** `writes` holds the messages whose sending nobody saw the end of: until it is settled, absence proves nothing. */
export async function postMessage(
  { api, writes }: { readonly api: SlackApi; readonly writes: UnsettledWrites },
  { channel, key, body }: MessageWish,
  signal: AbortSignal,
): Promise<PartEnd> {
  if (!channel.isNew) {
    const remainingMs = writes.remainingMs(key);
    const found = await findMessage(api, { channel: channel.id, key }, signal);
    if (found.kind === "not") return endOf("message", found);
    if (found.ts !== null) {
      writes.settle(key);
      return done("message", { message: found.ts, foundBefore: true });
    }
    if (remainingMs > 0) {
      const not = { kind: "not", code: "earlier-attempt-unsettled", passing: true, afterMs: remainingMs } as const;
      return endOf("message", not);
    }
  }
  writes.open(key);
  const said = await api.write("chat.postMessage", { ...body, channel: channel.id }, signal);
  if (said.kind === "unsure") writes.open(key);
  else writes.settle(key);
  if (said.kind !== "ok") return endOf("message", notDone(said));
  const ts = said.body["ts"];
  return done("message", { message: typeof ts === "string" && TS.test(ts) ? ts : "" });
}

type FoundMessage = { readonly kind: "looked"; readonly ts: string | null } | NotDone;

/** Looks through the channel's history, from the newest. */
export async function findMessage(
  api: SlackApi,
  of: { readonly channel: string; readonly key: string; readonly type?: EventType },
  signal: AbortSignal,
): Promise<FoundMessage> {
  let cursor = "";
  for (let page = 0; page < HISTORY_PAGES_MAX; page++) {
    const args = { channel: of.channel, include_all_metadata: "true", limit: String(HISTORY_PAGE) };
    const said = await api.read("conversations.history", cursor === "" ? args : { ...args, cursor }, signal);
    if (said.kind !== "ok") return notDone(said);
    const parsed = historySchema.safeParse(said.body);
    if (!parsed.success) return UNREADABLE;
    const hit = parsed.data.messages.find(
      ({ metadata }) => metadata?.event_type === (of.type ?? EVENT_TYPE) && metadata.event_payload?.["key"] === of.key,
    );
    if (hit !== undefined) return { kind: "looked", ts: hit.ts };
    cursor = parsed.data.response_metadata?.next_cursor ?? "";
    if (cursor === "") return { kind: "looked", ts: null };
  }
  // Whether it stands further up nobody can tell, and a second one is worse than none.
  return { kind: "not", code: "history-too-long", passing: false, afterMs: 0 };
}
