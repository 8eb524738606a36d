// A policy small enough to read whole, with every outcome a real one has: stateful limits, duplicates, holds, refusals.

import type { ActiveLadder, ActivePolicy, ActiveRoute, Engine, RouteStep } from "../../src/kernel/transaction.ts";
import type { CounterReader, PolicyFacts } from "../../src/wire/types/policy-facts.ts";
import type { Evaluation, Reservation, Verdict } from "../../src/wire/types/verdict.ts";

const QUARTER_MS = 15 * 60_000;
const HALF_MS = 30 * 60_000;

function step(withinMs: number, ...each: readonly (readonly string[])[]): RouteStep {
  const seats = each.map((roles) => ({ roles, people: [], schedules: [], agents: false, count: 1 }));
  return { asks: { seats, independentOf: [] }, withinMs, remindEveryMs: withinMs / 3 };
}

const ROUTES: ReadonlyMap<string, ActiveRoute> = new Map<string, ActiveRoute>([
  ["on-call", { steps: [step(5 * 60_000, ["sre"]), step(10 * 60_000, ["sre", "manager"])] }],
  [
    "two",
    {
      steps: [step(5 * 60_000, ["admin"], ["sre"]), step(10 * 60_000, ["sre"], ["manager", "admin"])],
      breakGlass: { roles: ["sre"], people: 2, withinMs: 60_000, reviewRoles: ["admin"], reviewWithinMs: 60_000 },
    },
  ],
  ["admins", { steps: [step(HALF_MS, ["admin"])] }],
  ["owners", { steps: [step(HALF_MS, ["admin"])] }],
]);

/** Everything passes from the third stage on. */
const LADDER: ActiveLadder = {
  route: "on-call",
  stages: [],
  permits: (stage) => stage !== "shadow" && stage !== "assist",
};

/** Decides by kind and confidence; the hash is whatever it is given. */
function fixedPolicy(hash: string): ActivePolicy {
  const decide: ActivePolicy["evaluate"] = (facts, counters) => evaluate(facts, { counters, hash });
  return { hash, routes: ROUTES, schedules: new Map(), ladder: LADDER, verificationFor, evaluate: decide };
}

/** What the runbook changes is checked afterwards. */
const verificationFor: ActivePolicy["verificationFor"] = ({ kind }) =>
  kind.startsWith("checked.")
    ? {
        name: "checked",
        settleMs: 1_000,
        everyMs: 1_000,
        samples: 2,
        failures: 1,
        withinMs: 60_000,
        onFailure: "revert",
        checks: [{ kind: "http", name: "health", endpoint: "shop", path: "/", statuses: [200] }],
      }
    : undefined;

/** An engine that knows bundles once they are loaded; with `known` it knows those from the start. */
export function engineWith(version: string, known: readonly string[] = []): Engine & { load(hash: string): void } {
  const policies = new Map(known.map((hash) => [hash, fixedPolicy(hash)]));
  return {
    version,
    policy: (hash) => policies.get(hash),
    load: (hash) => void policies.set(hash, fixedPolicy(hash)),
  };
}

function evaluate(facts: PolicyFacts, at: { counters: CounterReader; hash: string }): Evaluation {
  const { action, classification } = facts;
  const answer = (decision: Evaluation["decision"], code: string, more: Partial<Evaluation> = {}): Evaluation => ({
    decision,
    verdicts: [verdict(decision, code, classification.confidence)],
    route: null,
    draftRoute: null,
    duplicateOf: null,
    reservations: [],
    duplicateKeys: [],
    minimumLevel: 0,
    bundleHash: at.hash,
    ...more,
  });
  const isGoverned = ["killswitch.resume", "policy.activate", "level.grant"].includes(action.kind);
  if (isGoverned || facts.stage.raises) {
    return answer("hold", "two-people", { route: "admins" });
  }
  if (action.kind === "nowhere.go") return answer("hold", "route-missing", { route: "nobody" });
  if (action.kind.startsWith("forbidden.")) return answer("refuse", "forbidden");
  if (classification.known && classification.confidence < 0.8) return answer("hold", "unsure", { route: "on-call" });
  const key = `${action.kind}|${action.service}|${action.requestHash}`;
  const duplicateOf = at.counters.lastPassed(key, HALF_MS);
  if (duplicateOf !== null && duplicateOf !== action.id) return answer("refuse", "duplicate", { duplicateOf });
  const limit: Reservation = { counter: `${action.kind}|${action.service}`, windowMs: QUARTER_MS, max: 5 };
  if (at.counters.used(limit.counter, limit.windowMs) >= limit.max) return answer("refuse", "rate-limited");
  if (action.kind === "measured.change") {
    const { prediction } = facts;
    if (prediction === null) return answer("refuse", "prediction-missing", { awaits: "prediction" });
    if (prediction.code !== "") return answer("hold", prediction.code, { route: "on-call" });
    if (prediction.share.high > 500_000) return answer("refuse", "blast-radius-exceeded");
  }
  if (action.kind === "careful.change") {
    const behind = at.counters.contenders(action.id).map(({ id }) => id);
    return answer("hold", "asks", {
      route: action.service === "payments" ? "two" : "on-call",
      reservations: [limit],
      duplicateKeys: [key],
      ...(behind.length === 0 ? {} : { waits: { forMs: 60_000, behind } }),
    });
  }
  return answer("allow", "fine", { reservations: [limit], duplicateKeys: [key] });
}

function verdict(decision: Evaluation["decision"], code: string, confidence: number): Verdict {
  const kind = decision === "allow" ? "pass" : decision;
  return { gate: `fixed/${code}`, verdict: kind, code, evidence: { confidence } };
}
