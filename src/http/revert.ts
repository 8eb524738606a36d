// A person asks for a finished action to be taken back: its recorded inverse, proposed as an action of its own.

import { z } from "zod";
import { AppError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { leftIn } from "../effects/inverse.ts";
import type { Identity } from "../wire/types/identity.ts";
import type { ActionView } from "../wire/types/views.ts";
import type { Undoing } from "./propose.ts";
import type { Services } from "./services.ts";

/** In which something may have been left behind. */
const REVERTIBLE: ReadonlySet<string> = new Set(["succeeded", "needs-attention"]);

const planSchema = z.object({
  plan: z.object({
    blind: z.literal(true).optional(),
    inverse: z.object({
      kind: z.string(),
      target: z.record(z.string(), z.string()),
      args: z.record(z.string(), z.unknown()),
    }),
  }),
});

/** What is proposed, and what it undoes. */
export type Wanted = { readonly body: JsonObject; readonly undoing: Undoing };

/**
 * Agents may propose an inverse like any action; only a person says of somebody else's action that it is to be undone.
 * Throws `people-only`, `action-not-revertible`, and `payload-erased` where nobody knows any more how it was.
 */
export async function revertOf(
  services: Services,
  { identity, action, reason }: { identity: Identity; action: ActionView; reason: string },
): Promise<Wanted> {
  if (identity.kind !== "person") throw new AppError("people-only", "agents propose what they want done instead");
  if (!REVERTIBLE.has(action.status) || action.dryRun || action.effect !== "external") {
    throw notRevertible(action, `it is ${action.dryRun ? "a dry run" : action.status} and left nothing to take back`);
  }
  const parsed = planSchema.safeParse(await services.ledger.payload(action.planSeq ?? -1));
  if (!parsed.success) throw notRevertible(action, "its plan names nothing that takes it back");
  const { blind, inverse } = parsed.data.plan;
  const { kind, target, args } = inverse;
  const end = action.stepEnd === null ? null : await services.ledger.payload(action.stepEnd.seq);
  return {
    body: { kind, target, arguments: args as JsonObject, reason },
    undoing: { action: action.id, ...leftIn(end, { blind }), ...(blind === undefined ? {} : { blind }) },
  };
}

function notRevertible({ id }: ActionView, why: string): AppError {
  return new AppError("action-not-revertible", why, { action: id });
}
