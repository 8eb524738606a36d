// The channel of an incident at Slack: named after its key, made once, found again, and told from a stranger's.

import { hash } from "node:crypto";
import type { JsonObject } from "../../core/json.ts";
import type { SlackApi } from "./slack-api.ts";
import { notDone, UNREADABLE, type NotDone } from "./slack-parts.ts";

const CHANNEL_ID = /^[CG][A-Z0-9]{2,20}$/;
const USER_ID = /^[UWB][A-Z0-9]{2,20}$/;
const CURSOR = /^[\x21-\x7e]{1,1000}$/;
const KNOWN_MAX = 1_000;
/** Of the channels that the app is in: 2,000 in all. A page has to fit into one answer. */
const PAGE = 50;
const PAGES_MAX = 40;

export type Channel = { readonly id: string; readonly isArchived: boolean; readonly isNew: boolean };
export type ChannelEnd = { readonly kind: "found"; readonly channel: Channel } | { readonly kind: "none" } | NotDone;
type Named = { readonly name: string; readonly is_private: boolean };

/**
 * `inc-cart-1a-3f9c21`: lower case, digits, dashes, at most 80 characters. The digest keeps apart what another
 * installation at the same workspace, or a person, would name alike.
 */
export function channelName(of: { prefix: string; service: string; incident: string; key: string }): string {
  const service = of.service
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 32);
  const incident = of.incident.replace(/^inc_0*/, "");
  const digest = hash("sha256", of.key).slice(0, 6);
  return [of.prefix, service, incident, digest].join("-").replaceAll(/-+/g, "-").slice(0, 80);
}

export class SlackChannels {
  readonly #api: SlackApi;
  readonly #known = new Map<string, string>();
  #self: string | undefined;

  constructor(api: SlackApi) {
    this.#api = api;
  }

  /** Makes the channel, or finds the one that an earlier attempt made. A name can be given once, so nothing is doubled. */
  async open(body: Named, signal: AbortSignal): Promise<ChannelEnd> {
    const known = this.#known.get(body.name);
    if (known !== undefined) return { kind: "found", channel: { id: known, isArchived: false, isNew: false } };
    const said = await this.#api.write("conversations.create", body, signal);
    if (said.kind === "ok") {
      const id = text(member(said.body, "channel"), "id", CHANNEL_ID);
      if (id === undefined) return UNREADABLE;
      this.#remember(body.name, id);
      return { kind: "found", channel: { id, isArchived: false, isNew: true } };
    }
    if (said.kind !== "no" || said.code !== "name_taken") return notDone(said);
    const found = await this.find(body, signal);
    if (found.kind === "none") return { kind: "not", code: "name-taken-by-another", passing: false, afterMs: 0 };
    if (found.kind !== "found" || !found.channel.isArchived) return found;
    return { kind: "not", code: "channel-archived", passing: false, afterMs: 0 };
  }

  /**
   * The channel of this name that this app itself made; it is in every channel that it made and has not left. Only one
   * type is asked for: each needs a scope of its own.
   */
  async find({ name, is_private: isPrivate }: Named, signal: AbortSignal): Promise<ChannelEnd> {
    const self = await this.#whoAmI(signal);
    if (typeof self !== "string") return self;
    let cursor = "";
    for (let page = 0; page < PAGES_MAX; page++) {
      const types = isPrivate ? "private_channel" : "public_channel";
      const args = { types, exclude_archived: "false", limit: String(PAGE), ...(cursor === "" ? {} : { cursor }) };
      const said = await this.#api.read("users.conversations", args, signal);
      if (said.kind !== "ok") return notDone(said);
      const channels = said.body["channels"];
      if (!Array.isArray(channels)) return UNREADABLE;
      const hit = (channels as readonly JsonObject[]).find((channel) => channel?.["name"] === name);
      if (hit !== undefined) return this.#own(hit, { name, self });
      cursor = text(member(said.body, "response_metadata"), "next_cursor", CURSOR) ?? "";
      if (cursor === "") return { kind: "none" };
    }
    return { kind: "not", code: "too-many-channels", passing: false, afterMs: 0 };
  }

  #own(channel: JsonObject, { name, self }: { name: string; self: string }): ChannelEnd {
    const id = text(channel, "id", CHANNEL_ID);
    if (id === undefined || channel["creator"] !== self) {
      return { kind: "not", code: "name-taken-by-another", passing: false, afterMs: 0 };
    }
    const isArchived = channel["is_archived"] === true;
    if (!isArchived) this.#remember(name, id);
    return { kind: "found", channel: { id, isArchived, isNew: false } };
  }

  /** It was archived or is gone: what is remembered of it is looked up again. */
  forget(name: string): void {
    this.#known.delete(name);
  }

  async #whoAmI(signal: AbortSignal): Promise<string | NotDone> {
    if (this.#self !== undefined) return this.#self;
    const said = await this.#api.write("auth.test", {}, signal);
    if (said.kind !== "ok") return notDone(said);
    const self = text(said.body, "user_id", USER_ID);
    if (self === undefined) return UNREADABLE;
    this.#self = self;
    return self;
  }

  #remember(name: string, id: string): void {
    this.#known.set(name, id);
    const [oldest] = this.#known.keys();
    if (this.#known.size > KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest);
  }
}

function member(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function text(object: JsonObject, name: string, shape: RegExp): string | undefined {
  const value = object[name];
  return typeof value === "string" && shape.test(value) ? value : undefined;
}
