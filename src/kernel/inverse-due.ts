// Inverse dry runs: what takes an action back is planned again once the action is done, against the world as it left that,
// without an effect. Whether it would go is on the action's record before anybody needs it.
//
//   done ─► tried ─planned─► it would go, by that plan
//             ├─refused─► it would not, and why
//             └─unknown─► tried again, twice at most

import type { InverseFacts } from "./events.ts";

/** An action that stands and can be taken back, until that was tried or begins. */
export type InverseDue = {
  readonly environment: string;
  readonly service: string;
  readonly resource: string | null;
  readonly inverse: InverseFacts;
  /** The events whose payloads hold its plan, and how it left its target. */
  readonly planSeq: number;
  readonly endSeq: number;
  readonly tries: number;
  readonly doneAt: number;
  readonly dueAt: number;
};

const AGAIN_MS: readonly number[] = [30_000, 5 * 60_000];
const WITHIN_MS = 3_600_000;

/** Nobody tries any more: what it would tell by now is about another world than the one that the action left. */
export function isTooLate({ doneAt }: Pick<InverseDue, "doneAt">, now: number): boolean {
  return now - doneAt > WITHIN_MS;
}

/** When it is tried again after so many tries that told nothing; null after the last one. */
export function triedAgainAt({ tries, doneAt }: Pick<InverseDue, "tries" | "doneAt">, now: number): number | null {
  const wait = AGAIN_MS[tries - 1];
  return wait === undefined || isTooLate({ doneAt }, now) ? null : now + wait;
}
