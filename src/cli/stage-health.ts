// The stage of the triage agent, out of the server's metrics: for `doctor`.

const CURRENT = /^holdpoint_triage_stage\{stage="([a-z-]{1,32})"\} 1$/m;
const DAYS_LEFT = /^holdpoint_triage_stage_days_left (\d{1,6}(?:\.\d{1,20})?(?:e-\d{1,3})?)$/m;

export type StageHealth = {
  readonly stage: string;
  /** Until it ends; null where it has no end. */
  readonly daysLeft: number | null;
};

/** Null when the metrics do not say. */
export function stageIn(metrics: string): StageHealth | null {
  const stage = CURRENT.exec(metrics)?.[1];
  const days = DAYS_LEFT.exec(metrics)?.[1];
  return stage === undefined ? null : { stage, daysLeft: days === undefined ? null : Number(days) };
}
