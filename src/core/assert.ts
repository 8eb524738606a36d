// Programmer errors: an invariant that does not hold stops the work at once.

export class InvariantError extends Error {
  override name = "InvariantError";
}

/** Throws InvariantError when `condition` is false; the message states the invariant. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new InvariantError(`invariant: ${invariant}`);
}

/** For exhaustive switches: the compiler proves that this is never called. */
export function unreachable(value: never): never {
  throw new InvariantError(`invariant: unreachable value ${JSON.stringify(value)}`);
}
