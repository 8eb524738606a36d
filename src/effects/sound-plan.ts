// What executors answer as a plan, before anything is made of it: of the right shape, and no larger than people can be asked.

import { AppError } from "../core/errors.ts";
import type { Plan } from "../wire/contracts/executor.ts";

/** Characters of all texts and numbers together, about the bytes of its canonical JSON. */
const PLAN_CHARS_MAX = 4 * 1_048_576;
const DEPTH_MAX = 64;

/** Throws `plan-too-large`, or any error for what is no plan: an executor that answers garbage has made none. */
export function checkPlan(plan: Plan): void {
  const { kind, calls, change, reversible, fingerprint, signature, size, inverse, phases, awaits, blind } = plan;
  const isSound =
    typeof kind === "string" &&
    Array.isArray(calls) &&
    typeof reversible === "boolean" &&
    (fingerprint === null || typeof fingerprint === "string") &&
    (signature === undefined || typeof signature === "string") &&
    (size === undefined || (Number.isSafeInteger(size) && size >= 0)) &&
    (change === undefined || (typeof change === "string" && /^[0-9a-f]{64}$/.test(change))) &&
    (phases === undefined || Array.isArray(phases)) &&
    (awaits === undefined || awaits === true) &&
    (blind === undefined || blind === true) &&
    (inverse === null || typeof inverse === "object");
  if (!isSound) throw new TypeError("the executor made no plan");
  if (measure(plan, PLAN_CHARS_MAX, 0) > PLAN_CHARS_MAX) {
    throw new AppError("plan-too-large", `the plan has more than ${PLAN_CHARS_MAX} characters`);
  }
}

/** Stops counting once there are more than `max`: what is too large is not walked to its end. */
function measure(value: unknown, max: number, depth: number): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value !== "object" || value === null) return 8;
  if (depth > DEPTH_MAX) return max + 1;
  let chars = 2;
  for (const [name, member] of Object.entries(value)) {
    chars += name.length + 4 + measure(member, max - chars, depth + 1);
    if (chars > max) break;
  }
  return chars;
}
