// The classifiers of an installation: its chain of models and rules.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createClassifierChain,
  createModelClassifier,
  type ModelParts,
} from "../adapters/classifiers/classifier-chain.ts";
import { originsOf } from "../adapters/classifiers/endpoints.ts";
import { createPrompt } from "../adapters/classifiers/prompt.ts";
import { createRulesClassifier } from "../adapters/classifiers/rules.ts";
import { AppError } from "../core/errors.ts";
import { checkClassification } from "../signals/check-classification.ts";
import type { Classifier, PassedOver } from "../wire/contracts/classifier.ts";
import type { Egress } from "../wire/contracts/egress.ts";
import { nameOf, type ModelConfig } from "../wire/schemas/classifier-config.ts";
import type { Config } from "./config.ts";
import { openSecrets } from "./secrets.ts";
import { systemClock, systemRandom } from "./system.ts";

/** For the rules and for what is between two classifiers. */
const MARGIN_MS = 1_000;

/** Throws `config-invalid` when the prompt, the rules or an address cannot be used. */
export function createClassifiers(
  config: Config,
  egress: Egress,
  onPassedOver: (passed: PassedOver) => void,
): Classifier {
  const { classifier, teams } = config;
  const parts = modelParts(config, egress);
  const models = classifier.chain.map((model) => createModelClassifier(model, parts));
  const members = classifier.fallback === "rules" ? [...models, rulesOf(config)] : models;
  return createClassifierChain({
    members,
    isAccepted: (answer) => checkClassification(answer, { teams }).ok,
    onRejected: classifier.onRejected,
    onPassedOver,
  });
}

/** How long the whole chain may take. */
export function chainTimeoutMs({ classifier }: Config): number {
  return classifier.timeoutMs * Math.max(1, classifier.chain.length) + MARGIN_MS;
}

/** One classifier by its name: `rules`, or a model of the chain or of the candidates. Throws `config-invalid`. */
export function classifierNamed(config: Config, egress: Egress, name: string): Classifier {
  if (name === "rules") return rulesOf(config);
  const model = modelsOf(config).find((one) => nameOf(one) === name);
  if (model !== undefined) return createModelClassifier(model, modelParts(config, egress));
  const known = [...modelsOf(config).map(nameOf), "rules"].join(", ");
  throw new AppError("config-invalid", `no classifier is called ${name}; there are ${known}`);
}

/** Every origin that the configured models need. */
export function classifierOrigins(config: Config): readonly string[] {
  return modelsOf(config).flatMap(originsOf);
}

/** The models of the chain, then the candidates. */
export function modelsOf({ classifier }: Config): readonly ModelConfig[] {
  return [...classifier.chain, ...classifier.candidates];
}

/** Throws `config-invalid`. */
export function rulesOf({ classifierRules, teams }: Config): Classifier {
  return createRulesClassifier(readFileSync(classifierRules, "utf8"), { teams });
}

/** Throws `config-invalid`. */
export function promptOf({ classifierPrompt }: Config): ModelParts["prompt"] {
  return createPrompt(readFileSync(classifierPrompt, "utf8"));
}

function modelParts(config: Config, egress: Egress): ModelParts {
  return {
    prompt: promptOf(config),
    teams: config.teams,
    credentials: openSecrets(config),
    egress,
    clock: systemClock,
    random: systemRandom,
    pause: (ms, signal) => sleep(ms, undefined, { signal }),
    timeoutMs: config.classifier.timeoutMs,
    timeout: (ms) => AbortSignal.timeout(ms),
  };
}
