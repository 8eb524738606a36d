// The first start: an owner who can sign in, and a note that says how.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClient, registerClient } from "../adapters/identity/clients.ts";
import { clientKeyPath } from "../adapters/identity/key-places.ts";
import { readPrivateJwk } from "../adapters/identity/key-pairs.ts";
import type { Random } from "../core/random.ts";
import { PLAIN_SCOPES, type ClientScope } from "../wire/types/scopes.ts";
import type { KeyPlaces } from "./keys.ts";

export const OWNER_ID = "person:owner";

const OWNER_ROLES = ["owner", "on-call", "sre"];

const OWNER_SCOPES: readonly ClientScope[] = [...PLAIN_SCOPES, "actions:propose:*"];

/** Registers the owner when nobody was ever registered; a key kept from an earlier installation is used again. */
export function registerOwner({ dataDir, ownerDir }: KeyPlaces, server: string, random: Random): boolean {
  const clients = join(dataDir, "clients");
  if (existsSync(clients)) return false;
  const keyPath = clientKeyPath(ownerDir, OWNER_ID);
  mkdirSync(join(ownerDir, "clients"), { recursive: true, mode: 0o700 });
  const client = { id: OWNER_ID, kind: "person" as const, roles: [...OWNER_ROLES], scopes: [...OWNER_SCOPES] };
  if (existsSync(keyPath)) registerClient(clients, client, readPrivateJwk(keyPath));
  else createClient(clients, client, { keyPath, random });
  writeContext(ownerDir, server);
  return true;
}

/** What the command line uses when nothing else is said. */
function writeContext(ownerDir: string, server: string): void {
  const path = join(ownerDir, "config.yaml");
  if (existsSync(path)) return;
  const text = `# Written by the first start of Holdpoint.\nserver: ${server}\nclient: ${OWNER_ID}\n`;
  writeFileSync(path, text, { mode: 0o600 });
}
