// Whether the configured notifiers can be used, as far as this machine can tell without telling anybody anything.

import { notifierOrigins } from "../adapters/notifiers/registry.ts";
import type { NotifierCheck } from "../cli/host.ts";
import type { Config } from "./config.ts";
import { badSecret, problemIn } from "./settings-check.ts";

/** Looks at the address and the secrets of each. */
export function checkNotifiers(config: Config): Promise<readonly NotifierCheck[]> {
  const checks = Object.entries(config.notifiers).map(async ([name, settings]) => ({
    name,
    kind: settings.kind,
    problem: problemIn(() => notifierOrigins({ [name]: settings })) ?? (await badSecret(config, settings)),
  }));
  return Promise.all(checks);
}
