// The real clock, randomness and timers, in one place.

import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
};
