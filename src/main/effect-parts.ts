// What the effects run with: executors, classifier, terms, from configuration.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createRulesClassifier } from "../adapters/classifiers/rules.ts";
import { createExecutors } from "../adapters/executors/registry.ts";
import type { EmergencyBrake } from "../effects/brake.ts";
import type { ClassifyParts } from "../effects/classify.ts";
import type { ExecuteParts } from "../effects/execute.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Egress } from "../wire/contracts/egress.ts";
import type { PayloadReader } from "../wire/contracts/writer.ts";
import type { Config } from "./config.ts";
import { fileSecrets } from "./secrets.ts";
import { systemClock } from "./system.ts";

export type EffectParts = ClassifyParts & ExecuteParts;

type Needs = {
  readonly config: Config;
  readonly kernel: Kernel;
  readonly brake: EmergencyBrake;
  readonly payloads: PayloadReader;
  readonly origin: string;
  readonly egress: Egress;
};

/** Throws `config-invalid` when an executor or the classifier's rules cannot be used. */
export function createEffectParts({ config, kernel, brake, payloads, origin, egress }: Needs): EffectParts {
  const executors = createExecutors({
    config: config.executors,
    credentials: fileSecrets(join(config.dataDir, "secrets")),
    egress,
    clock: systemClock,
    installation: origin,
  });
  const classifier = createRulesClassifier(readFileSync(config.classifierRules, "utf8"), { teams: config.teams });
  return {
    kernel,
    brake,
    payloads,
    executors,
    classifier,
    origin,
    teams: config.teams,
    classifyTimeout: () => AbortSignal.timeout(config.classifier.timeoutMs),
    planTimeoutMs: config.execution.planTimeoutMs,
    stepTimeoutMs: config.execution.stepTimeoutMs,
  };
}
