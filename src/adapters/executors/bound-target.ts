// Whose a place is: configuration offers each to one target. A call names the target that it was approved for, and is not
// made once configuration has given the place to another.

import { z } from "zod";
import { canonicalEnvironment } from "../../core/environment.ts";

/** Part of a call. Plans from before named none: of those it may be asked what they did, and none of them is run. */
export const boundTarget = z.strictObject({ environment: z.string(), service: z.string() });
export type BoundTarget = z.output<typeof boundTarget>;

export function boundTo({ environment, service }: BoundTarget): BoundTarget {
  return { environment, service };
}

/** The target binds it: what is proposed for one service changes nothing of another. */
export function isFor(configured: BoundTarget, target: BoundTarget | undefined): boolean {
  if (target === undefined) return false;
  const [now, then] = [configured.environment, target.environment].map(canonicalEnvironment);
  return now === then && configured.service === target.service;
}
