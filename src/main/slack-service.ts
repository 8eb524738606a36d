// Slack's interactions for the HTTP edge: the configured workspaces.

import { SlackInteractions } from "../adapters/notifiers/slack-interactions.ts";
import type { SlackService } from "../http/services.ts";
import type { Egress } from "../wire/contracts/egress.ts";
import type { Config } from "./config.ts";
import { openSecrets } from "./secrets.ts";
import { systemClock } from "./system.ts";

type Needs = {
  readonly config: Pick<Config, "dataDir" | "credentials" | "notifiers">;
  readonly egress: Egress;
};

export function openSlack({ config, egress }: Needs): SlackService {
  const credentials = openSecrets(config);
  const { notifiers } = config;
  const interactions = new SlackInteractions({ notifiers, egress, credentials, clock: systemClock });
  return { receive: (request) => interactions.receive(request) };
}
