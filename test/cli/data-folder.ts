// A data folder as a server leaves it: a sealed ledger with payloads and its keys, made without one.

import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { openSqlite } from "../../src/adapters/stores/sqlite.ts";
import { Sealer } from "../../src/ledger/seal.ts";
import { loadKeys, prepareKeys } from "../../src/main/keys.ts";
import type { UnsealedEvent } from "../../src/wire/types/event.ts";
import { openTerminal, temporaryFolder, type Terminal } from "./terminal.ts";

const random = { bytes: (count: number): Uint8Array => randomBytes(count) };

export type DataFolder = {
  readonly dir: string;
  readonly dataDir: string;
  readonly configDir: string;
  readonly rootKey: string;
  readonly terminal: Terminal;
};

export async function makeDataFolder(t: Pick<TestContext, "after">, batches = 4): Promise<DataFolder> {
  const dir = temporaryFolder(t);
  const [dataDir, configDir] = [join(dir, "data"), join(dir, "config")];
  mkdirSync(dataDir, { mode: 0o700 });
  const store = openSqlite(join(dataDir, "ledger.db"));
  await prepareKeys(store, { dataDir, ownerDir: configDir }, random, "log.test");
  await store.close();
  await appendBatches(dataDir, batches);
  const terminal = openTerminal({ dataDir, configDir });
  return { dir, dataDir, configDir, rootKey: join(configDir, "roots", "log.test.key"), terminal };
}

/** As a server would: with the keys in the folder; throws when they may not sign. */
export async function appendBatches(dataDir: string, count: number): Promise<void> {
  const store = openSqlite(join(dataDir, "ledger.db"));
  try {
    const { signer, keyEncryptionKey, logKeys } = await loadKeys(store, dataDir);
    const sealer = await Sealer.resume(store, logKeys, { signer, random, keyEncryptionKey });
    for (let i = 0; i < count; i++) await store.append(sealer.seal([eventAt(sealer.size), eventAt(sealer.size + 1)]));
    await store.maintain();
  } finally {
    await store.close();
  }
}

function eventAt(seq: number): UnsealedEvent {
  return {
    seq,
    time: 1_780_000_000_000 + seq,
    type: "test.happened",
    version: 1,
    actor: "system:test",
    subject: `sub_${seq % 3}`,
    command: seq - (seq % 2),
    facts: { number: seq },
    ...(seq % 2 === 0 ? {} : { payload: { retention: "content", body: { reason: `because ${seq}` } } as const }),
  };
}
