// The settings of the first run are ones that the server takes, and name what the script beside them makes.

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig } from "../../src/main/config.ts";

const EXAMPLE = join(import.meta.dirname, "..", "..", "examples", "first-run");

test("the settings of the first run load, and their ports and secrets are those of its script", (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), "holdpoint-first-run-"));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  copyFileSync(join(EXAMPLE, "holdpoint.yaml"), join(dataDir, "holdpoint.yaml"));
  const { pagerduty, servicenow } = loadConfig({ HOLDPOINT_DATA: dataDir }).executors;
  assert.ok(pagerduty !== undefined && servicenow !== undefined && servicenow.auth.kind === "basic");
  const script = readFileSync(join(EXAMPLE, "prepare.sh"), "utf8");
  for (const said of [
    `stand-ins/pagerduty.ts" --port ${new URL(pagerduty.baseUrl).port}`,
    `stand-ins/servicenow.ts" --port ${new URL(servicenow.baseUrl).port}`,
    `secrets/pagerduty/${pagerduty.integrations[0]}"`,
    `secrets/${servicenow.auth.passwordRef}"`,
  ]) {
    assert.ok(script.includes(said), said);
  }
});
