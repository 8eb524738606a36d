// A runtime model whose traffic moves all the time, that now and then knows nothing, breaks, or never answers.

import { AppError } from "../../src/core/errors.ts";
import type { Explainer, ImpactAnswer, PredictionAsk, Predictor, Relater } from "../../src/wire/contracts/predictor.ts";
import { nothingPredicted, type Prediction } from "../../src/wire/types/prediction.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { Turns } from "./turns.ts";

export function modelPredictor(random: SeededRandom, turns: Turns): Predictor {
  return {
    measureAction: () => {
      if (random.below(20) === 0) return new Promise(() => undefined);
      return turns.take("measure", () => measure(random));
    },
    predictAction: (ask) => {
      if (random.below(20) === 0) return new Promise(() => undefined);
      return turns.take("predict", () => predict(random, ask));
    },
  };
}

function measure(random: SeededRandom): ImpactAnswer | null {
  if (random.below(4) === 0) return null;
  if (random.below(6) === 0) throw new AppError("model-unavailable", "its thread is gone");
  const mid = random.below(400_000);
  const actual = { low: 0, mid, high: mid + 10_000 };
  return random.below(4) === 0
    ? { outcome: "no-telemetry", actual: null, modelVersion: 1 }
    : { outcome: "measured", actual, modelVersion: random.below(1_000) };
}

const CHAIN = ["cart", "search", "payments"];

/** Each uses the next. */
export function neighboursOf(service: string): readonly string[] {
  const at = CHAIN.indexOf(service);
  return [CHAIN[at - 1], CHAIN[at + 1]].filter((one) => one !== undefined);
}

function predict(random: SeededRandom, { environment, service }: PredictionAsk): Prediction {
  if (random.below(12) === 0) throw new AppError("model-unavailable", "its thread is gone");
  if (random.below(20) === 0) throw new AppError("model-node-not-found", "nobody spoke of it");
  const mid = random.below(400_000);
  const crosses = random.below(4) === 0 ? ["pci"] : random.below(2) === 0 ? ["front"] : [];
  return {
    ...nothingPredicted("unmeasured"),
    code: "",
    target: `service:${environment}:${service}`,
    modelVersion: random.below(1_000),
    staleS: random.below(2_000),
    isStale: random.below(10) === 0,
    share: { low: 0, mid, high: mid + random.below(100_000) },
    neighbourhood: [service, ...neighboursOf(service)].map((name) => `service:${environment}:${name}`),
    zone: random.below(6) === 0 ? null : "shop",
    crosses,
    crossed: crosses.length,
    measurableAfterMs: 60_000,
  };
}

/** What it measured between services that fail together: mostly nothing, now and then too little. */
export function modelRelater(random: SeededRandom, turns: Turns): Relater {
  return {
    relate: ({ services }) => {
      if (random.below(20) === 0) return new Promise(() => undefined);
      return turns.take("relate", () => {
        if (random.below(12) === 0) throw new AppError("model-unavailable", "its thread is gone");
        const one = (): string => services[random.below(services.length)] as string;
        const relations = Array.from({ length: random.below(3) }, () => {
          return { cause: one(), effect: one(), lowPpm: random.below(300_000) };
        });
        return { modelVersion: random.below(1_000), relations };
      });
    },
  };
}

/** What it finds to explain an incident: mostly something. */
export function modelExplainer(random: SeededRandom, turns: Turns): Explainer {
  return {
    explain: ({ service }) => {
      if (random.below(20) === 0) return new Promise(() => undefined);
      return turns.take("explain", () => {
        if (random.below(12) === 0) throw new AppError("model-unavailable", "its thread is gone");
        if (random.below(4) === 0) return null;
        const chain = ["change:c1", `service:production:${service}`];
        const cause = { kind: "change", cause: "c1", changeKind: "deploy", scorePpm: 700_000, chain } as const;
        const causes = random.below(3) === 0 ? [] : [cause];
        return { explanation: { modelVersion: random.below(1_000), causes }, evidence: causes.map(() => ["moved"]) };
      });
    },
  };
}
