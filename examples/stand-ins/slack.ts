// A stand-in for Slack's Web API: channels, messages and user groups, by their documented rules.

import { complaintsAboutBlocks, complaintsAboutView } from "./slack-blocks.ts";
import { complaintsAbout, METHODS } from "./slack-methods.ts";
import { runStandIn, startStandIn, type Received, type Reply, type StandIn, type Vendor } from "./stand-in.ts";

export interface SlackOptions {
  readonly port?: number;
  readonly token?: string;
  /** What the token may do; everything by default. */
  readonly scopes?: readonly string[];
  /** Members of user groups. */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  /** Users that the workspace does not know. */
  readonly unknownUsers?: readonly string[];
}

export interface SlackMessage {
  readonly ts: string;
  text: string;
  blocks: readonly unknown[];
  metadata: unknown;
  /** How often it was edited. */
  edits: number;
  /** Texts of the thread below it. */
  readonly replies: string[];
}

export interface SlackView {
  readonly triggerId: string;
  readonly view: Readonly<Record<string, unknown>>;
}

export interface SlackChannel {
  readonly id: string;
  readonly name: string;
  readonly creator: string;
  readonly isPrivate: boolean;
  isArchived: boolean;
  topic: string;
  readonly members: string[];
  readonly messages: SlackMessage[];
}

export interface SlackStandIn extends StandIn {
  readonly channels: readonly SlackChannel[];
  /** What a strict reader of the manual would complain about. */
  readonly complaints: readonly string[];
  /** The next `times` (1) calls of `method` are answered `ok: false` with this documented error, and do nothing. */
  refuse(method: string, error: string, times?: number): void;
  /** Forms that were opened. */
  readonly views: readonly SlackView[];
  /** What comes with a person's click, and opens one form. */
  makeTrigger(): string;
  /** A channel by somebody else; `withApp` when the app was invited to it. */
  makeChannel(name: string, withApp?: boolean): SlackChannel;
}

const APP_USER = "U0HOLDPNT";
const JSON_TYPE = "application/json; charset=utf-8";
const NAME = /^[a-z0-9_-]{1,80}$/;

type Args = Readonly<Record<string, unknown>>;

class Slack implements Vendor {
  readonly channels: SlackChannel[] = [];
  readonly complaints: string[] = [];
  readonly refusals: { method: string; error: string; left: number }[] = [];
  readonly views: SlackView[] = [];
  readonly triggers = new Set<string>();
  readonly #options: SlackOptions;
  #clock = 1_790_000_000;

  constructor(options: SlackOptions) {
    this.#options = options;
  }

  act(request: Received): Reply {
    const method = request.path.replace(/^\/api\//, "");
    const refusal = this.refusals.find((one) => one.method === method && one.left > 0);
    if (refusal !== undefined) {
      refusal.left -= 1;
      return no(refusal.error);
    }
    const { authorization = "" } = request.headers;
    if (authorization === "") return no("not_authed");
    if (authorization !== `Bearer ${this.#options.token ?? "xoxb-stand-in"}`) return no("invalid_auth");
    const args = this.#argsOf(request);
    if (args === undefined) return no("invalid_json");
    this.complaints.push(...complaintsAbout(method, args));
    if (METHODS[method]?.http !== request.method) this.complaints.push(`${method} by ${request.method}`);
    const needed = this.#needed(method, args).find((scope) => this.#options.scopes?.includes(scope) === false);
    if (needed !== undefined) {
      const provided = this.#options.scopes?.join(",");
      return { status: 200, json: { ok: false, error: "missing_scope", needed, provided } };
    }
    switch (method) {
      case "auth.test":
        return yes({
          url: "https://stand-in.slack.test/",
          team_id: "T0STANDIN",
          user_id: APP_USER,
          bot_id: "B0STANDIN",
        });
      case "conversations.create":
        return this.#create(args);
      case "users.conversations":
        return this.#mine(args);
      case "usergroups.users.list":
        return this.#group(args);
      case "views.open":
        return this.#open(args);
      default:
        return this.#inChannel(method, args);
    }
  }

  report(): unknown {
    return { channels: this.channels, complaints: this.complaints };
  }

  /** Scopes of both kinds where the call says neither. */
  #needed(name: string, args: Args): readonly string[] {
    const { scopes } = METHODS[name] ?? {};
    if (scopes === undefined) return [];
    const channel = this.channels.find(({ id }) => id === args["channel"]);
    const { types, is_private: asPrivate } = args;
    if (typeof types !== "string") return (channel?.isPrivate ?? asPrivate === true) ? scopes.private : scopes.public;
    const kinds = types.split(",");
    return [
      ...(kinds.includes("public_channel") ? scopes.public : []),
      ...(kinds.includes("private_channel") ? scopes.private : []),
    ];
  }

  /** Reading methods take their arguments in the query and no JSON; the others take JSON here. */
  #argsOf({ method, query, body, headers }: Received): Args | undefined {
    if (method === "GET") return Object.fromEntries(query);
    if (headers["content-type"] !== JSON_TYPE) this.complaints.push("content-type without charset, or not JSON");
    try {
      const args = JSON.parse(body) as Args;
      if ("token" in args) this.complaints.push("a token in the body");
      return args;
    } catch {
      return undefined;
    }
  }

  #create({ name, is_private: isPrivate }: Args): Reply {
    if (typeof name !== "string" || name === "") return no("invalid_name_required");
    if (name.length > 80) return no("invalid_name_maxlength");
    if (!NAME.test(name)) return no("invalid_name_specials");
    // Archived channels keep their names.
    if (this.channels.some((channel) => channel.name === name)) return no("name_taken");
    const channel = this.add({ name, creator: APP_USER, isPrivate: isPrivate === true });
    return yes({ channel: shown(channel) });
  }

  add(of: { name: string; creator: string; isPrivate: boolean }): SlackChannel {
    const id = `C${String(1_000_000 + this.channels.length)}`;
    const channel = { ...of, id, isArchived: false, topic: "", members: [of.creator], messages: [] };
    this.channels.push(channel);
    return channel;
  }

  #mine({ limit, cursor, exclude_archived: excludeArchived, types = "public_channel" }: Args): Reply {
    const kinds = String(types).split(",");
    const all = this.channels.filter(({ members, isArchived, isPrivate }) => {
      const isAsked = kinds.includes(isPrivate ? "private_channel" : "public_channel");
      return isAsked && members.includes(APP_USER) && !(isArchived && excludeArchived === "true");
    });
    return page(all.map(shown), { name: "channels", limit, cursor });
  }

  #group({ usergroup }: Args): Reply {
    const users = this.#options.groups?.[String(usergroup)];
    return users === undefined ? no("no_such_subteam") : yes({ users });
  }

  #open({ trigger_id: triggerId, view }: Args): Reply {
    if (typeof triggerId !== "string" || !this.triggers.delete(triggerId)) return no("invalid_trigger");
    this.complaints.push(...complaintsAboutView(view));
    this.views.push({ triggerId, view: view as SlackView["view"] });
    return yes({ view: { id: `V${this.views.length}` } });
  }

  #inChannel(method: string, args: Args): Reply {
    const channel = this.channels.find(({ id }) => id === args["channel"]);
    if (channel === undefined) return no("channel_not_found");
    if (method === "conversations.history") {
      const newestFirst = channel.messages.toReversed();
      return page(newestFirst, { name: "messages", limit: args["limit"], cursor: args["cursor"] });
    }
    if (method === "conversations.members") {
      return page(channel.members, { name: "members", limit: args["limit"], cursor: args["cursor"] });
    }
    if (method === "conversations.archive" && channel.isArchived) return no("already_archived");
    if (channel.isArchived) return no("is_archived");
    if (!channel.members.includes(APP_USER)) return no("not_in_channel");
    return this.#change(method, channel, args);
  }

  #change(method: string, channel: SlackChannel, args: Args): Reply {
    switch (method) {
      case "conversations.setTopic":
        if (typeof args["topic"] !== "string") return no("invalid_arguments");
        if (args["topic"].length > 250) return no("too_long");
        channel.topic = args["topic"];
        return yes({ channel: shown(channel) });
      case "conversations.archive":
        channel.isArchived = true;
        return yes({});
      case "conversations.invite":
        return this.#invite(channel, args);
      case "chat.postMessage": {
        const wrong = this.#wrongIn(args);
        if (wrong !== null) return no(wrong);
        const {
          text,
          blocks = [],
          metadata,
        } = args as Pick<SlackMessage, "text" | "metadata"> & { blocks?: unknown[] };
        const ts = `${++this.#clock}.000100`;
        if (args["thread_ts"] === undefined)
          channel.messages.push({ ts, text, blocks, metadata, edits: 0, replies: [] });
        else if (!reply(channel, args["thread_ts"], text)) return no("cannot_reply_to_message");
        return yes({ channel: channel.id, ts, message: { text } });
      }
      case "chat.update":
        return this.#update(channel, args);
      default:
        return no("unknown_method");
    }
  }

  #wrongIn({ text, blocks }: Args): string | null {
    if (typeof text !== "string" || text === "") return "no_text";
    if (text.length > 40_000) return "msg_too_long";
    const complaints = complaintsAboutBlocks(blocks ?? []);
    this.complaints.push(...complaints);
    return complaints.length === 0 ? null : "invalid_blocks";
  }

  #update(channel: SlackChannel, args: Args): Reply {
    const message = channel.messages.find(({ ts }) => ts === args["ts"]);
    if (message === undefined) return no("message_not_found");
    const wrong = this.#wrongIn(args);
    if (wrong !== null) return no(wrong);
    message.text = String(args["text"]);
    message.blocks = (args["blocks"] ?? []) as readonly unknown[];
    message.metadata = args["metadata"] ?? message.metadata;
    message.edits++;
    return yes({ channel: channel.id, ts: message.ts, text: message.text });
  }

  #invite(channel: SlackChannel, { users, force }: Args): Reply {
    const asked = String(users).split(",");
    if (asked.length > 100) return no("too_many_members");
    const errors = asked.flatMap((user) => {
      if (this.#options.unknownUsers?.includes(user) === true) return [{ user, ok: false, error: "user_not_found" }];
      if (channel.members.includes(user)) return [{ user, ok: false, error: "already_in_channel" }];
      return [];
    });
    const first = errors[0];
    if (first !== undefined && (force !== true || errors.length === asked.length)) {
      return { status: 200, json: { ok: false, error: first.error, errors } };
    }
    channel.members.push(...asked.filter((user) => !errors.some((error) => error.user === user)));
    return yes({ channel: shown(channel), ...(errors.length === 0 ? {} : { errors }) });
  }
}

function reply({ messages }: SlackChannel, to: unknown, text: string): boolean {
  const parent = messages.find(({ ts }) => ts === to);
  parent?.replies.push(text);
  return parent !== undefined;
}

function shown(channel: SlackChannel): object {
  const { id, name, creator, isArchived, isPrivate, topic } = channel;
  const rest = { is_channel: !isPrivate, is_private: isPrivate, is_archived: isArchived, is_member: true };
  return { id, name, creator, ...rest, topic: { value: topic, creator, last_set: 0 } };
}

function page(all: readonly unknown[], of: { name: string; limit: unknown; cursor: unknown }): Reply {
  const from = Number(of.cursor ?? 0);
  const to = from + Number(of.limit ?? 100);
  const next = to < all.length ? String(to) : "";
  return yes({ [of.name]: all.slice(from, to), response_metadata: { next_cursor: next } });
}

function yes(body: object): Reply {
  return { status: 200, json: { ok: true, ...body } };
}

function no(error: string): Reply {
  return { status: 200, json: { ok: false, error } };
}

export async function startSlack(options: SlackOptions = {}): Promise<SlackStandIn> {
  const vendor = new Slack(options);
  const standIn = await startStandIn(vendor, options.port);
  return {
    ...standIn,
    channels: vendor.channels,
    complaints: vendor.complaints,
    refuse: (method, error, times = 1) => void vendor.refusals.push({ method, error, left: times }),
    views: vendor.views,
    makeTrigger: () => {
      const trigger = `${vendor.triggers.size + vendor.views.length}.trigger`;
      vendor.triggers.add(trigger);
      return trigger;
    },
    makeChannel: (name, withApp = false) => {
      const channel = vendor.add({ name, creator: "U0SOMEBODY", isPrivate: false });
      if (withApp) channel.members.push(APP_USER);
      return channel;
    },
  };
}

if (import.meta.main) {
  const { STAND_IN_SLACK_TOKEN: token = "xoxb-stand-in" } = process.env;
  const groups = { S0ONCALL1: ["U0ONCALL1", "U0ONCALL2"] };
  await runStandIn("slack", (port) => startSlack({ port, token, groups }));
}
