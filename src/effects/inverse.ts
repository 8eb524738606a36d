// How a plan is taken back: what its executor says, as facts that the kernel can keep.

import { hash } from "node:crypto";
import { z } from "zod";
import { canonicalJson } from "../core/canonical-json.ts";
import { AppError } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { InverseFacts } from "../kernel/events.ts";
import type { ActionKind, Plan, PlanRequest, Target } from "../wire/contracts/executor.ts";
import type { PayloadReader } from "../wire/contracts/writer.ts";

const inverseSchema = z.object({
  kind: z.string(),
  target: z.object({ environment: z.string(), service: z.string(), resource: z.string().optional() }),
  args: z.record(z.string(), z.unknown()),
});

/**
 * The facts of a plan's inverse. Undefined where it has none, or one that nobody can run, or one that is about something
 * else than the action: then it counts as not reversible.
 */
export function findInverse(
  { inverse, blind }: Pick<Plan, "inverse" | "blind">,
  at: { readonly target: Target; readonly kindOf: (kind: string) => ActionKind | undefined },
): InverseFacts | undefined {
  const parsed = inverseSchema.safeParse(inverse);
  if (!parsed.success) return undefined;
  const { kind, target } = parsed.data;
  const known = at.kindOf(kind);
  const isSame = target.environment === at.target.environment && target.service === at.target.service;
  if (known === undefined || known.effect !== "external" || !isSame) return undefined;
  return { hash: hashOf(inverse), kind, repeat: known.repeat, ...(blind === true ? { blind } : {}) };
}

function hashOf(inverse: Json): string {
  return hash("sha256", canonicalJson(inverse));
}

/** What a revert needs to be planned: its arguments, as the plan that was decided on has them, and how things were left. */
export type RevertContent = { readonly args: JsonObject } & Pick<PlanRequest, "left">;

/** How an action left its target, by the content of its end, for the plan of its revert. */
export function leftIn(end: Json, { blind }: { readonly blind?: true | undefined }): Pick<PlanRequest, "left"> {
  const { left } = (end ?? {}) as { readonly left?: Json };
  if (typeof left === "string") return { left };
  return blind === true ? {} : { left: null };
}

/** Of an action that took effect: the events with its plan and its end, and the inverse that was decided on with it. */
type Done = { readonly planSeq: number; readonly endSeq: number; readonly hash: string };

/** Throws `plan-mismatch` when the inverse on record is not the one that was granted, `event-not-found` without one. */
export async function readRevert(payloads: PayloadReader, { planSeq, endSeq, hash }: Done): Promise<RevertContent> {
  const { plan } = (await payloads.payload(planSeq)) as unknown as { plan?: Plan };
  const parsed = inverseSchema.safeParse(plan?.inverse);
  if (plan === undefined || !parsed.success || hashOf(plan.inverse) !== hash) {
    throw new AppError("plan-mismatch", "the recorded inverse is not the one that was granted", { plan: planSeq });
  }
  return { args: parsed.data.args as JsonObject, ...leftIn(await payloads.payload(endSeq), plan) };
}
