// From a proposal to its verdict by way of a real executor's own plan: what the standard pack says of what was found in it.

import { hash } from "node:crypto";
import { NO_IMAGE_VERIFIER } from "../../src/adapters/images/image-verifier.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { EmergencyBrake } from "../../src/effects/brake.ts";
import { planAction } from "../../src/effects/plan.ts";
import type { Executor, Plan } from "../../src/wire/contracts/executor.ts";
import type { BudgetReader } from "../../src/wire/contracts/health.ts";
import type { ImageVerifier } from "../../src/wire/contracts/images.ts";
import type { PlanRisk } from "../../src/wire/types/risk.ts";
import { signedBy } from "../kernel/agent-registration.ts";
import { Rig } from "../kernel/rig.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import { mustLoad, packFiles } from "../policy/pack.ts";

/** For kinds of which the pack says nothing, the pack's own words about what a plan puts at risk. */
const DELIVERY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: delivery }
spec:
  match: { actions: [terraform.apply, "github.*", "argocd.*"] }
  route: on-call
  rules:
    - name: rights-or-data
      when: plan.risks.privilegeWidening || plan.risks.dataExposure || plan.risks.regulated
      decision: hold
      route: owners
    - name: drift-or-thin-budget
      when: plan.risks.drift || plan.risks.sloHeadroom || plan.risks.unseen
      decision: hold
    - name: otherwise
      decision: allow
`;
const bundle = mustLoad([...packFiles(), { path: "delivery.yaml", text: DELIVERY }]);

export interface Proposed {
  readonly kind: string;
  readonly args: JsonObject;
  readonly environment?: string;
  readonly service?: string;
}

export interface Judged {
  /** `granted`, `held`, or the code of a refusal. */
  readonly result: string;
  /** Who is asked about what is held. */
  readonly route: string | null;
  readonly risks: readonly PlanRisk[];
  readonly plan: Plan;
}

type Outside = { readonly images?: ImageVerifier; readonly budgets?: BudgetReader };

const UNASKED: BudgetReader = { covers: () => false, ask: () => Promise.resolve(null) };

export async function judge(
  executor: Executor,
  { kind, args, environment = "production", service = "cart" }: Proposed,
  { images = NO_IMAGE_VERIFIER, budgets = UNASKED }: Outside = {},
): Promise<Judged> {
  const rig = await Rig.open({ version: "test/1", policy: () => bundle });
  const known = executor.kinds.find((one) => one.kind === kind);
  if (known === undefined) throw new Error(`no ${kind}`);
  const { repeat, effect, reversible } = known;
  const target = { environment, service, resource: null } as const;
  const who = { agentKind: "agent", person: "owner", signed: signedBy("agent:one", rig.nowMs) } as const;
  const proposal = { kind, ...target, ...who, repeat, effect, reversible, planHash: null };
  const keys = { requestHash: hash("sha256", kind), idempotencyKey: "agent:one 1" };
  const input = { ...proposal, ...keys };
  const { subject } = await rig.kernel.submit({ type: "propose-action", actor: "agent:one", input, content: { args } });
  const bodyOf = (seq: number): Json => rig.writer.kept[seq]?.payload?.body ?? null;
  await planAction(
    {
      kernel: rig.kernel,
      nowMs: () => rig.nowMs,
      payloads: {
        payload: (seq) => Promise.resolve(bodyOf(seq)),
        event: (seq) => Promise.resolve(rig.writer.kept[seq] as LedgerEvent),
      },
      executors: new Map([[kind, executor]]),
      brake: new EmergencyBrake({ monotonicMs: () => rig.monotonicMs }),
      registered: () => [],
      origin: "test",
      tickets: null,
      images,
      budgets,
      planTimeoutMs: 20_000,
      stepTimeoutMs: 20_000,
    },
    subject,
  );
  const action = rig.state.actions.get(subject);
  const planned = rig.writer.kept.find((one) => one.type === "action.planned" && one.subject === subject);
  return {
    result: action?.status ?? rig.last("action.refused", subject).code,
    route: action?.hold?.route ?? null,
    risks: planned === undefined ? [] : (rig.last("action.planned", subject).findings?.risks ?? []),
    plan: (planned?.payload?.body as unknown as { plan: Plan } | undefined)?.plan as Plan,
  };
}
