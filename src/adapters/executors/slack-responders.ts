// Responders in a bridge's channel: members of groups as they are now, each invited once, the refused named.

import { z } from "zod";
import type { Json, JsonObject } from "../../core/json.ts";
import type { PartEnd } from "../../wire/contracts/bridge.ts";
import type { SlackApi } from "./slack-api.ts";
import { done, endOf, failed, notDone, UNREADABLE, type NotDone } from "./slack-parts.ts";

const MEMBERS_PAGES_MAX = 10;
/** Slack takes 100 users in one call for certain. */
const INVITED_AT_ONCE = 100;
const RESPONDERS_MAX = 500;
const USER = /^[UW][A-Z0-9]{2,20}$/;

const usersSchema = z.array(z.string().regex(USER)).max(10_000);
const membersSchema = z.looseObject({
  members: z.array(z.string()),
  response_metadata: z.looseObject({ next_cursor: z.string().max(1_000).default("") }).optional(),
});

export interface Invitation {
  readonly channel: string;
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

/** Who is in the channel already is not invited again, so a repeat does the rest. */
export async function inviteResponders(api: SlackApi, wanted: Invitation, signal: AbortSignal): Promise<PartEnd> {
  const users = await usersOf(api, wanted, signal);
  if ("kind" in users) return endOf("responders", users);
  const present = await membersOf(api, wanted.channel, signal);
  if ("kind" in present) return endOf("responders", present);
  const missing = [...users].filter((user) => !present.has(user));
  const called = missing.slice(0, RESPONDERS_MAX);
  const refused: string[] = [];
  for (let from = 0; from < called.length; from += INVITED_AT_ONCE) {
    const some = called.slice(from, from + INVITED_AT_ONCE);
    const errors = await inviteSome(api, { channel: wanted.channel, users: some }, signal);
    if ("kind" in errors) return endOf("responders", errors);
    refused.push(...errors);
  }
  const facts = { wanted: users.size, invited: called.length - refused.length };
  if (refused.length > 0)
    return failed("responders", "responders-refused", { ...facts, refused: refused.slice(0, 100) });
  if (called.length < missing.length) return failed("responders", "responders-too-many", facts);
  return done("responders", facts);
}

async function usersOf(api: SlackApi, wanted: Invitation, signal: AbortSignal): Promise<Set<string> | NotDone> {
  const users = new Set(wanted.users);
  for (const usergroup of wanted.groups) {
    const said = await api.read("usergroups.users.list", { usergroup }, signal);
    if (said.kind !== "ok") return notDone(said);
    const parsed = usersSchema.safeParse(said.body["users"]);
    if (!parsed.success) return UNREADABLE;
    for (const user of parsed.data) users.add(user);
  }
  return users;
}

async function membersOf(api: SlackApi, channel: string, signal: AbortSignal): Promise<Set<string> | NotDone> {
  const members = new Set<string>();
  let cursor = "";
  for (let page = 0; page < MEMBERS_PAGES_MAX; page++) {
    const args = { channel, limit: "200", ...(cursor === "" ? {} : { cursor }) };
    const said = await api.read("conversations.members", args, signal);
    if (said.kind !== "ok") return notDone(said);
    const parsed = membersSchema.safeParse(said.body);
    if (!parsed.success) return UNREADABLE;
    for (const user of parsed.data.members) members.add(user);
    cursor = parsed.data.response_metadata?.next_cursor ?? "";
    if (cursor === "") break;
  }
  return members;
}

/** Those whom Slack refused: with `force` it invites whom it can, and tells of the others beside `ok` or instead of it. */
async function inviteSome(
  api: SlackApi,
  { channel, users }: { readonly channel: string; readonly users: readonly string[] },
  signal: AbortSignal,
): Promise<readonly string[] | NotDone> {
  const said = await api.write("conversations.invite", { channel, users: users.join(","), force: true }, signal);
  if (said.kind === "ok") return refusedUsers(said.body["errors"] ?? null);
  if (said.kind === "no" && said.code === "already_in_channel") return [];
  return said.kind === "no" && USERS_FAULT.has(said.code) ? users : notDone(said);
}

/** Errors that are about whom we named, not about the call. */
const USERS_FAULT: ReadonlySet<string> = new Set([
  "user_not_found",
  "cant_invite",
  "cant_invite_self",
  "user_is_restricted",
]);

function refusedUsers(errors: Json): readonly string[] {
  if (!Array.isArray(errors)) return [];
  const entries = (errors as readonly JsonObject[]).filter((entry) => entry?.["error"] !== "already_in_channel");
  return entries
    .map((entry) => entry?.["user"])
    .filter((user) => typeof user === "string" && USER.test(user)) as string[];
}
