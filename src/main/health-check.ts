// Whether the places that verifications may ask are there now: each is asked, and nothing is changed.

import { probeHealth } from "../adapters/health/reach.ts";
import type { Reach } from "../wire/contracts/executor.ts";
import type { Config } from "./config.ts";
import { openHealthDatabases } from "./effect-parts.ts";
import { openEgress } from "./egress.ts";
import { openSecrets } from "./secrets.ts";

const PROBE_TIMEOUT_MS = 10_000;

/** One entry for each endpoint and database, in the order of the configuration. Throws `config-invalid`. */
export async function probeHealthPlaces(config: Config): Promise<readonly Reach[]> {
  const ways = { egress: openEgress(config), credentials: openSecrets(config) };
  const databases = openHealthDatabases(config.health, ways);
  return probeHealth({ config: config.health, databases, ...ways }, AbortSignal.timeout(PROBE_TIMEOUT_MS));
}
