// The Kubernetes executor before a real cluster, as tests build it: its configuration, a plan, a step.

import { createEgress } from "../../src/adapters/egress/egress.ts";
import { createKubernetesExecutor } from "../../src/adapters/executors/kubernetes.ts";
import { NO_REGISTRIES } from "../../src/adapters/images/image-registries.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { findSecret } from "../../src/signals/redact.ts";
import type { ExecuteRequest, Executor, Plan } from "../../src/wire/contracts/executor.ts";
import type { PinImage } from "../../src/wire/contracts/images.ts";
import { kubernetesConfigSchema } from "../../src/wire/schemas/kubernetes-config.ts";
import { executeRequest, never } from "../executors/contract.ts";

const WEB = {
  service: "web",
  namespace: "shop",
  resources: ["deployment/*", "statefulset/*", "daemonset/*", "configmap/web*", "autoscaler/web*", "pod/web-*"],
};

export const TARGETS = [
  { environment: "production", ...WEB },
  { environment: "staging", ...WEB },
  { environment: "production", service: "nodes", resources: ["node/*"] },
];

const clock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

export interface Setting {
  readonly server: string;
  readonly ca: string;
  readonly token: string;
  readonly cluster?: JsonObject;
  readonly connection?: JsonObject;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  readonly installation?: string;
  readonly pinImage?: PinImage;
}

export function buildExecutor({ server, ca, token, ...more }: Setting): Executor {
  const secrets: Readonly<Record<string, string>> = { "kubernetes/token": token, ...more.secrets };
  const connection = { kind: "token", server, tokenRef: "kubernetes/token", certificateAuthority: ca };
  const cluster = { name: "main", targets: TARGETS, settleMs: 0, ...more.cluster };
  const config = kubernetesConfigSchema.parse({
    clusters: [{ ...cluster, connection: more.connection ?? connection }],
  });
  return createKubernetesExecutor({
    config,
    egress: createEgress({ allow: [new URL(server).origin] }),
    credentials: {
      get: (ref) => {
        const secret = secrets[ref];
        return secret === undefined ? Promise.reject(new Error("no such secret")) : Promise.resolve(secret);
      },
    },
    clock: more.clock ?? clock,
    installation: more.installation ?? "test",
    findSecret,
    pinImage: more.pinImage ?? NO_REGISTRIES.pin,
  });
}

let actions = 0;

/** A plan, and the request to run it under an action of its own. */
export async function planned(
  executor: Executor,
  kind: string,
  args: JsonObject,
  { service = kind.endsWith("cordon") ? "nodes" : "web", left }: { service?: string; left?: string } = {},
): Promise<{ readonly plan: Plan; readonly request: ExecuteRequest }> {
  const actionId = `act_${String(++actions).padStart(9, "0")}`;
  const target = { environment: "production", service };
  const asked = { actionId, kind: `kubernetes.${kind}`, target, context: {}, ...(left === undefined ? {} : { left }) };
  const plan = await executor.plan({ ...asked, args: { cluster: "main", ...args } }, never);
  return { plan, request: { ...executeRequest(plan, 20_000), idempotencyKey: actionId } };
}
