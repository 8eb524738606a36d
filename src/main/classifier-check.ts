// Whether the configured classifiers can be used, as far as this machine can tell without asking any.

import { originsOf } from "../adapters/classifiers/endpoints.ts";
import type { ClassifierCheck } from "../cli/host.ts";
import { nameOf } from "../wire/schemas/classifier-config.ts";
import { modelsOf, promptOf, rulesOf } from "./classifiers.ts";
import type { Config } from "./config.ts";
import { badSecret, problemIn } from "./settings-check.ts";

/** Looks at the file, the address and the secrets of each. */
export async function checkClassifiers(config: Config): Promise<readonly ClassifierCheck[]> {
  const models = modelsOf(config).map(async (model) => ({
    name: nameOf(model),
    model: model.model,
    problem: problemIn(() => originsOf(model)) ?? problemIn(() => promptOf(config)) ?? (await badSecret(config, model)),
  }));
  const rules = { name: "rules", model: config.classifierRules, problem: problemIn(() => rulesOf(config)) };
  return [...(await Promise.all(models)), rules];
}
