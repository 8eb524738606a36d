// The plan that a call would have as a proposal, as far as it can be known before there is one.

import { isAppError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { AccessCall } from "../wire/schemas/access.ts";
import type { Placed } from "./access-calls.ts";
import type { ActionService } from "./services.ts";

export type CallPlan =
  /** Whoever asks carries it out: the call is its plan. */
  | { readonly is: "none" }
  /** It is made of what its target is at that moment, and may ask for people whatever policy says. */
  | { readonly is: "unknown" }
  | { readonly is: "made"; readonly planned: Awaited<ReturnType<ActionService["plan"]>> }
  /** A proposal would be refused, with this code. */
  | { readonly is: "impossible"; readonly code: string };

/** Its arguments are the properties of the call's action. */
export async function planOfCall(
  actions: ActionService,
  { kind: name, target, subject: agent }: Placed,
  { action }: AccessCall,
): Promise<CallPlan> {
  const kind = actions.kinds.get(name);
  if (kind === undefined) return { is: "none" };
  if (kind.planning !== "pure" || !actions.plansAtOnce(kind, target)) return { is: "unknown" };
  const args = (action.properties ?? {}) as JsonObject;
  try {
    return { is: "made", planned: await actions.plan({ kind: name, target, args, agent }) };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return { is: "impossible", code: error.code };
  }
}
