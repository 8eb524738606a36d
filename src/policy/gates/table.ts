// The gates that rules may use, by name. A new gate is one file and one line here.

import { readBlastRadius } from "./blast-radius.ts";
import { readCircuitBreaker } from "./circuit-breaker.ts";
import { readConcurrency } from "./concurrency.ts";
import { readConflict } from "./conflict.ts";
import { readCumulative } from "./cumulative.ts";
import { readDuplicate } from "./duplicate.ts";
import type { ReadGate } from "./gate.ts";
import { readImageSignature } from "./image-signature.ts";
import { readIndependentSignals } from "./independent-signals.ts";
import { readNetworkBoundary } from "./network-boundary.ts";
import { readRateLimit } from "./rate-limit.ts";
import { readRehearsed } from "./rehearsed.ts";
import { readFreeze, readWindow } from "./window.ts";

export const GATES = {
  rateLimit: readRateLimit,
  cumulative: readCumulative,
  conflict: readConflict,
  concurrency: readConcurrency,
  duplicate: readDuplicate,
  circuitBreaker: readCircuitBreaker,
  independentSignals: readIndependentSignals,
  blastRadius: readBlastRadius,
  networkBoundary: readNetworkBoundary,
  window: readWindow,
  freeze: readFreeze,
  imageSignature: readImageSignature,
  rehearsed: readRehearsed,
} as const satisfies Record<string, ReadGate>;
