// An exporter's position on disk.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { positionFile } from "../../src/adapters/exports/position-file.ts";

it("a position is read back as it was saved; a file that is none is never taken for the beginning", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdpoint-position-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, "exports", "splunk.json");
  const positions = positionFile(path);
  assert.equal(await positions.load(), null);
  const position = { origin: "log", seq: 12, readFrom: 3, memo: "m" };
  await positions.save(position);
  await positions.save({ ...position, seq: 13 });
  assert.deepEqual(await positions.load(), { ...position, seq: 13 });
  assert.ok(!existsSync(`${path}.new`));
  for (const text of ["", "{}", '{"version":1,"origin":"log","seq":3,"readFrom":9,"memo":null}', '{"version":2}']) {
    writeFileSync(path, text);
    await assert.rejects(positions.load(), { code: "config-invalid" });
  }
});
