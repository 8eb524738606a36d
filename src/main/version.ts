// The version of this build: recorded with every engine start and decision.

import { readFileSync } from "node:fs";

const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

export const VERSION = manifest.version;
/** What decisions are recorded under: equal decisions are owed by equal versions. */
export const ENGINE_VERSION = `holdpoint/${VERSION}`;
/** Format of the log's events. */
export const LOG_FORMAT = 1;
