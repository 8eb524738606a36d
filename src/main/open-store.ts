// Opens the configured store: SQLite in the data folder, or PostgreSQL where a URL is given.

import { join } from "node:path";
import { openJournalMover, type JournalMover } from "../adapters/stores/sqlite-journal.ts";
import { openSqlite } from "../adapters/stores/sqlite.ts";
import { openSqliteReader } from "../adapters/stores/sqlite-reader.ts";
import type { AppError } from "../core/errors.ts";
import type { LedgerReader, LedgerStore } from "../wire/contracts/store.ts";

export type StorePlace = { readonly dataDir: string; readonly postgresUrl: string | null };

function ledgerPath(dataDir: string): string {
  return join(dataDir, "ledger.db");
}

/** The ledger's only writer; `onLockLost` is called if it ceases to be: the process must then stop. */
export async function openStore(place: StorePlace, onLockLost: (error: AppError) => void): Promise<LedgerStore> {
  if (place.postgresUrl === null) return openSqlite(ledgerPath(place.dataDir));
  const { openPostgres } = await import("../adapters/stores/postgres.ts");
  return openPostgres({ connectionString: place.postgresUrl, onLockLost });
}

export async function openReader(place: StorePlace): Promise<LedgerReader> {
  if (place.postgresUrl === null) return openSqliteReader(ledgerPath(place.dataDir));
  const { openPostgresReader } = await import("../adapters/stores/postgres.ts");
  return openPostgresReader({ connectionString: place.postgresUrl });
}

/** What a store needs done beside its writer; null when it needs nothing. */
export function openMover(place: StorePlace): JournalMover | null {
  return place.postgresUrl === null ? openJournalMover(ledgerPath(place.dataDir)) : null;
}
