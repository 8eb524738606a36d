// The first stage as it is granted at a start: from configuration, signed by the root key, once.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { pino } from "pino";
import { rootKeyPath } from "../../src/adapters/identity/key-places.ts";
import { TERMS } from "../../src/kernel/limits.ts";
import { signerFromSeed, verifierOf } from "../../src/ledger/ed25519.ts";
import { checkStageGrant } from "../../src/ledger/stage-statement.ts";
import { grantInitialStage } from "../../src/main/initial-stage.ts";
import type { Stage } from "../../src/wire/types/stage.ts";
import { Rig } from "../kernel/rig.ts";

const ORIGIN = "stage.test/log";
const SEED = new Uint8Array(32).fill(7);
const root = verifierOf(signerFromSeed(`${ORIGIN}/root`, SEED));

async function started(t: TestContext, of: { stage: Stage; seed?: Uint8Array | null }): Promise<Rig> {
  const ownerDir = mkdtempSync(join(tmpdir(), "holdpoint-stage-"));
  t.after(() => rmSync(ownerDir, { recursive: true, force: true }));
  const path = rootKeyPath(ownerDir, ORIGIN);
  mkdirSync(dirname(path), { recursive: true });
  const { stage, seed = SEED } = of;
  if (seed !== null) writeFileSync(path, Buffer.from(seed).toString("base64"));
  const rig = new Rig();
  await rig.ask("open-log", { format: 1 });
  const needs = { kernel: rig.kernel, keys: { origin: ORIGIN, root }, log: pino({ level: "silent" }) };
  await grantInitialStage({ ...needs, config: { ownerDir, triage: { stage } } });
  // The next start finds it granted, whatever the configuration says by then.
  await grantInitialStage({ ...needs, config: { ownerDir, triage: { stage: "mim-automation" } } });
  return rig;
}

test("a first start grants the configured stage for 30 days, under a signature that anybody can check", async (t) => {
  const rig = await started(t, { stage: "controlled-paging" });
  const [event, ...more] = rig.all("stage.granted");
  assert.ok(event !== undefined && more.length === 0);
  const { stage, expiresAt, action } = event.facts;
  assert.deepEqual([stage, expiresAt, action], ["controlled-paging", event.time + TERMS.initialStageMs, null]);
  checkStageGrant(event.facts, { origin: ORIGIN, root });
});

test("shadow is granted without an end", async (t) => {
  const rig = await started(t, { stage: "shadow" });
  assert.deepEqual([rig.state.stage?.stage, rig.state.stage?.expiresAt], ["shadow", null]);
});

test("without the root key, or with another one in its place, nothing is granted", async (t) => {
  for (const seed of [null, new Uint8Array(32).fill(8)]) {
    const rig = await started(t, { stage: "controlled-paging", seed });
    assert.equal(rig.state.stage, null);
  }
});
