// The stage that the triage agent begins at: signed by the root key at the first start, when that key is still here.

import { existsSync } from "node:fs";
import type { Logger } from "pino";
import { readSeed, rootKeyPath } from "../adapters/identity/key-places.ts";
import { KERNEL } from "../kernel/command.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { TERMS } from "../kernel/limits.ts";
import { signerFromSeed, verifierOf } from "../ledger/ed25519.ts";
import { signStageStatement, STAGED_AGENT } from "../ledger/stage-statement.ts";
import type { Config } from "./config.ts";
import type { InstallationKeys } from "./keys.ts";

type Needs = {
  readonly kernel: Kernel;
  readonly config: Pick<Config, "ownerDir" | "triage">;
  readonly keys: Pick<InstallationKeys, "origin" | "root">;
  readonly log: Logger;
};

/**
 * Nothing where a stage was granted before: from then on people set it. Without the root key at hand the triage agent
 * stays in shadow, which the log says.
 */
export async function grantInitialStage({ kernel, config, keys, log }: Needs): Promise<void> {
  if (kernel.state.stage !== null) return;
  const { origin } = keys;
  const path = rootKeyPath(config.ownerDir, origin);
  const root = existsSync(path) ? signerFromSeed(`${origin}/root`, readSeed(path)) : undefined;
  if (root === undefined || verifierOf(root).text !== keys.root.text) {
    log.warn("the root key is not here to sign the stage that triage begins at");
    return;
  }
  const { stage } = config.triage;
  const expiresAt = stage === "shadow" ? null : kernel.state.time + TERMS.initialStageMs;
  const signature = signStageStatement({ agent: STAGED_AGENT, expiresAt, origin, stage }, root);
  await kernel.submit({ type: "grant-stage", actor: KERNEL, input: { stage, expiresAt, signature } });
}
