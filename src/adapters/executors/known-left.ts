// How an action left its target, for executors that compare before they take it back.

import { AppError } from "../../core/errors.ts";
import type { PlanRequest } from "../../wire/contracts/executor.ts";

/** Undefined for what takes nothing back. Throws `target-moved` where nobody knows: there is nothing to compare with. */
export function knownLeft({ left }: PlanRequest): string | undefined {
  if (left !== null) return left;
  throw new AppError("target-moved", "nobody knows how it was left: what was changed since would not be seen");
}
