// Whether the configured classifiers can be used, as far as this machine can tell without asking any.

import { join } from "node:path";
import { originsOf } from "../adapters/classifiers/endpoints.ts";
import type { ClassifierCheck } from "../cli/host.ts";
import { nameOf, type ModelConfig } from "../wire/schemas/classifier-config.ts";
import { modelsOf, promptOf, rulesOf } from "./classifiers.ts";
import type { Config } from "./config.ts";
import { fileSecrets } from "./secrets.ts";

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

/** What stands in the way, in words, or null. */
function problemIn(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : "unusable";
  }
}

async function badSecret(config: Config, model: ModelConfig): Promise<string | null> {
  const secrets = fileSecrets(join(config.dataDir, "secrets"));
  for (const ref of secretRefsOf(model)) {
    try {
      if ((await secrets.get(ref)) === "") return `the secret ${ref} is empty`;
    } catch (error) {
      return error instanceof Error ? error.message : `the secret ${ref} cannot be read`;
    }
  }
  return null;
}

/** Every member of the configuration whose name ends in `Ref` names a secret. */
function secretRefsOf(model: ModelConfig): readonly string[] {
  const members = [...Object.entries(model), ...("auth" in model ? Object.entries(model.auth) : [])];
  return members.flatMap(([name, value]) => (name.endsWith("Ref") && typeof value === "string" ? [value] : []));
}
