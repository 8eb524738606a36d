// The stage of the triage agent as others read it: metrics, the ladder of the API, and whether it sends pages.

import type { Logger } from "pino";
import type { JsonObject } from "../core/json.ts";
import type { Metrics } from "../http/metrics.ts";
import { isPermitted, stageInForce } from "../kernel/stage.ts";
import { STAGES } from "../wire/types/stage.ts";
import type { Core } from "./core.ts";
import { systemClock } from "./system.ts";

const DAY_MS = 24 * 3_600_000;

type Deciding = Pick<Core, "kernel" | "bundles">;

function now({ kernel, bundles }: Deciding): Parameters<typeof stageInForce>[0] {
  const { state } = kernel;
  return { state, now: systemClock.nowMs(), policy: bundles.get(state.bundleHash ?? "") };
}

/** What each stage permits by the active policies; null when they have no ladder. */
export function ladderDocument(core: Deciding): readonly JsonObject[] | null {
  const stages = now(core).policy?.ladder?.stages ?? null;
  return stages?.map(({ stage, permits }) => ({ stage, permits: permits.map((permit) => ({ ...permit })) })) ?? null;
}

/** Why a sure page would not go out by itself now; null when it would. */
export function whyStageHoldsPages(core: Deciding): string | null {
  const at = now(core);
  if (isPermitted(at, { kind: "pagerduty.trigger", severity: "sev1" })) return null;
  return `the triage agent is at the stage ${stageInForce(at)}, which sends no page without a person`;
}

/** Says at the start that triage will do nothing: nobody should learn it from the first alert. */
export function warnOfShadow(core: Deciding, log: Logger): void {
  const at = now(core);
  if (stageInForce(at) !== "shadow") return;
  const { stage } = at.state;
  const why = at.policy?.ladder == null ? "no-ladder" : stage === null ? "never-granted" : `granted-${stage.stage}`;
  log.warn({ code: "stage-shadow", why, endedAt: stage?.expiresAt ?? null }, "triage is in shadow: it pages nobody");
}

/** `holdpoint_triage_stage` is 1 for the stage in force; the days are left out where nothing ends. */
export function addStageMetrics(core: Deciding, metrics: Metrics): void {
  metrics.family({
    name: "holdpoint_triage_stage",
    type: "gauge",
    help: "1 for the stage of the triage agent that is in force.",
    read: () => {
      const current = stageInForce(now(core));
      return STAGES.map((stage) => ({ labels: { stage }, value: stage === current ? 1 : 0 }));
    },
  });
  metrics.family({
    name: "holdpoint_triage_stage_days_left",
    type: "gauge",
    help: "Days until the stage of the triage agent ends and it is in shadow; 0 afterwards.",
    read: () => {
      const expiresAt = core.kernel.state.stage?.expiresAt ?? null;
      if (expiresAt === null) return [];
      return [{ labels: {}, value: Math.max(0, (expiresAt - systemClock.nowMs()) / DAY_MS) }];
    },
  });
}
