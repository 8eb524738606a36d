// The settings: defaults, what is refused, and the manual that names them all.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { loadConfig } from "../../src/main/config.ts";

function folderWith(t: TestContext, yaml: string | null): string {
  const dir = mkdtempSync(join(os.tmpdir(), "holdpoint-config-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  if (yaml !== null) writeFileSync(join(dir, "holdpoint.yaml"), yaml);
  return dir;
}

it("an empty folder gives safe defaults: loopback, policy from files, no executor", (t) => {
  const config = loadConfig({ HOLDPOINT_DATA: folderWith(t, null), HOME: "/nonexistent" });
  assert.equal(config.host, "127.0.0.1");
  assert.equal(config.port, 4600);
  assert.equal(config.policy.activation, "file");
  assert.deepEqual(config.executors, {});
  assert.equal(config.postgresUrl, null);
  assert.equal(config.signals.redact.ipAddresses, false);
});

for (const [what, yaml, place] of [
  ["an unknown setting", "colour: red", "colour"],
  ["a misspelt nested setting", "policy: { activaton: governed }", "activaton"],
  ["a limit of nothing", "limits: { writes: { burst: 0, perSecond: 1 } }", "limits/writes/burst"],
  ["an address that is half redacted", "signals: { redact: { ipAddresses: some } }", "signals/redact/ipAddresses"],
  ["a value of the wrong type", "snapshotEvery: often", "snapshotEvery"],
  ["a setting given twice", "snapshotEvery: 200\nsnapshotEvery: 300", "unique"],
  ["a file that is no YAML", "policy: [", "holdpoint.yaml"],
] as const) {
  it(`${what} stops the start and is named`, (t) => {
    const dir = folderWith(t, yaml);
    assert.throws(
      () => loadConfig({ HOLDPOINT_DATA: dir }),
      (error: Error & { code?: string }) => error.code === "config-invalid" && error.message.includes(place),
    );
  });
}

it("an owner's folder in the data folder stops the start: the root key would lie beside the log", (t) => {
  const dir = folderWith(t, null);
  symlinkSync(dir, `${dir}-link`);
  t.after(() => rmSync(`${dir}-link`));
  for (const owner of [dir, join(dir, "owner"), join(dir, "a", "..", "b", "c"), join(`${dir}-link`, "owner")]) {
    assert.throws(
      () => loadConfig({ HOLDPOINT_DATA: dir, HOLDPOINT_CONFIG: owner }),
      { code: "config-invalid" },
      owner,
    );
  }
  for (const owner of [`${dir}-owner`, join(dir, "..", "owner")]) {
    assert.equal(loadConfig({ HOLDPOINT_DATA: dir, HOLDPOINT_CONFIG: owner }).dataDir, dir);
  }
});

it("a port that is no port stops the start", (t) => {
  for (const port of ["-1", "65536", "4600x", "0x10"]) {
    assert.throws(() => loadConfig({ HOLDPOINT_DATA: folderWith(t, null), HOLDPOINT_PORT: port }), {
      code: "config-invalid",
    });
  }
});

it("the manual names every variable and every setting", (t) => {
  const manual = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
  const source = readFileSync(new URL("../../src/main/config.ts", import.meta.url), "utf8");
  for (const [, name] of source.matchAll(/env\["(HOLDPOINT_[A-Z_]+)"\]/g))
    assert.ok(manual.includes(`\`${name}\``), name);
  const config = loadConfig({ HOLDPOINT_DATA: folderWith(t, null), HOME: "/nonexistent" });
  for (const section of ["policy", "classifier", "execution", "limits"] as const) {
    for (const name of Object.keys(config[section]))
      assert.ok(manual.includes(`${section}.${name}`), `${section}.${name}`);
  }
  for (const name of ["origin", "teams", "snapshotEvery"]) assert.ok(manual.includes(`\`${name}\``), name);
});
