// A process that appends to an SQLite ledger until it is killed or refused, and says on standard output what it was told.

import { writeSync } from "node:fs";
import { openSqlite } from "../../src/adapters/stores/sqlite.ts";
import { isAppError } from "../../src/core/errors.ts";
import type { LedgerStore } from "../../src/wire/contracts/store.ts";
import { makeBatch } from "./batches.ts";

const HEAD_TRIES = 20;

/** With "leave" it dies at the first refusal without asking for the head. */
const [path = "", eventsMax = "1000000", afterRefusal = "ask"] = process.argv.slice(2);

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

function codeOf(error: unknown): string {
  return isAppError(error) ? error.code : String(error);
}

/** Appends batches of changing size; says `ack` with the size after each. */
async function appendOn(): Promise<void> {
  const store = openSqlite(path);
  let { size } = await store.head();
  say(`open ${size}`);
  while (size < Number(eventsMax)) {
    const batch = makeBatch({ firstSeq: size, count: 1 + (size % 7), leafBytes: 600, boxBytes: 200 });
    try {
      await store.append(batch);
    } catch (error) {
      say(`refused ${codeOf(error)} at ${size}`);
      if (afterRefusal === "ask") await askHead(store);
      // Ends as a crash would: nothing is closed, no journal is moved.
      process.kill(process.pid, "SIGKILL");
    }
    size += batch.count;
    say(`ack ${size}`);
  }
}

async function askHead(store: LedgerStore): Promise<void> {
  for (let i = 0; i < HEAD_TRIES; i++) {
    try {
      say(`head ${(await store.head()).size}`);
      return;
    } catch (error) {
      say(`head-refused ${codeOf(error)}`);
    }
  }
}

try {
  await appendOn();
} catch (error) {
  say(`failed ${codeOf(error)}`);
}
process.kill(process.pid, "SIGKILL");
