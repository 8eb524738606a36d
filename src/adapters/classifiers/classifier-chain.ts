// Classifiers asked one after the other: models in their order, then the rules, and at last nobody, which means a person.

import { AppError } from "../../core/errors.ts";
import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import {
  NoClassification,
  type Classifier,
  type ClassifierAnswer,
  type ClassifierIdentity,
  type PassedOver,
} from "../../wire/contracts/classifier.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { Egress } from "../../wire/contracts/egress.ts";
import type { ModelConfig } from "../../wire/schemas/classifier-config.ts";
import type { Signal } from "../../wire/types/signal.ts";
import { createAsk } from "./ai-classifier.ts";
import { ModelFailure } from "./model-failure.ts";
import { composeMessage, mostTokensOf, type Prompt } from "./prompt.ts";
import { providerModel } from "./provider-models.ts";
import { createResilient, type Pause } from "./resilient-model.ts";

export interface ModelParts {
  readonly prompt: Prompt;
  readonly teams: readonly string[];
  readonly credentials: Credentials;
  readonly egress: Egress;
  readonly clock: Clock;
  readonly random: Random;
  readonly pause: Pause;
  /** Ends the work of one classifier, retries included. */
  readonly timeoutMs: number;
  readonly timeout: (ms: number) => AbortSignal;
}

/** A classifier that asks one configured model. Throws `config-invalid` for an address that may not be called. */
export function createModelClassifier(config: ModelConfig, parts: ModelParts): Classifier {
  const { prompt, teams, timeoutMs } = parts;
  const identity: ClassifierIdentity = {
    provider: config.provider,
    model: config.model,
    version: config.model,
    promptHash: prompt.hash,
  };
  const ask = createResilient({
    ...parts,
    config,
    ask: createAsk({ ...parts, config, open: providerModel(config, parts) }),
    questionTokens: (signals) => mostTokensOf(prompt, composeMessage(signals, teams)),
  });
  return {
    identity,
    async classify(signals, outer) {
      const signal = AbortSignal.any([outer, parts.timeout(timeoutMs)]);
      try {
        const { answer, version, usage, reasoning } = await ask(signals, signal);
        return { answer, by: { ...identity, version }, usage, reasoning, passedOver: [] };
      } catch (error) {
        const code = error instanceof ModelFailure ? error.code : "answer-unreadable";
        throw new NoClassification([{ provider: config.provider, model: config.model, code }]);
      }
    },
  };
}

export interface ChainParts {
  /** In the order they are asked; the last ones may be rules. */
  readonly members: readonly Classifier[];
  /** Whether an answer can be used. */
  readonly isAccepted: (answer: unknown) => boolean;
  /** `review`: an answer that cannot be used is given as it is, for a person to see. `next`: another is asked. */
  readonly onRejected: "review" | "next";
  /** Told of each that gave no usable answer. */
  readonly onPassedOver: (passed: PassedOver) => void;
}

/**
 * Asks until somebody answers. An answer that was rejected is still given when nobody has a better one, so that it is
 * recorded. Throws `config-invalid` when there is no member.
 */
export function createClassifierChain(parts: ChainParts): Classifier {
  const { members, onPassedOver } = parts;
  const [first] = members;
  if (first === undefined) throw new AppError("config-invalid", "no classifier is configured");
  return {
    identity: first.identity,
    async classify(signals: readonly Signal[], signal: AbortSignal): Promise<ClassifierAnswer> {
      const passedOver: PassedOver[] = [];
      let rejected: ClassifierAnswer | null = null;
      for (const member of members) {
        if (signal.aborted) break;
        const result = await askMember(member, signals, signal);
        if ("answer" in result && (parts.onRejected === "review" || parts.isAccepted(result.answer))) {
          return { ...result, passedOver };
        }
        const passed = "answer" in result ? [passedOf(member, "answer-rejected")] : result.passedOver;
        if ("answer" in result) rejected = result;
        passed.forEach(onPassedOver);
        passedOver.push(...passed);
      }
      if (rejected !== null) return { ...rejected, passedOver };
      throw new NoClassification(passedOver);
    },
  };
}

async function askMember(
  member: Classifier,
  signals: readonly Signal[],
  signal: AbortSignal,
): Promise<ClassifierAnswer | NoClassification> {
  try {
    return await member.classify(signals, signal);
  } catch (error) {
    return error instanceof NoClassification ? error : new NoClassification([passedOf(member, "failed")]);
  }
}

function passedOf({ identity: { provider, model } }: Classifier, code: string): PassedOver {
  return { provider, model, code };
}
