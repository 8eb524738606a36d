// A bridge at Slack: a channel with a topic, a message that says why, and the responders of the team in it.

import { z } from "zod";
import type { JsonObject } from "../../core/json.ts";
import type { Bridge, BridgeWish, OpenBridge, PartEnd } from "../../wire/contracts/bridge.ts";
import type { MajorIncidentConfig } from "../../wire/schemas/executors-config.ts";
import { SlackApi, type SlackParts } from "./slack-api.ts";
import { channelName, SlackChannels, type Channel } from "./slack-channel.ts";
import { messageMetadata, postMessage } from "./slack-message.ts";
import { done, endOf, failed, notDone, skipped } from "./slack-parts.ts";
import { cut, escapeText } from "./slack-text.ts";
import { inviteResponders } from "./slack-responders.ts";
import { UnsettledWrites } from "./unsettled-writes.ts";

const TOPIC_CHARS_MAX = 250;
/** Slack cuts a message at 40,000 characters; the rest is for escapes and for the account of the grant. */
const TEXT_CHARS_MAX = 8_000;
const APPENDIX_CHARS_MAX = 4_000;

type BridgeConfig = MajorIncidentConfig["bridge"];
type Responders = MajorIncidentConfig["responders"];

const shared = {
  method: z.literal("POST"),
  origin: z.string(),
  authorization: z.strictObject({ secretRef: z.string() }),
};
const callsSchema = z.tuple([
  z.looseObject({
    ...shared,
    path: z.literal("/api/conversations.create"),
    body: z.strictObject({ name: z.string(), is_private: z.boolean() }),
  }),
  z.looseObject({
    ...shared,
    path: z.literal("/api/conversations.setTopic"),
    body: z.looseObject({ topic: z.string() }),
  }),
  z.looseObject({
    ...shared,
    path: z.literal("/api/chat.postMessage"),
    body: z.looseObject({ text: z.string(), metadata: z.looseObject({}) }),
  }),
  z.looseObject({
    ...shared,
    path: z.literal("/api/conversations.invite"),
    body: z.looseObject({ users: z.array(z.string()), groups: z.array(z.string()) }),
  }),
]);
const closeSchema = z.tuple([
  z.looseObject({
    ...shared,
    path: z.literal("/api/conversations.archive"),
    body: z.strictObject({ channel: z.strictObject({ name: z.string(), is_private: z.boolean() }) }),
  }),
]);

export interface SlackBridgeParts extends SlackParts {
  readonly config: BridgeConfig;
  readonly responders: Responders;
}

export function createSlackBridge(parts: SlackBridgeParts): Bridge {
  const api = new SlackApi(parts);
  const writes = new UnsettledWrites({ clock: parts.clock, settleMs: parts.config.settleMs });
  const room: Room = { parts, api, channels: new SlackChannels(api), writes };
  return {
    credential: parts.tokenRef,
    probe: async (signal) => api.probe("slack", signal),
    plan: (wish) => planOpen(parts, wish),
    planClose: (wish) => planClose(parts, wish),
    open: (request, signal) => openBridge(room, request, signal),
    close: (calls, signal) => closeBridge(room, calls, signal),
  };
}

type Room = {
  readonly parts: SlackBridgeParts;
  readonly api: SlackApi;
  readonly channels: SlackChannels;
  /** Messages whose sending nobody saw the end of. */
  readonly writes: UnsettledWrites;
};

function planOpen({ config, origin, responders }: SlackBridgeParts, wish: BridgeWish): readonly JsonObject[] {
  const call = { method: "POST", origin, authorization: { secretRef: config.tokenRef } };
  const name = channelName({ prefix: config.channelPrefix, ...wish });
  const { users, groups } = Object.hasOwn(responders.teams, wish.team)
    ? (responders.teams[wish.team] as Responders["default"])
    : responders.default;
  const callUrl = config.callUrl?.replaceAll("{incident}", wish.incident);
  const called = [...users.map((user) => `<@${user}>`), ...groups.map((group) => `<!subteam^${group}>`)];
  const text = [
    cut(escapeText(wish.lines.join("\n")), TEXT_CHARS_MAX),
    ...(callUrl === undefined ? [] : [`Call: <${callUrl}>`]),
    `Responders: ${called.join(" ")}`,
  ].join("\n");
  const channel = { channel: { name } };
  const message = {
    text,
    unfurl_links: false,
    unfurl_media: false,
    metadata: messageMetadata(wish.key),
  };
  return [
    {
      ...call,
      part: "channel",
      repeat: "idempotent",
      path: "/api/conversations.create",
      body: { name, is_private: config.isPrivate },
    },
    {
      ...call,
      part: "topic",
      repeat: "idempotent",
      path: "/api/conversations.setTopic",
      body: { ...channel, topic: cut(escapeText(wish.topic), TOPIC_CHARS_MAX) },
    },
    {
      ...call,
      part: "message",
      repeat: "conditional",
      path: "/api/chat.postMessage",
      body: { ...channel, ...message },
    },
    {
      ...call,
      part: "responders",
      repeat: "idempotent",
      path: "/api/conversations.invite",
      body: { ...channel, users: [...users], groups: [...groups] },
    },
  ];
}

function planClose(
  { config, origin }: SlackBridgeParts,
  of: Pick<BridgeWish, "key" | "incident" | "service">,
): readonly JsonObject[] {
  const name = channelName({ prefix: config.channelPrefix, ...of });
  const authorization = { secretRef: config.tokenRef };
  const path = "/api/conversations.archive";
  const body = { channel: { name, is_private: config.isPrivate } };
  return [{ method: "POST", origin, authorization, part: "channel", repeat: "idempotent", path, body }];
}

type Calls = z.infer<typeof callsSchema>;

async function openBridge(room: Room, request: OpenBridge, signal: AbortSignal): Promise<readonly PartEnd[]> {
  const parsed = callsSchema.safeParse(request.calls);
  const { origin, config } = room.parts;
  const isOurs =
    parsed.success &&
    parsed.data.every((call) => call.origin === origin && call.authorization.secretRef === config.tokenRef);
  if (!isOurs) return [failed("channel", "plan-invalid"), ...skipped()];
  const [create, topic, message, invite] = parsed.data;
  const opened = await room.channels.open(create.body, signal);
  if (opened.kind !== "found") {
    const end = opened.kind === "none" ? failed("channel", "answer-unexpected") : endOf("channel", opened);
    return [end, ...skipped()];
  }
  const { channel } = opened;
  const ends = [
    await setTopic(room, { channel, topic: topic.body.topic }, signal),
    await postMessage(room, { channel, key: request.key, body: messageOf(message, request.appendix) }, signal),
    await inviteResponders(room.api, { ...invite.body, channel: channel.id }, signal),
  ];
  // Somebody archived or removed it since it was made: the next attempt looks it up again.
  if (ends.some(({ code }) => code === "channel_not_found" || code === "is_archived"))
    room.channels.forget(create.body.name);
  return [done("channel", { channel: channel.id, name: create.body.name }), ...ends];
}

async function setTopic({ api }: Room, of: { channel: Channel; topic: string }, signal: AbortSignal): Promise<PartEnd> {
  const said = await api.write("conversations.setTopic", { channel: of.channel.id, topic: of.topic }, signal);
  return said.kind === "ok" ? done("topic", {}) : endOf("topic", notDone(said));
}

/** As approved, with the account of the grant at its end. */
function messageOf({ body }: Calls[2], appendix: string): JsonObject {
  const { channel: _named, ...rest } = body as JsonObject;
  return { ...rest, text: `${body.text}\n\n${cut(escapeText(appendix), APPENDIX_CHARS_MAX)}` };
}

async function closeBridge(room: Room, calls: readonly JsonObject[], signal: AbortSignal): Promise<PartEnd> {
  const parsed = closeSchema.safeParse(calls);
  const call = parsed.success ? parsed.data[0] : undefined;
  const { origin, config } = room.parts;
  if (call === undefined || call.origin !== origin || call.authorization.secretRef !== config.tokenRef) {
    return failed("channel", "plan-invalid");
  }
  const { name } = call.body.channel;
  const found = await room.channels.find(call.body.channel, signal);
  if (found.kind === "not") return endOf("channel", found);
  if (found.kind === "none" || found.channel.isArchived)
    return done("channel", { name, archived: found.kind === "found" });
  const said = await room.api.write("conversations.archive", { channel: found.channel.id }, signal);
  room.channels.forget(name);
  const wasClosed = said.kind === "no" && said.code === "already_archived";
  if (said.kind !== "ok" && !wasClosed) return endOf("channel", notDone(said));
  return done("channel", { channel: found.channel.id, name, archived: true });
}
