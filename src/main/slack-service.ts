// Slack's interactions for the HTTP edge: the configured workspaces, and refusals counted as those of every other door.

import { SlackInteractions } from "../adapters/notifiers/slack-interactions.ts";
import type { Metrics } from "../http/metrics.ts";
import type { RefusalCounter } from "../http/refusals.ts";
import type { SlackService } from "../http/services.ts";
import type { Egress } from "../wire/contracts/egress.ts";
import type { Config } from "./config.ts";
import { openSecrets } from "./secrets.ts";
import { systemClock } from "./system.ts";

type Needs = {
  readonly config: Pick<Config, "dataDir" | "credentials" | "notifiers">;
  readonly egress: Egress;
  readonly refusals: RefusalCounter;
  readonly metrics: Metrics;
};

export function openSlack({ config, egress, refusals, metrics }: Needs): SlackService {
  const credentials = openSecrets(config);
  const { notifiers } = config;
  const interactions = new SlackInteractions({ notifiers, egress, credentials, clock: systemClock });
  return {
    receive: (request) => interactions.receive(request),
    refused: (who, code) => {
      refusals.count(who, code, systemClock.nowMs());
      metrics.count("holdpoint_refusals_total", "Requests turned away, by problem code.", { code });
    },
  };
}
