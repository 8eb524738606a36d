// Many pieces of one request, done so that nobody else waits for all of them.

import { setImmediate } from "node:timers/promises";

type Turns<T, R> = {
  readonly items: readonly T[];
  readonly one: (item: T) => Promise<R>;
  /** Whether nothing after this result is to be done. */
  readonly isLast: (result: R) => boolean;
};

/** One after the other; between any two the thread is free for whatever else has come: a decision, a kill switch. */
export async function inTurn<T, R>({ items, one, isLast }: Turns<T, R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (const item of items) {
    if (results.length > 0) await setImmediate();
    const result = await one(item);
    results.push(result);
    if (isLast(result)) break;
  }
  return results;
}
