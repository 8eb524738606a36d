// What evaluations and access requests of AuthZEN share: who asks, what may be requested, and when an action is an approval.

import type { JsonObject } from "../core/json.ts";
import { OWN_KINDS } from "../wire/schemas/kernel-kinds.ts";
import { EXECUTOR_KINDS } from "../wire/types/executor-kinds.ts";
import type { Identity } from "../wire/types/identity.ts";
import type { ActionView } from "../wire/types/views.ts";
import type { Placed } from "./access-calls.ts";
import { identify } from "./request.ts";
import type { RouteContext } from "./route.ts";
import type { Services } from "./services.ts";

export type Asking = { readonly services: Services; readonly identity: Identity };

/** Who asks; the request's own id goes back with the answer. */
export async function begin({ services, request, reply }: RouteContext): Promise<Asking> {
  const identity = await identify(services, request);
  const { "x-request-id": id } = request.headers;
  if (typeof id === "string" && /^[\x21-\x7e]{1,128}$/.test(id)) void reply.header("x-request-id", id);
  return { services, identity };
}

/** What Holdpoint carries out itself is proposed to it: an approval that somebody else uses would stand in its way. */
export function isRequestable(services: Services, { kind }: Placed): boolean {
  return !services.actions.kinds.has(kind) && !OWN_KINDS.has(kind) && !EXECUTOR_KINDS.has(kind);
}

type TaskStatus = "pending" | "approved" | "denied" | "expired" | "cancelled" | "failed";

const TASK_STATUSES: Readonly<Record<string, TaskStatus>> = {
  denied: "denied",
  refused: "denied",
  expired: "expired",
  cancelled: "cancelled",
};

/** An approval is what was granted and recorded: a rehearsal is none. */
export function statusOf({ status, code, dryRun, endedAt }: ActionView): TaskStatus {
  if (endedAt === null) return "pending";
  if (status === "succeeded") return code === "recorded" && !dryRun ? "approved" : "failed";
  return TASK_STATUSES[status] ?? "failed";
}

/** What a re-evaluation carries. */
export function approvalOf(services: Services, { id, grant, endedAt }: ActionView): JsonObject {
  return {
    id: services.access.handle("apr", id),
    approved_at: instant(endedAt ?? 0),
    approved_until: instant(grant?.expiresAt ?? 0),
  };
}

export function instant(ms: number): string {
  return new Date(ms).toISOString();
}
