// The data folder of commands that administer it directly.

import { existsSync } from "node:fs";
import { CliError } from "./cli-error.ts";

export const DATA = ["--data <dir>", "the data folder (default: HOLDPOINT_DATA)"] as const;

/** A folder that no server has used would take registrations that nobody ever reads. */
export function dataFolder(path: string): string {
  if (existsSync(path)) return path;
  throw new CliError(`there is no data folder at ${path}`, { hint: "holdpoint serve   # its first start makes one" });
}
