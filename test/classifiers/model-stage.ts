// A model classifier before its stand-in, with a clock, chances and pauses that the test holds.

import { createEgress } from "../../src/adapters/egress/egress.ts";
import { createModelClassifier, type ModelParts } from "../../src/adapters/classifiers/classifier-chain.ts";
import { originsOf } from "../../src/adapters/classifiers/endpoints.ts";
import { createPrompt } from "../../src/adapters/classifiers/prompt.ts";
import { readFileSync } from "node:fs";
import type { Clock } from "../../src/core/clock.ts";
import { NoClassification, type Classifier, type ClassifierAnswer } from "../../src/wire/contracts/classifier.ts";
import { classifierConfigSchema, type ModelConfig } from "../../src/wire/schemas/classifier-config.ts";
import type { Signal } from "../../src/wire/types/signal.ts";
import type { StandIn } from "../../examples/stand-ins/stand-in.ts";
import { SECRETS } from "./model-stand-ins.ts";

export const TEAMS = ["platform", "sre"];
export const never = new AbortController().signal;
export const PROMPT = createPrompt(
  readFileSync(new URL("../../policies/classifier-prompt.md", import.meta.url), "utf8"),
);

export const SIGNAL: Signal = {
  source: "alertmanager",
  detector: "prometheus:HighErrorRate",
  status: "firing",
  environment: "production",
  service: "cart",
  component: null,
  signature: "0".repeat(64),
  failure: "1".repeat(64),
  deliveryKey: "delivery-key-0123",
  claimedSeverity: "high",
  impactEstimate: 0.05,
  correlationIds: ["4bf92f3577b34da6a3ce929d0e0e4736"],
  startedAt: 1_790_000_000_000,
  endedAt: null,
  title: "HighErrorRate: 5 % of requests fail",
  summary: "since 10:02",
  labels: { alertname: "HighErrorRate", team: "sre" },
  pointers: ["https://logs.example/cart"],
  redactions: 0,
};

export class StageClock implements Clock {
  offsetMs = 1_790_000_000_000;
  nowMs(): number {
    return this.offsetMs;
  }
  monotonicMs(): number {
    return this.offsetMs;
  }
}

export type Stage = {
  readonly classifier: Classifier;
  readonly clock: StageClock;
  /** How long each pause before a retry was to be; the clock moves on by as much. */
  readonly pauses: number[];
  /** The time of every call that runs is up: no test waits for it, and none is late on a busy machine. */
  readonly expire: () => void;
};

type Wanted = {
  readonly config: Record<string, unknown>;
  readonly secrets?: typeof SECRETS;
  readonly timeoutMs?: number;
};

export function parseModel(config: Record<string, unknown>): ModelConfig {
  const [model] = classifierConfigSchema.parse({ chain: [config] }).chain;
  if (model === undefined) throw new Error("no model");
  return model;
}

export function stageOf({ config, secrets = SECRETS, timeoutMs = 2_000 }: Wanted): Stage {
  const model = parseModel(config);
  const clock = new StageClock();
  const pauses: number[] = [];
  const terms: AbortController[] = [];
  const parts: ModelParts = {
    prompt: PROMPT,
    teams: TEAMS,
    credentials: {
      get: (ref) => (secrets[ref] === undefined ? Promise.reject(new Error("none")) : Promise.resolve(secrets[ref])),
    },
    egress: createEgress({ allow: originsOf(model) }),
    clock,
    random: { bytes: (count) => new Uint8Array(count).fill(128) },
    pause: async (ms) => {
      pauses.push(ms);
      clock.offsetMs += ms;
    },
    timeoutMs,
    timeout: () => {
      const term = new AbortController();
      terms.push(term);
      return term.signal;
    },
  };
  const expire = (): void => terms.splice(0).forEach((term) => term.abort());
  return { classifier: createModelClassifier(model, parts), clock, pauses, expire };
}

/** Resolves when `model` has been asked `count` times in all. */
export async function askedOf(model: StandIn, count: number): Promise<void> {
  while (model.received.length < count) await new Promise(setImmediate);
}

/** The code with which nobody answered, or the answer. */
export async function ask(classifier: Classifier, signal = never): Promise<ClassifierAnswer | string> {
  try {
    return await classifier.classify([SIGNAL], signal);
  } catch (error) {
    if (!(error instanceof NoClassification)) throw error;
    return error.passedOver.map(({ code }) => code).join(" ");
  }
}
