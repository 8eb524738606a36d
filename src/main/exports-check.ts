// Whether the configured exports can be used, as far as this machine can tell without sending anything.

import { exportOrigins } from "../adapters/exports/registry.ts";
import type { ExportCheck } from "../cli/host.ts";
import type { Config } from "./config.ts";
import { badSecret, problemIn } from "./settings-check.ts";

/** Looks at the address and the secrets of each. */
export function checkExports(config: Config): Promise<readonly ExportCheck[]> {
  const checks = Object.entries(config.exports).map(async ([name, settings]) => ({
    name,
    kind: settings.kind,
    problem: problemIn(() => exportOrigins({ [name]: settings })) ?? (await badSecret(config, settings)),
  }));
  return Promise.all(checks);
}
