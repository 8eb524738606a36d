// Credentials of the person or agent at the command line: a token from the environment, or a client's private key.

import { existsSync, readFileSync, statSync } from "node:fs";
import { clientKeyPath } from "../adapters/identity/key-places.ts";
import { readPrivateJwk } from "../adapters/identity/key-pairs.ts";
import type { PrivateJwk } from "../wire/schemas/identity.ts";
import { CliError, usageError } from "./cli-error.ts";
import type { Settings } from "./settings.ts";

const TOKEN_BYTES_MAX = 16 * 1024;
const TOKEN = /^[\x21-\x7e]+$/;
const CLIENT_ID = /^(?:person|agent):[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Throws a usage error unless it is an id such as `agent:triage`: it becomes part of a file's name. */
export function checkClientId(id: string): string {
  if (!CLIENT_ID.test(id)) throw usageError("a client is person:<name> or agent:<name>, the name in a-z, 0-9 and -");
  return id;
}

/** Where the private key of a client is kept that the command line names. */
export function keyPathOf(configDir: string, id: string): string {
  return clientKeyPath(configDir, checkClientId(id));
}

/** The token that the environment gives, null when it gives none. */
export function readStoredToken({ token, tokenFile }: Pick<Settings, "token" | "tokenFile">): string | null {
  const text = token ?? (tokenFile === null ? null : readTokenFile(tokenFile));
  if (text === null) return null;
  if (!TOKEN.test(text)) throw new CliError("HOLDPOINT_TOKEN or its file holds no token");
  return text;
}

function readTokenFile(path: string): string {
  try {
    if (statSync(path).size > TOKEN_BYTES_MAX) throw new CliError(`${path} is too large for a token`);
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`cannot read the token file ${path}`, { cause: error });
  }
}

/** The configured client and its private key. */
export function readClientKey(settings: Settings): { clientId: string; jwk: PrivateJwk } {
  if (settings.client === null) {
    throw new CliError("no client is configured to sign in as", {
      hint: "holdpoint serve   # its first start makes person:owner; or pass --client",
    });
  }
  const clientId = checkClientId(settings.client);
  const path = keyPathOf(settings.configDir, clientId);
  if (!existsSync(path)) {
    throw new CliError(`there is no key for ${clientId} at ${path}`, {
      hint: `holdpoint client add ${clientId} --kind ${clientId.split(":")[0] ?? "person"}`,
    });
  }
  return { clientId, jwk: readPrivateJwk(path) };
}
