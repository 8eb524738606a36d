// What Slack's reference publishes of the methods that the stand-in knows: arguments and scopes of a bot token.
// https://docs.slack.dev/reference/methods/<method>, read in November 2026.

type Shape = "string" | "boolean" | "number" | "object" | "list";

export interface Method {
  readonly http: "GET" | "POST";
  /** Of one kind of channel each, where it makes a difference. */
  readonly scopes: { readonly public: readonly string[]; readonly private: readonly string[] };
  /** A `!` marks what is required. */
  readonly args: Readonly<Record<string, Shape | `${Shape}!`>>;
}

const same = (...scopes: string[]): Method["scopes"] => ({ public: scopes, private: scopes });
const MANAGE = { public: ["channels:manage"], private: ["groups:write"] };
const READ = { public: ["channels:read"], private: ["groups:read"] };
const HISTORY = { public: ["channels:history"], private: ["groups:history"] };

export const METHODS: Readonly<Record<string, Method>> = {
  "auth.test": { http: "POST", scopes: same(), args: {} },
  "conversations.create": {
    http: "POST",
    scopes: MANAGE,
    args: { name: "string!", is_private: "boolean", team_id: "string" },
  },
  "conversations.setTopic": { http: "POST", scopes: MANAGE, args: { channel: "string!", topic: "string!" } },
  "conversations.invite": {
    http: "POST",
    scopes: MANAGE,
    args: { channel: "string!", users: "string!", force: "boolean" },
  },
  "conversations.archive": { http: "POST", scopes: MANAGE, args: { channel: "string!" } },
  "conversations.history": {
    http: "GET",
    scopes: HISTORY,
    args: {
      channel: "string!",
      cursor: "string",
      include_all_metadata: "boolean",
      inclusive: "boolean",
      latest: "string",
      limit: "number",
      oldest: "string",
    },
  },
  "conversations.members": {
    http: "GET",
    scopes: READ,
    args: { channel: "string!", cursor: "string", limit: "number" },
  },
  "users.conversations": {
    http: "GET",
    scopes: READ,
    args: {
      cursor: "string",
      exclude_archived: "boolean",
      limit: "number",
      team_id: "string",
      types: "string",
      user: "string",
    },
  },
  "usergroups.users.list": {
    http: "GET",
    scopes: same("usergroups:read"),
    args: { usergroup: "string!", include_disabled: "boolean", team_id: "string" },
  },
  "chat.update": {
    http: "POST",
    scopes: same("chat:write"),
    args: {
      channel: "string!",
      ts: "string!",
      text: "string",
      attachments: "list",
      blocks: "list",
      link_names: "boolean",
      metadata: "object",
      parse: "string",
      reply_broadcast: "boolean",
    },
  },
  "views.open": {
    http: "POST",
    scopes: same(),
    args: { trigger_id: "string", interactivity_pointer: "string", view: "object!" },
  },
  "chat.postMessage": {
    http: "POST",
    scopes: same("chat:write"),
    args: {
      channel: "string!",
      text: "string",
      attachments: "list",
      blocks: "list",
      link_names: "boolean",
      metadata: "object",
      mrkdwn: "boolean",
      parse: "string",
      reply_broadcast: "boolean",
      thread_ts: "string",
      unfurl_links: "boolean",
      unfurl_media: "boolean",
    },
  },
};

/** What is wrong with the arguments of a call, for a strict reader of the reference; a query holds texts only. */
export function complaintsAbout(name: string, args: Readonly<Record<string, unknown>>): readonly string[] {
  const method = METHODS[name];
  if (method === undefined) return [`${name} is no method that the stand-in knows`];
  const required = Object.entries(method.args).flatMap(([arg, shape]) => (shape.endsWith("!") ? [arg] : []));
  return [
    ...required.filter((arg) => args[arg] === undefined).map((arg) => `${name} without ${arg}`),
    ...Object.entries(args).flatMap(([arg, value]) => {
      const shape = Object.hasOwn(method.args, arg) ? method.args[arg] : undefined;
      if (shape === undefined) return [`${name} has no argument ${arg}`];
      const bare = shape.replace("!", "") as Shape;
      return isOf(method.http === "GET" ? valueOf(String(value), bare) : value, bare)
        ? []
        : [`${name}: ${arg} is no ${bare}`];
    }),
  ];
}

function valueOf(text: string, shape: Shape): unknown {
  if (shape === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (shape === "number") return /^\d+$/.test(text) ? Number(text) : text;
  return text;
}

function isOf(value: unknown, shape: Shape): boolean {
  if (shape === "list") return Array.isArray(value);
  if (shape === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  if (shape === "number") return typeof value === "number" && value <= 1_000;
  return typeof value === shape;
}
