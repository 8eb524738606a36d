// What a heartbeat proves: that a page asked for now would be decided, be durable and go out.

import { AppError } from "../core/errors.ts";
import type { EmergencyBrake } from "../effects/brake.ts";
import type { Metrics } from "../http/metrics.ts";
import { brakeOn } from "../kernel/brakes.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { BY_TRIAGE } from "../kernel/triage-kinds.ts";
import type { SourceIdentity } from "../wire/types/identity.ts";

/** Something became durable so recently that another event would prove nothing more. */
const RECENT_MS = 10_000;
/** A run that waits this much longer than it may: nobody fires deadlines any more. */
const OVERDUE_MS = 60_000;

/** Any page about production; no service is called nothing, so only what stops all of them stops this one. */
const PAGE = { ...BY_TRIAGE, kind: "pagerduty.trigger", environment: "production", service: "" } as const;

type Parts = {
  readonly kernel: Kernel;
  readonly brake: EmergencyBrake;
  readonly executors: ReadonlyMap<string, unknown>;
  readonly metrics: Metrics;
  readonly nowMs: () => number;
  readonly notReady: () => string | null;
};

/**
 * Proves that Holdpoint works, for the source that asks, and says when this was last proven (milliseconds since the
 * epoch). Rejects with `not-ready` and the reason while pages would not go out, and with what the kernel answers when
 * nothing becomes durable.
 */
export function createHeartbeat(parts: Parts): (source: SourceIdentity) => Promise<number> {
  const { kernel, metrics, nowMs } = parts;
  const answered = new Map<string, number>();
  metrics.family({
    name: "holdpoint_heartbeat_timestamp_seconds",
    type: "gauge",
    help: "When this source was last told that pages would go out.",
    read: () => [...answered].map(([source, ms]) => ({ labels: { source }, value: ms / 1000 })),
  });
  return async ({ id, name }) => {
    const reason = whyNoPage(parts);
    if (reason !== null) throw new AppError("not-ready", reason);
    const quietMs = nowMs() - kernel.state.time;
    const isRecent = kernel.durableSize === kernel.state.nextSeq && quietMs >= 0 && quietMs < RECENT_MS;
    if (!isRecent) await kernel.submit({ type: "prove-heartbeat", actor: id, input: {} });
    answered.set(name, nowMs());
    return kernel.state.time;
  };
}

function whyNoPage({ kernel, brake, executors, notReady, nowMs }: Parts): string | null {
  const reason = notReady();
  if (reason !== null) return reason;
  if (!executors.has(PAGE.kind)) return "no pager is configured";
  if (brake.blocks(PAGE) || brakeOn(kernel.state.brakes.values(), PAGE) !== "run") return "a brake stops pages";
  const [oldest] = kernel.state.runs.values();
  if (oldest !== undefined && nowMs() > oldest.deadline + OVERDUE_MS) return "deadlines are not kept";
  return null;
}
