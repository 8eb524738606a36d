// The Argo CD executor: applications that configuration lists, synchronized to a pinned revision or rolled back.

import { AppError } from "../../core/errors.ts";
import type { ActionKind, ExecuteRequest, Executor, PlanRequest, Reach } from "../../wire/contracts/executor.ts";
import {
  argocdRollbackArguments,
  argocdSyncArguments,
  type ArgocdApplication,
  type ArgocdConfig,
} from "../../wire/schemas/argocd-executor.ts";
import { argumentsJsonSchema } from "../../wire/schemas/executor-arguments.ts";
import { ArgocdApi, type ArgocdParts } from "./argocd-api.ts";
import { argocdCallSchema, isSameApplication, planRollback, planSync, SYNC } from "./argocd-plan.ts";
import { executeOperation, reconcileOperation, type ArgocdStep } from "./argocd-step.ts";
import { ROLLBACK } from "./argocd-undo.ts";
import { isFor } from "./bound-target.ts";
import { outcomeReach } from "./reach.ts";
import { UnsettledWrites } from "./unsettled-writes.ts";

const shared = {
  repeat: "conditional",
  planning: "reads",
  effect: "external",
  reversible: true,
  risks: ["configuration", "performance", "security"],
} as const;
const KINDS: readonly ActionKind[] = [
  {
    ...shared,
    kind: SYNC,
    title: "Synchronize an Argo CD application to one revision",
    argumentsSchema: argumentsJsonSchema(argocdSyncArguments),
  },
  {
    ...shared,
    kind: ROLLBACK,
    title: "Roll an Argo CD application back to an earlier deployment",
    argumentsSchema: argumentsJsonSchema(argocdRollbackArguments),
  },
];

export interface ArgocdExecutorParts extends ArgocdParts {
  readonly config: ArgocdConfig;
  readonly installation: string;
  /** What kind of secret a text looks like, or null. */
  readonly findSecret: (text: string) => string | null;
}

/** Offers `argocd.sync` and `argocd.rollback`. */
export function createArgocdExecutor(parts: ArgocdExecutorParts): Executor {
  const api = new ArgocdApi(parts);
  const { config, clock, origin, prefix, findSecret } = parts;
  const writes = new UnsettledWrites({ clock, settleMs: config.settleMs });
  const place = origin + prefix;
  const stepOf = (request: ExecuteRequest): ArgocdStep | undefined => {
    const parsed = argocdCallSchema.safeParse(request.plan.calls[0]);
    const of = parsed.success ? config.applications.find(({ name }) => name === parsed.data.application) : undefined;
    if (!parsed.success || of === undefined || parsed.data.origin !== place) return undefined;
    if (!isSameApplication(parsed.data, of)) return undefined;
    const mark = `${parts.installation}:${request.idempotencyKey}`;
    return { api, of, call: parsed.data, writes, request, mark };
  };
  return {
    kinds: KINDS,
    credentials: [config.tokenRef],
    async plan(request, signal) {
      const of = applicationOf(config, request);
      const planner = request.kind === SYNC ? planSync : planRollback;
      return planner({ api, origin: place, of, findSecret }, request, signal);
    },
    execute(request, signal) {
      const step = stepOf(request);
      if (step === undefined || !isFor(step.of, step.call.target)) {
        return Promise.resolve({ status: "failed", code: "plan-invalid", detail: null });
      }
      return executeOperation(step, signal);
    },
    reconcile(request, signal) {
      const step = stepOf(request);
      if (step === undefined) return Promise.resolve({ status: "unclear", detail: { code: "plan-invalid" } });
      return reconcileOperation(step, signal);
    },
    probe: (signal) => Promise.all(config.applications.map((one) => probe(api, one, signal))),
  };
}

async function probe(api: ArgocdApi, of: ArgocdApplication, signal: AbortSignal): Promise<Reach> {
  const read = await api.application(of, signal);
  return outcomeReach(`application ${of.name}`, read.kind === "got" ? null : read.outcome);
}

function applicationOf({ applications }: ArgocdConfig, { args, target }: PlanRequest): ArgocdApplication {
  const found = applications.find((one) => one.name === args["application"] && isFor(one, target));
  if (found !== undefined) return found;
  throw new AppError("arguments-invalid", "the target has no application of that name", {});
}
