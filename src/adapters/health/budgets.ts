// What is left of a service's error budget, by its declared objective: read before a change is decided.

import { canonicalEnvironment } from "../../core/environment.ts";
import type { BudgetReader, HealthProbe } from "../../wire/contracts/health.ts";
import type { Objective } from "../../wire/schemas/health-config.ts";
import type { PrometheusCheck } from "../../wire/types/health.ts";

/** The share of bad requests may be so large that at least the declared minimum of the budget is left. */
function checkOf({ endpoint, badShare, objective, minimumBudget }: Objective): PrometheusCheck {
  const max = (1 - objective) * (1 - minimumBudget);
  return { kind: "prometheus", name: "slo", endpoint, query: badShare, min: null, max, maxTimesBefore: null };
}

/** `timeout` is the time for one answer, from now. Nobody who answers in time is a budget that nobody knows. */
export function createBudgets(
  objectives: readonly Objective[],
  { probe, timeout }: { readonly probe: HealthProbe; readonly timeout: () => AbortSignal },
): BudgetReader {
  const checks = new Map(objectives.map((one) => [keyOf(one), checkOf(one)]));
  return {
    covers: (target) => checks.has(keyOf(target)),
    async ask(target) {
      const check = checks.get(keyOf(target));
      if (check === undefined) return null;
      try {
        return await probe.ask({ check, beforeMs: 0 }, timeout());
      } catch {
        return { result: "unknown", evidence: { code: "no-answer" } };
      }
    },
  };
}

function keyOf({ environment, service }: { readonly environment: string; readonly service: string }): string {
  return `${canonicalEnvironment(environment)}|${service}`;
}
