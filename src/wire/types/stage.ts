// Stages: how much of what policy allows the triage agent may do without a person (S9).

import type { Severity } from "./classification.ts";

/** From the least to the most. `shadow` does nothing, `assist` drafts everything; the others have a list each. */
export const STAGES = ["shadow", "assist", "limited-autonomy", "controlled-paging", "mim-automation"] as const;
export type Stage = (typeof STAGES)[number];

/** What a stage lets pass: kinds, or `prefix.*`, up to a severity; null: of any, also of none. */
export interface StagePermit {
  readonly actions: readonly string[];
  readonly maxSeverity: Severity | null;
}

export function isStage(name: string): name is Stage {
  return (STAGES as readonly string[]).includes(name);
}
