// Reading one secret for one call: bounded in time, checked for what a header can carry, never in an error.

import type { Credentials } from "../../wire/contracts/credentials.ts";

/** Printable ASCII: nothing that could end a header line. */
const SECRET = /^[\x20-\x7e]{1,4096}$/;

/** A secret that a header can carry, or undefined when there is none, or `signal` aborted first. Never throws. */
export async function readSecret(
  credentials: Credentials,
  ref: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const secret = await readSecretText(credentials, ref, signal);
  return secret !== undefined && SECRET.test(secret) ? secret : undefined;
}

/** A secret of whatever form. */
export async function readSecretText(
  credentials: Credentials,
  ref: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  const onAbort = (): void => resolve(undefined);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return signal.aborted ? undefined : await Promise.race([credentials.get(ref, signal), aborted]);
  } catch {
    return undefined; // what the keeper of secrets says about a failure is for its own log
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
