// The SQLite store: the contract, and what only a file on a disk can suffer.

import { rmSync } from "node:fs";
import { openSqlite } from "../../src/adapters/stores/sqlite.ts";
import type { LedgerStore } from "../../src/wire/contracts/store.ts";
import { storeContract } from "./contract.ts";
import { makeSqliteDirectory } from "./sqlite-directory.ts";

storeContract("the SQLite store", async () => {
  const { path, remove } = makeSqliteDirectory();
  const open = new Set<LedgerStore>();
  const another = (): LedgerStore => {
    const store = openSqlite(path);
    open.add(store);
    return store;
  };
  const closeAll = async (): Promise<void> => {
    for (const store of open) await store.close();
    open.clear();
  };
  return {
    store: another(),
    reopen: async () => {
      await closeAll();
      return another();
    },
    openSecond: async () => {
      rmSync(`${path}.lock`); // someone took the lock file away: only the sequence is left
      return another();
    },
    dispose: async () => {
      await closeAll();
      remove();
    },
  };
});
