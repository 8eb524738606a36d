// From facts to a decision: each policy that applies contributes its first true rule, and the most restrictive wins.
//
// No rule, facts out of range, or a condition or gate that fails give refuse. Everything that does not depend on the facts is
// built once: the common case, one rule without gates, answers a prepared object.

import type { CounterReader, PolicyFacts } from "../wire/types/policy-facts.ts";
import type { DecisionKind, Evaluation, Reservation, Verdict, VerdictKind } from "../wire/types/verdict.ts";
import type { Frame } from "./cel/compile.ts";
import { ConditionFault, type FaultReason } from "./cel/fault.ts";
import type { Gate, Policy, Rule } from "./definitions.ts";
import { areFactsValid } from "./fact-names.ts";
import type { GateOutcome } from "./gates/gate.ts";
import { type IndexedRule, RuleIndex } from "./rule-index.ts";

export type Evaluate = (facts: PolicyFacts, counters: CounterReader) => Evaluation;

const VERDICT_OF: Readonly<Record<DecisionKind, VerdictKind>> = { allow: "pass", hold: "hold", refuse: "refuse" };

/** What never changes about a rule's part in a decision. */
interface Prepared {
  readonly rule: Rule;
  readonly verdict: Verdict;
  /** The whole answer when this rule is alone and has no gates. */
  readonly alone: Evaluation | null;
}

/** The evaluator over checked policies; `bundleHash` goes into every answer. Not to be called from within itself. */
export function makeEvaluate(policies: readonly Policy[], bundleHash: string): Evaluate {
  const index = new RuleIndex(policies);
  const prepared = new Map<Rule, Prepared>();
  for (const policy of policies) {
    for (const rule of policy.rules) prepared.set(rule, prepare(policy, rule, bundleHash));
  }
  const noRule = refusal("no-rule", bundleHash);
  const invalidFacts = refusal("facts-invalid", bundleHash);
  const frame: Frame = { root: undefined, slots: [] };

  return (facts, counters) => {
    if (!areFactsValid(facts)) return invalidFacts;
    const { kind, environment, service } = facts.action;
    frame.root = facts;
    const contributed = firstTrueRules(index.find(kind, environment, service), frame);
    const first = contributed[0];
    if (first === undefined) return noRule;
    if (contributed.length === 1 && first.fault === null) {
      const alone = prepared.get(first.rule)?.alone;
      if (alone) return alone;
    }
    const tally = new Tally(bundleHash);
    for (const { rule, fault } of contributed) {
      const part = prepared.get(rule) as Prepared;
      if (fault === null) addRule(tally, part, facts, counters);
      else tally.add(faultVerdict(part.verdict.gate, fault), null);
    }
    return tally.evaluation();
  };
}

/** `unexpected`: a defect of ours. It refuses the one action, and stops nothing else. */
type Fault = FaultReason | "unexpected";

interface Contribution {
  readonly rule: Rule;
  readonly fault: Fault | null;
}

const NONE: readonly Contribution[] = [];

/** Per policy, the first rule whose condition is true, or fails: a failure ends the policy, it is not skipped. */
function firstTrueRules(candidates: readonly IndexedRule[], frame: Frame): readonly Contribution[] {
  let found: Contribution[] | undefined;
  let settled = -1;
  for (const { policy, rule } of candidates) {
    if (policy === settled) continue;
    let fault: Fault | null = null;
    try {
      if (rule.condition !== null && rule.condition.run(frame) !== true) continue;
    } catch (error) {
      fault = error instanceof ConditionFault ? error.reason : "unexpected";
    }
    settled = policy;
    (found ??= []).push({ rule, fault });
  }
  return found ?? NONE;
}

function addRule(tally: Tally, { rule, verdict }: Prepared, facts: PolicyFacts, counters: CounterReader): void {
  tally.add(verdict, rule.route);
  tally.require(rule.minimumLevel);
  for (const gate of rule.gates) addGate(tally, gate, facts, counters);
}

function addGate(tally: Tally, gate: Gate, facts: PolicyFacts, counters: CounterReader): void {
  const outcome = checkGate(gate, facts, counters);
  if (outcome === undefined) return tally.add(faultVerdict(gate.name, "unexpected"), null);
  const { code, evidence, passed, isUnknown, awaits } = outcome;
  const failed = isUnknown === true ? (gate.onUnknown ?? gate.onFail) : gate.onFail;
  const verdict = { code, evidence, gate: gate.name, verdict: passed ? "pass" : failed } as const;
  if (awaits !== undefined) return tally.await(verdict, gate.route);
  tally.add(verdict, gate.route, outcome.duplicateOf);
  if (outcome.waits !== undefined) tally.wait(outcome.waits);
  if (outcome.reservation !== undefined) tally.reservations.push(outcome.reservation);
  if (outcome.duplicateKey !== undefined) tally.duplicateKeys.push(outcome.duplicateKey);
}

/** Undefined when its code throws: what could not be checked does not pass. */
function checkGate(gate: Gate, facts: PolicyFacts, counters: CounterReader): GateOutcome | undefined {
  try {
    return gate.check(facts, counters);
  } catch {
    return undefined;
  }
}

/** Collects verdicts: refuse beats hold beats pass. */
class Tally {
  readonly verdicts: Verdict[] = [];
  readonly reservations: Reservation[] = [];
  readonly duplicateKeys: string[] = [];
  readonly #bundleHash: string;
  #decision: DecisionKind = "allow";
  #route: string | null = null;
  #draftRoute: string | null = null;
  #duplicateOf: string | null = null;
  #onlyDuplicates = true;
  #minimumLevel = 0;
  #awaits = false;
  #waits: Evaluation["waits"];
  #refusals = 0;

  constructor(bundleHash: string) {
    this.#bundleHash = bundleHash;
  }

  add(verdict: Verdict, route: string | null, duplicateOf?: string): void {
    this.verdicts.push(verdict);
    if (verdict.verdict === "refuse") {
      this.#decision = "refuse";
      this.#refusals++;
      if (duplicateOf === undefined) this.#onlyDuplicates = false;
      else this.#duplicateOf ??= duplicateOf;
    } else if (verdict.verdict === "hold") {
      if (this.#decision === "allow") this.#decision = "hold";
      this.#route ??= route;
    } else this.#draftRoute ??= route;
  }

  /** Fails until it is known; it is worth asking unless something else refuses anyway. */
  await(verdict: Verdict, route: string | null): void {
    this.#awaits = true;
    this.add(verdict, route);
    if (verdict.verdict === "refuse") this.#refusals--;
  }

  /** Behind all of them, and no longer than the least patient of the gates says. */
  wait({ forMs, behind }: NonNullable<Evaluation["waits"]>): void {
    const before = this.#waits ?? { forMs, behind: [] };
    const both = [...before.behind, ...behind.filter((one) => !before.behind.includes(one))];
    this.#waits = { forMs: Math.min(before.forMs, forMs), behind: both };
  }

  require(minimumLevel: number): void {
    if (minimumLevel > this.#minimumLevel) this.#minimumLevel = minimumLevel;
  }

  evaluation(): Evaluation {
    const refused = this.#decision === "refuse";
    return {
      decision: this.#decision,
      verdicts: this.verdicts,
      route: this.#decision === "hold" ? this.#route : null,
      draftRoute: this.#decision === "allow" ? this.#draftRoute : null,
      // Suppressed only when repeating is all that speaks against it.
      duplicateOf: refused && this.#onlyDuplicates ? this.#duplicateOf : null,
      reservations: refused ? [] : this.reservations,
      duplicateKeys: refused ? [] : this.duplicateKeys,
      minimumLevel: this.#minimumLevel,
      bundleHash: this.#bundleHash,
      ...(this.#waits === undefined ? {} : { waits: this.#waits }),
      ...(this.#awaits && this.#refusals === 0 ? { awaits: "prediction" as const } : {}),
    };
  }
}

function prepare(policy: Policy, rule: Rule, bundleHash: string): Prepared {
  const verdict: Verdict = {
    code: `rule-${rule.decision}`,
    evidence: {},
    gate: `${policy.name}/${rule.name}`,
    verdict: VERDICT_OF[rule.decision],
  };
  const tally = new Tally(bundleHash);
  tally.add(verdict, rule.route);
  return { rule, verdict, alone: rule.gates.length === 0 ? tally.evaluation() : null };
}

function faultVerdict(gate: string, reason: Fault): Verdict {
  if (reason === "unexpected") return { gate, verdict: "refuse", code: "policy-error", evidence: {} };
  return { gate, verdict: "refuse", code: "condition-error", evidence: { reason } };
}

function refusal(code: string, bundleHash: string): Evaluation {
  const tally = new Tally(bundleHash);
  tally.add({ gate: "policy", verdict: "refuse", code, evidence: {} }, null);
  return tally.evaluation();
}
