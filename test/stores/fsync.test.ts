// Failing syncs, full disks and kill -9: nothing acknowledged is lost, and what is unknown is said to be.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { openSqlite } from "../../src/adapters/stores/sqlite.ts";
import { assertStored, makeBatch } from "./batches.ts";
import { makeSqliteDirectory } from "./sqlite-directory.ts";

const APPENDER = fileURLToPath(new URL("./appender.ts", import.meta.url));
const KILLS = 20;

const canTrace =
  spawnSync("strace", ["-qq", "-e", "trace=none", process.execPath, "-v"], { stdio: "ignore" }).status === 0;
const needsStrace = { skip: canTrace ? false : "strace is missing or may not trace: apt-get install -y strace" };

interface Said {
  readonly acked: number;
  /** The code of the append that failed, with the size it was tried at. */
  readonly refused: string | undefined;
  readonly head: number | undefined;
  readonly text: string;
}

it("a failed sync is an unknown outcome, and the head that is read next stays true", needsStrace, async () => {
  let unknown = 0;
  for (const when of ["3..5", "1", "4", "6", "9"]) {
    await withLedger(async (path, directory) => {
      const { said, injected } = appendUnder(path, directory, "fsync,fdatasync", `error=EIO:when=${when}`);
      assert.ok(injected > 0, `the injection at ${when} fired`);
      if (said.refused === undefined) assert.match(said.text, /failed (store-unavailable|commit-unknown)/);
      else assert.equal(said.refused, "commit-unknown");
      if (said.refused !== undefined) unknown += 1;
      await assertTruth(path, said);
    });
  }
  assert.ok(unknown >= 2, `appends met the failure ${unknown} times`);
});

it("an append that failed but reached the journal is there after a crash", needsStrace, async () => {
  await withLedger(async (path, directory) => {
    const { said } = appendUnder(path, directory, "fsync,fdatasync", "error=EIO:when=6", "leave");
    assert.equal(said.refused, "commit-unknown");
    assert.ok((await assertTruth(path, said)) > said.acked, "more is there than was acknowledged");
  });
});

it("a disk that fills up at any write loses nothing acknowledged", needsStrace, async () => {
  for (const when of ["20..24", "31..60", "45", "58+"]) {
    await withLedger(async (path, directory) => {
      const { said, injected } = appendUnder(path, directory, "pwrite64", `error=ENOSPC:when=${when}`);
      assert.ok(injected > 0, `the injection at ${when} fired`);
      await assertTruth(path, said);
    });
  }
});

it("kill -9 at any moment leaves whole batches, every acknowledged one among them", async () => {
  await withLedger(async (path) => {
    let size = 0;
    for (let round = 0; round < KILLS; round++) {
      const said = await appendUntilKilled(path, Math.random() * 120);
      assert.ok(said.acked >= size || said.acked === 0, said.text);
      size = await assertTruth(path, said);
    }
    assert.ok(size > KILLS, "the appender made progress");
  });
});

async function withLedger(use: (path: string, directory: string) => Promise<void>): Promise<void> {
  const { directory, path, remove } = makeSqliteDirectory();
  try {
    const store = openSqlite(path);
    await store.append(makeBatch({ firstSeq: 0, count: 1, leafBytes: 600, boxBytes: 200 }));
    await store.close();
    await use(path, directory);
  } finally {
    remove();
  }
}

/** Opens the ledger as the next start would: a prefix of whole batches that holds all that was acknowledged or told. */
async function assertTruth(path: string, said: Said): Promise<number> {
  const store = openSqlite(path);
  try {
    const { size } = await store.head();
    assert.ok(size >= said.acked, `${said.acked} were acknowledged, ${size} are there`);
    if (said.head !== undefined) assert.equal(size, said.head, "the head that was told is still the head");
    let seq = 0;
    while (seq < size) {
      const batches = await store.readBatches(seq, 200);
      const expected = batches.map((b) =>
        makeBatch({
          firstSeq: b.firstSeq,
          count: b.firstSeq === 0 ? 1 : 1 + (b.firstSeq % 7),
          leafBytes: 600,
          boxBytes: 200,
        }),
      );
      assertStored(batches, expected);
      assert.equal(batches[0]?.firstSeq, seq);
      const last = batches.at(-1);
      seq = last === undefined ? size : last.firstSeq + last.count;
    }
    assert.equal(seq, size);
    return size;
  } finally {
    await store.close();
  }
}

function appendUnder(path: string, directory: string, calls: string, fault: string, afterRefusal = "ask") {
  const trace = join(directory, "strace.txt");
  const strace = ["-f", "--seccomp-bpf", "-qq", "-o", trace, "-e", `trace=${calls}`, "-e", `inject=${calls}:${fault}`];
  const { stdout } = spawnSync("strace", [...strace, process.execPath, APPENDER, path, "400", afterRefusal], {
    encoding: "utf8",
  });
  return { said: parseSaid(stdout), injected: readFileSync(trace, "utf8").split("(INJECTED)").length - 1 };
}

function appendUntilKilled(path: string, delayMs: number): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [APPENDER, path], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    let timer: NodeJS.Timeout | undefined;
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      // Counted from its first word, so that starting up takes none of the time.
      timer ??= setTimeout(() => child.kill("SIGKILL"), delayMs);
    });
    child.on("error", reject);
    child.on("close", () => {
      clearTimeout(timer);
      resolve(parseSaid(text));
    });
  });
}

function parseSaid(text: string): Said {
  const last = (pattern: RegExp): string | undefined => [...text.matchAll(pattern)].at(-1)?.[1];
  const head = last(/^head (\d+)$/gm);
  return {
    acked: Number(last(/^(?:ack|open) (\d+)$/gm) ?? 0),
    refused: last(/^refused (\S+) /gm),
    head: head === undefined ? undefined : Number(head),
    text,
  };
}
