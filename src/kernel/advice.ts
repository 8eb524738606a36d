// Advice in state: what an agent at level 0 would have done, as long as reviewers may say what they think of it.

import type { Fault, Label } from "../wire/types/label.ts";
import { shareToCut } from "./bounded.ts";
import type { EvaluationFacts } from "./events.ts";
import { LIMITS } from "./limits.ts";
import type { Action, State } from "./state.ts";

/** The end of what is advice only: nothing happens, nobody is asked, and `would` is what policy came to. */
export type AdvisedFacts = {
  readonly evaluation: EvaluationFacts;
  readonly code: "level" | "dry-run";
  readonly would: "allow" | "hold";
  /** Older advice that no reviewer can label any more. */
  readonly forgets?: string;
};

/** One label of each person counts, the last: `replaces` is what the person said before. */
export type LabelledFacts = {
  readonly label: Label;
  readonly faults: readonly Fault[];
  readonly person: string;
  readonly replaces: Label | null;
};

export type Advice = Pick<Action, "agent" | "person" | "actsFor"> & {
  /** By person. */
  readonly labels: readonly (readonly [person: string, label: Label])[];
};

/** A question whether something would be allowed is no advice to do it. */
export function isAdvice(action: Pick<Action, "dryRun">, code: AdvisedFacts["code"]): boolean {
  return code === "level" && action.dryRun !== true;
}

/** What a full table gives up for one more of the agent's: the oldest of whoever has the most. */
export function adviceToForget({ advice, shares }: Readonly<State>, agent: string): string | undefined {
  if (advice.size < LIMITS.adviceMax) return undefined;
  const [oldest] = shareToCut(shares.advice, agent, advice.size);
  return oldest;
}
