// E-mail over SMTP: plain text with a link to the hold's page, on a connection of the one way out.

import type { Socket } from "node:net";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import { findSecret } from "../../wire/contracts/deliveries.ts";
import type { OutboundConnect } from "../../wire/contracts/egress.ts";
import type { Notification, Notifier, Told } from "../../wire/contracts/notifier.ts";
import type { EmailConfig } from "../../wire/schemas/notifiers-config.ts";
import { answerLine, factsOf, headline, oneLine, visible } from "./wording.ts";

const SUBJECT_CHARS_MAX = 200;

export interface EmailParts {
  readonly config: EmailConfig;
  readonly connect: OutboundConnect;
  readonly credentials: Credentials;
  /** Where a person reads and answers; null where the console's address is not known. */
  readonly linkOf: (notification: Notification) => string | null;
}

export function createEmailNotifier(parts: EmailParts): Notifier {
  return { notify: (notification, _memo, signal) => notify(parts, notification, signal) };
}

async function notify(parts: EmailParts, notification: Notification, outer: AbortSignal): Promise<Told> {
  const { config, credentials, linkOf } = parts;
  const { user, passwordRef } = config;
  const password = passwordRef === undefined ? "" : await findSecret(credentials, passwordRef);
  if (password === null) return { kind: "failed", code: "credential-missing", retryAfterMs: null };
  const signal = AbortSignal.any([outer, AbortSignal.timeout(config.timeoutMs)]);
  const auth = user === undefined ? {} : { auth: { user, pass: password } };
  let connection: Socket | undefined;
  try {
    connection = await parts.connect(signal);
    const transport = await openTransport(config, connection, auth);
    await transport.sendMail({ ...toMail(config, notification, linkOf(notification)), signal });
    return { kind: "told", memo: null };
  } catch (error) {
    return toTold(error, signal);
  } finally {
    connection?.destroy();
  }
}

/** For one message: nothing is kept open between them. */
async function openTransport(config: EmailConfig, connection: Socket, auth: object) {
  const { createTransport } = await import("nodemailer");
  const { host, port, security, timeoutMs } = config;
  return createTransport({
    host,
    port,
    secure: security === "tls",
    requireTLS: security === "starttls",
    ignoreTLS: security === "none",
    tls: { minVersion: "TLSv1.2" },
    ...auth,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    getSocket: (_options, callback) => callback(null, { connection }),
  });
}

function toMail(config: EmailConfig, notification: Notification, link: string | null) {
  const { from, to } = config;
  const { hold = null } = notification.action ?? {};
  const asked = (hold?.roles ?? []).flatMap((role) => (Object.hasOwn(to.roles, role) ? (to.roles[role] ?? []) : []));
  const chosen = asked.length === 0 ? to.default : asked;
  const domain = from.slice(from.lastIndexOf("@") + 1);
  const first = threadOf(notification, domain);
  const messageId = `<${notification.id}@${domain}>`;
  return {
    from: { name: "Holdpoint", address: from },
    to: [...new Set([...chosen, ...whoseEnd(config, notification)])],
    subject: `[Holdpoint] ${headline(notification)}`.replace(/\s+/g, " ").slice(0, SUBJECT_CHARS_MAX),
    text: textOf(notification, link),
    // The same for the same notification: a copy is told by it.
    messageId,
    ...(first === messageId ? {} : { inReplyTo: first, references: first }),
    headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
    date: new Date(notification.time),
  };
}

/** The person behind what has come to its end. */
function whoseEnd({ to }: EmailConfig, { kind, action }: Notification): readonly string[] {
  const name = `person:${action?.person ?? ""}`;
  const isEnd = kind === "action.ended" || kind === "wait.ended" || kind === "hold.ended";
  return isEnd && Object.hasOwn(to.people, name) ? (to.people[name] ?? []) : [];
}

/** What all messages about one action answer to, so that they stand together. */
function threadOf({ id, action }: Notification, domain: string): string {
  return action === null ? `<${id}@${domain}>` : `<${id.split("_")[0]}_${action.id}@${domain}>`;
}

function textOf(notification: Notification, link: string | null): string {
  const { action, actor } = notification;
  const lines = [headline(notification), ""];
  if (action === null) lines.push(`By            ${oneLine(actor)}`);
  else for (const [name, value] of factsOf(action)) lines.push(`${name.padEnd(14)}${value}`);
  if (action?.reason != null) lines.push("", "Reason given:", indented(action.reason));
  if (action?.diff != null) lines.push("", "What would change:", indented(action.diff));
  for (const answer of action?.hold?.answers ?? []) {
    lines.push("", answerLine(answer), ...(answer.reason === null ? [] : [indented(answer.reason)]));
  }
  if (link !== null) lines.push("", link);
  lines.push("", "Nothing is approved by this message, by answering it or by opening the link.", "");
  return lines.join("\n");
}

/** What somebody else wrote stands apart from what we say. */
function indented(text: string): string {
  return visible(text)
    .split("\n")
    .map((line) => `  | ${line}`)
    .join("\n");
}

type SmtpError = { readonly code?: unknown; readonly responseCode?: unknown; readonly message?: unknown };

/** Codes are nodemailer's; what the server said is its own and stays out. */
function toTold(error: unknown, signal: AbortSignal): Told {
  const { code, responseCode, message } = error as SmtpError;
  const failed = (why: string): Told => ({ kind: "failed", code: why, retryAfterMs: null });
  if (signal.aborted)
    return failed(signal.reason instanceof Error && signal.reason.name === "TimeoutError" ? "timeout" : "aborted");
  if (code === "EAUTH" || code === "ENOAUTH") return failed("credential-refused");
  if (code === "ETLS" || isUntrusted(error)) return failed("tls-untrusted");
  if (code === "ETIMEDOUT") return failed("timeout");
  const status = typeof responseCode === "number" ? responseCode : 0;
  const isContent = code === "EENVELOPE" || code === "EMESSAGE";
  if (isContent && status >= 500) return { kind: "refused", code: `answered-${status}` };
  if (status >= 400) return failed(`answered-${status}`);
  return failed(message === "origin-not-allowed" ? message : "unreachable");
}

function isUntrusted(error: unknown): boolean {
  const text = error instanceof Error ? `${String((error as NodeJS.ErrnoException).code)} ${error.message}` : "";
  return /CERT|SELF_SIGNED|self-signed|UNABLE_TO_|ALTNAME|altnames|unable to verify/.test(text);
}
