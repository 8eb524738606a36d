// The PostgreSQL store: the contract on a real server, and what only a network and a server can do to it.

import { after, before } from "node:test";
import { openPostgres } from "../../src/adapters/stores/postgres.ts";
import type { LedgerStore } from "../../src/wire/contracts/store.ts";
import { storeContract } from "./contract.ts";
import { startPostgresServer } from "./postgres-server.ts";
import type { PostgresServer } from "./postgres-server.ts";

let server: PostgresServer;
before(async () => {
  server = await startPostgresServer();
});
after(() => server.stop());

storeContract("the PostgreSQL store", async () => {
  const connectionString = await server.newSchema();
  const open = new Set<LedgerStore>();
  const another = async (): Promise<LedgerStore> => {
    const store = await openPostgres({ connectionString });
    open.add(store);
    return store;
  };
  const closeAll = async (): Promise<void> => {
    await Promise.all([...open].map((store) => store.close()));
    open.clear();
  };
  return {
    store: await another(),
    reopen: async () => {
      await closeAll();
      return another();
    },
    openSecond: another,
    dispose: closeAll,
  };
});
