// A change of a workload in several goes: a canary of a StatefulSet by its partition, replicas step by step.

import { AppError } from "../../core/errors.ts";

/** What is true when a phase is done, for people, and the number that makes it so. */
export interface Step {
  readonly label: string;
  readonly value: number;
}

/**
 * The partitions that give the pods of a StatefulSet a new template so many percent at a time; the highest ordinals come
 * first, and the last step leaves the partition as it was. Throws `arguments-invalid` for more steps than pods.
 */
export function partitionsFor(
  percents: readonly number[],
  { replicas, kept }: { readonly replicas: number; readonly kept: number },
): readonly Step[] {
  const pods = Math.max(0, replicas - kept);
  return distinct(
    percents.map((percent) => {
      const updated = shareOf(pods, percent);
      const value = percent === 100 ? kept : replicas - updated;
      return { label: `${percent} %: ${updated} of ${pods} pods`, value };
    }),
    replicas,
  );
}

/** How many replicas there are after each step from one number to another. Throws `arguments-invalid` as above. */
export function replicasFor(
  percents: readonly number[],
  { from, to }: { readonly from: number; readonly to: number },
): readonly Step[] {
  return distinct(
    percents.map((percent) => {
      const value = from + Math.sign(to - from) * shareOf(Math.abs(to - from), percent);
      return { label: `${percent} %: ${value} replicas`, value };
    }),
    from,
  );
}

/** Never none: what is said to be done in a step is at least one. */
function shareOf(all: number, percent: number): number {
  return Math.min(all, Math.ceil((all * percent) / 100));
}

/** A step that changes nothing would be checked for nothing. */
function distinct(steps: readonly Step[], from: number): readonly Step[] {
  const values = [from, ...steps.map(({ value }) => value)];
  if (new Set(values).size === values.length) return steps;
  throw new AppError("arguments-invalid", "it has too few pods for so many phases", { phases: steps.length });
}
