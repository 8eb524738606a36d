// The SQLite views: the contract, and what a file brings with it: readers beside the writer, damage, loss.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openViewReader, openViewStore } from "../../src/adapters/stores/views-sqlite.ts";
import { isAppError } from "../../src/core/errors.ts";
import type { ViewChange, ViewReader, ViewStore } from "../../src/wire/contracts/views.ts";
import { testViewStore, type Opened } from "./views-contract.ts";
import { testPacked } from "./views-packed.ts";

function inFolder(use: (path: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "views-"));
  try {
    use(join(folder, "views.db"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function close(reader: ViewReader): void {
  reader.close();
}

function withStore(use: (opened: Opened) => void): void {
  inFolder((path) => {
    let store: ViewStore = openViewStore(path, "1");
    const reopen = (generation = "1"): ViewStore => {
      store.close();
      store = openViewStore(path, generation);
      return store;
    };
    try {
      use({ store, reopen });
    } finally {
      store.close();
    }
  });
}

testViewStore("sqlite", withStore);
testPacked("sqlite", withStore);

const INSTALLATION = {
  view: "installation",
  document: {
    id: "log",
    seq: 0,
    format: 1,
    openedAt: 1,
    engine: null,
    engineStartedAt: null,
    engineStarts: 0,
    bundleHash: null,
    policyMode: null,
    stage: null,
  },
} satisfies ViewChange;

test("a reader sees what the writer has committed, also after the views were reset under it", () => {
  inFolder((path) => {
    const writer = openViewStore(path, "1");
    const reader = openViewReader(path);
    writer.write([INSTALLATION], 1);
    assert.equal(reader.position(), 1);
    assert.equal(reader.find("installation", "log")?.format, 1);
    writer.reset();
    assert.equal(reader.position(), 0);
    assert.equal(reader.find("installation", "log"), null);
    writer.write([INSTALLATION], 2);
    assert.equal(reader.position(), 2);
    for (const opened of [reader, writer]) close(opened);
  });
});

test("reading before anything was written says that the views are behind", () => {
  inFolder((path) => {
    assert.throws(
      () => openViewReader(path),
      (error) => isAppError(error, "views-behind"),
    );
    writeFileSync(path, "");
    assert.throws(
      () => openViewReader(path),
      (error) => isAppError(error, "views-behind"),
    );
  });
});

test("a damaged, foreign or cut file is thrown away and made anew", () => {
  for (const damage of [
    (path: string) => writeFileSync(path, "this is no database, and longer than the header of one".repeat(100)),
    (path: string) => truncateSync(path, 5_000),
    (path: string) => truncateSync(path, 0),
  ]) {
    inFolder((path) => {
      const before = openViewStore(path, "1");
      before.write([INSTALLATION], 7);
      close(before);
      damage(path);
      const after = openViewStore(path, "1");
      assert.equal(after.position(), 0);
      after.write([INSTALLATION], 1);
      assert.equal(after.position(), 1);
      close(after);
    });
  }
});

test("views that cannot be made are store-unavailable", () => {
  inFolder((path) => {
    assert.throws(
      () => openViewStore(join(path, "no", "folder"), "1"),
      (error) => isAppError(error, "store-unavailable"),
    );
  });
});
