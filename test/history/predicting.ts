// Answers of a runtime model in the workload: a small share, a large one, or none.

import type { Command } from "../../src/kernel/command.ts";
import type { Action } from "../../src/kernel/state.ts";
import { nothingPredicted, type Prediction } from "../../src/wire/types/prediction.ts";
import type { Draws } from "./draws.ts";
import { SERVICES } from "./names.ts";
import { command } from "./recorder.ts";

const KNOWN: Prediction = {
  ...nothingPredicted("unmeasured"),
  code: "",
  target: "service:production:cart",
  modelVersion: 12,
  staleS: 40,
  isStale: false,
  entries: 2,
  services: 3,
  neighbourhood: ["service:production:cart", "service:production:web"],
  zone: "shop",
};

/** Now and then an answer to another question. */
export function predictCommand({ id, predicting = 0 }: Action, pick: number): Command {
  const high = pick < 3 ? 100_000 : 900_000;
  const share = { low: 0, mid: 50_000, high };
  const prediction = pick === 0 ? nothingPredicted("model-unavailable") : { ...KNOWN, share };
  const asked = pick === 5 ? predicting - 1 : predicting;
  return command("predict-action", "system:effects", { action: id, asked, prediction });
}

/** Of the run's incident with another: enough to join them, or too little. */
export function relateCommand(draws: Draws, run: string): Command {
  const relations = Array.from({ length: 3 }, () => {
    return { cause: draws.from(SERVICES), effect: draws.from(SERVICES), lowPpm: draws.below(400_000) };
  });
  return command("relate-incidents", "system:effects", { run, modelVersion: 12, relations });
}

/** What explains an ended incident: a change, or nothing. */
export function explainCommand(draws: Draws, incident: string): Command {
  const chain = ["change:c1", "service:production:cart"];
  const cause = { kind: "change", cause: "c1", changeKind: "deploy", scorePpm: 600_000, chain } as const;
  const explanation = { modelVersion: 12, causes: draws.chance(3) ? [] : [cause] };
  const content = { evidence: [["cart moved"]] };
  return { ...command("explain-incident", "system:effects", { incident, explanation }), content };
}

export function impactCommand(action: string, mid: number): Command {
  const actual = mid % 5 === 0 ? null : { low: 0, mid, high: mid + 1_000 };
  const outcome = actual === null ? "no-telemetry" : "measured";
  return command("record-impact", "system:effects", { action, outcome, actual, modelVersion: 13 });
}
