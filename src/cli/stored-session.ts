// The session that a person at the command line signed in to, kept for one server in a file that only they read.

import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { replaceFile } from "../adapters/identity/durable-files.ts";
import { CliError } from "./cli-error.ts";
import type { Settings } from "./settings.ts";

const fileSchema = z.strictObject({
  server: z.string(),
  /** `name=value`, as the server set it. */
  cookie: z.string().regex(/^(?:__Host-)?holdpoint_session=[A-Za-z0-9_-]{43}$/),
});

type Place = Pick<Settings, "server" | "configDir">;

function pathOf({ server, configDir }: Place): string {
  return join(configDir, "sessions", `${server.replaceAll(/[^a-z0-9.-]/gi, "_")}.json`);
}

/** The session's cookie, null when there is none for this server. */
export function readSession(place: Place): string | null {
  const path = pathOf(place);
  if (!existsSync(path)) return null;
  const parsed = fileSchema.safeParse(JSON.parse(readFileSync(path, "utf8")));
  // Two servers' names may give one file's: what was for the other is not sent here.
  if (parsed.success) return parsed.data.server === place.server ? parsed.data.cookie : null;
  throw new CliError(`${path} holds no session`, { hint: "holdpoint login --sso" });
}

export function saveSession(place: Place, cookie: string): void {
  const parsed = fileSchema.safeParse({ server: place.server, cookie });
  if (!parsed.success) throw new CliError("the server's answer holds no session");
  mkdirSync(dirname(pathOf(place)), { recursive: true, mode: 0o700 });
  replaceFile(pathOf(place), `${JSON.stringify(parsed.data)}\n`);
}

export function forgetSession(place: Place): void {
  rmSync(pathOf(place), { force: true });
}
