// What every check has to say and to ask with.

import type { Answer } from "../../wire/contracts/egress.ts";
import type { HealthAnswer } from "../../wire/contracts/health.ts";

/** A read of an endpoint that configuration names. Throws `config-invalid` for any other. */
export type Get = (endpoint: string, path: string, signal: AbortSignal) => Promise<Answer>;

export function unknown(code: string): HealthAnswer {
  return { result: "unknown", evidence: { code } };
}
