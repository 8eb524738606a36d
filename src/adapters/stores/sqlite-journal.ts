// Moves the journal of an SQLite ledger into its file beside the writer, which otherwise has to stop for it.

import { DatabaseSync } from "node:sqlite";

export interface JournalMover {
  /** Moves what no reader stands on. What fails is left to the writer, which cannot do without it. */
  move(): void;
  close(): void;
}

/** A connection of its own to the ledger at `path`, which exists. It writes nothing but what the journal holds. */
export function openJournalMover(path: string): JournalMover {
  const db = new DatabaseSync(path, { timeout: 0 });
  db.exec("pragma synchronous = full; pragma checkpoint_fullfsync = on; pragma wal_autocheckpoint = 0");
  const statement = db.prepare("pragma wal_checkpoint(passive)");
  return {
    move() {
      try {
        statement.get();
      } catch {
        return; // busy, or the disk refuses: the writer's own move says so where it matters
      }
    },
    close: () => db.close(),
  };
}
