// Waiting with an end: a call that ignores its abort signal keeps nobody waiting.

import { ERRORS, isAppError } from "../core/errors.ts";

class NoAnswer extends Error {}

/** What `work` gives, or a rejection as soon as `signal` aborts. The work itself may go on; nobody hears of its end. */
export async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new NoAnswer("no answer in time"));
  });
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** A system that could not be asked, or not in time, has said nothing of what it was asked: asking again may tell. */
export function couldNotBeAsked(error: unknown): boolean {
  if (isAppError(error)) return ERRORS[error.code].status === 503;
  return error instanceof NoAnswer || (error instanceof DOMException && error.name === "TimeoutError");
}
