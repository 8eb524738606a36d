// What a seeded workload draws: numbers, and what sources say.

import { hash } from "node:crypto";
import type { CommandInputs } from "../../src/kernel/command.ts";
import { SEVERITIES } from "../../src/wire/types/classification.ts";

/** mulberry32: small, seeded, the same everywhere. */
export class Draws {
  #random: number;

  constructor(seed: number) {
    this.#random = seed >>> 0;
  }

  below(bound: number): number {
    this.#random = (this.#random + 0x6d2b79f5) >>> 0;
    let t = this.#random;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % bound;
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  from<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  one<T>(items: readonly T[]): T | undefined {
    return items[this.below(Math.max(items.length, 1))];
  }
}

export interface SignalOf {
  readonly environment: string;
  readonly service: string;
  readonly status: "firing" | "resolved";
  readonly number: number;
}

export function signalOf(draws: Draws, of: SignalOf & { readonly nowMs: number }) {
  const { environment, service, status, number, nowMs } = of;
  return {
    source: draws.from(["am", "other"]),
    detector: draws.from(["prometheus:Errors", "prometheus:Latency"]),
    status,
    environment,
    service,
    signature: hash("sha256", `${service}${draws.below(3)}`),
    failure: hash("sha256", `failure${draws.below(3)}`),
    deliveryKey: `am:${number}:${status}`,
    claimedSeverity: draws.from(["none", "low", "medium", "high", "sev1"]),
    ...(draws.chance(4) ? { dated: true as const, occurredAt: nowMs - draws.below(120_000) } : {}),
    ...(draws.chance(4) ? { endless: true as const } : {}),
  };
}

/** The pager's, or the tracker's, about one of our own incidents. */
export function wordOf(
  draws: Draws,
  { subject, nowMs }: { subject: string; nowMs: number },
): CommandInputs["note-incident"] {
  return {
    source: "am",
    deliveryKey: `word${draws.below(500)}:tracked`,
    system: draws.from(["pagerduty", "servicenow", "servicenow-major"]),
    subject,
    state: draws.from(["open", "assigned", "acknowledged", "resolved", "reopened", "updated"]),
    record: "P1",
    at: draws.chance(5) ? null : nowMs - draws.below(60_000),
    revision: draws.chance(2) ? null : draws.below(9),
  };
}

/** What a classifier says of a run, or that its answer was none. */
export function classificationOf(draws: Draws, run: string): CommandInputs["classify-run"] {
  const known = !draws.chance(6);
  const classification = {
    severity: draws.from(SEVERITIES),
    confidencePpm: draws.below(1_000_001),
    requiresTicket: draws.chance(2),
    requiresPaging: draws.chance(2),
    requiresMim: draws.chance(5),
    team: "shop",
  };
  const by = { provider: "rules", model: "r", modelVersion: "1", promptHash: "p" };
  const classifier = { ...by, answerHash: hash("sha256", run), inputTokens: 321, outputTokens: 45 };
  const said = draws.chance(2) ? classifier : null;
  return known
    ? { run, classification, classifier, code: "", problems: [] }
    : { run, classification: null, classifier: said, code: "invalid", problems: ["confidence"] };
}

/** For whom an agent says that it acts. */
export const ACTS_FOR = [
  { id: "person:p-bob", person: "p-bob" },
  { id: "agent:a0", person: null },
];
