// Whether the targets of the configured executors can be worked with now: each is asked, and nothing is changed.

import { join } from "node:path";
import { NO_REGISTRIES } from "../adapters/images/image-registries.ts";
import { createExecutors } from "../adapters/executors/registry.ts";
import { findSecret } from "../signals/redact.ts";
import type { Reach } from "../wire/contracts/executor.ts";
import type { Config } from "./config.ts";
import { openEgress } from "./egress.ts";
import { openSecrets } from "./secrets.ts";
import { systemClock } from "./system.ts";

const PROBE_TIMEOUT_MS = 10_000;

/** One entry for each target, in the order of the configuration. Throws `config-invalid`. */
export async function probeExecutors(config: Config): Promise<readonly Reach[]> {
  const executors = createExecutors({
    config: config.executors,
    pinImage: NO_REGISTRIES.pin, // nothing is planned
    credentials: openSecrets(config),
    egress: openEgress(config),
    clock: systemClock,
    installation: config.origin ?? "holdpoint",
    findSecret,
    hidden: [config.dataDir, config.ownerDir],
    records: join(config.dataDir, "executions"),
  });
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  const asked = await Promise.all([...new Set(executors.values())].map((executor) => executor.probe(signal)));
  // Executors share targets: a major incident's record is opened where tickets are.
  return [...new Map(asked.flat().map((reach) => [reach.target, reach])).values()];
}
