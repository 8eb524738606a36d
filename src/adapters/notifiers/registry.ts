// Which way each configured notifier takes, and where it leads.

import { AppError } from "../../core/errors.ts";
import type { Clock } from "../../core/clock.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { Egress } from "../../wire/contracts/egress.ts";
import type { Transport } from "../../wire/contracts/export.ts";
import type { Notification, Notifier } from "../../wire/contracts/notifier.ts";
import type { NotifierConfig, NotifiersConfig } from "../../wire/schemas/notifiers-config.ts";
import { parseOrigin, parseTcpAddress } from "../../wire/schemas/origin.ts";
import { createEmailNotifier } from "./email.ts";
import { createSlackNotifier } from "./slack.ts";
import { createWay } from "./way-to-people.ts";
import { createWebhookNotifier } from "./webhook.ts";

/** Where all notifiers lead, for the allow-list. Throws `config-invalid` for an unusable address. */
export function notifierOrigins(notifiers: NotifiersConfig): readonly string[] {
  return Object.values(notifiers).map(originOf);
}

function originOf(config: NotifierConfig): string {
  if (config.kind !== "email") return parseOrigin(config.baseUrl);
  const { address, isLocal } = parseTcpAddress(config);
  if (isLocal || config.security !== "none") return address;
  throw new AppError("config-invalid", `${address}: only TLS leaves this machine`);
}

export interface NotifierParts {
  readonly name: string;
  readonly notifiers: NotifiersConfig;
  readonly egress: Egress;
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** Where people reach the console: `https://holdpoint.example`; null where nobody said. */
  readonly publicUrl: string | null;
  readonly onFallback: (code: string) => void;
}

/** A configured notifier with its fallback. */
export function createNotifierTransport(parts: NotifierParts): Transport<Notification> {
  const { name, notifiers, clock, onFallback } = parts;
  const config = notifiers[name] as NotifierConfig;
  const fallback = config.fallback === undefined ? undefined : notifiers[config.fallback];
  return createWay({
    config,
    notifier: notifierOf(parts, config),
    fallback: fallback === undefined ? null : notifierOf(parts, fallback),
    clock,
    onFallback,
  });
}

function notifierOf(parts: NotifierParts, config: NotifierConfig): Notifier {
  const { egress, credentials, clock, publicUrl } = parts;
  const origin = originOf(config);
  const linkOf = (notification: Notification): string | null => linkTo(publicUrl, notification);
  switch (config.kind) {
    case "webhook":
      return createWebhookNotifier({ config, origin, call: egress.callTo(origin), credentials, clock, linkOf });
    case "slack":
      return createSlackNotifier({ config, origin, call: egress.callTo(origin), credentials, clock, linkOf });
    case "email":
      return createEmailNotifier({ config, connect: egress.connectTo(origin), credentials, linkOf });
  }
}

/** Where a person reads and answers: never a link that answers by itself. */
function linkTo(publicUrl: string | null, { action }: Notification): string | null {
  if (publicUrl === null) return null;
  if (action === null) return `${publicUrl}/console/`;
  return `${publicUrl}/console/${action.hold === null ? "actions" : "holds"}/${action.id}`;
}
