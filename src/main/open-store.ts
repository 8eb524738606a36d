// Opens the configured store: SQLite in the data folder, or PostgreSQL where a URL is given.

import { join } from "node:path";
import { openPostgres } from "../adapters/stores/postgres.ts";
import { openSqlite } from "../adapters/stores/sqlite.ts";
import { openSqliteReader } from "../adapters/stores/sqlite-reader.ts";
import type { LedgerReader, LedgerStore } from "../wire/contracts/store.ts";

export type StorePlace = { readonly dataDir: string; readonly postgresUrl: string | null };

function ledgerPath(dataDir: string): string {
  return join(dataDir, "ledger.db");
}

export async function openStore(place: StorePlace): Promise<LedgerStore> {
  if (place.postgresUrl !== null) return openPostgres({ connectionString: place.postgresUrl });
  return openSqlite(ledgerPath(place.dataDir));
}

export async function openReader(place: StorePlace): Promise<LedgerReader> {
  if (place.postgresUrl !== null) return openPostgres({ connectionString: place.postgresUrl });
  return openSqliteReader(ledgerPath(place.dataDir));
}
