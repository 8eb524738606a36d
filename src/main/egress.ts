// The allow-list of the one way out: the origins that configuration names, and nothing else.

import { createEgress } from "../adapters/egress/egress.ts";
import type { Egress } from "../wire/contracts/egress.ts";
import { parseOrigin } from "../wire/schemas/origin.ts";
import type { Config } from "./config.ts";

/** Throws `config-invalid` for an address that may not leave this machine. */
export function openEgress(config: Config): Egress {
  return createEgress({ allow: allowedOrigins(config) });
}

/** Every origin that may be reached, each once. */
function allowedOrigins({ executors, egress }: Config): readonly string[] {
  const named = [executors.pagerduty?.baseUrl, executors.servicenow?.baseUrl, ...egress.allow];
  return [...new Set(named.filter((address) => address !== undefined).map(parseOrigin))];
}
