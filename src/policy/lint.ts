// Finds what loads but should not be there: rules that are never reached, policies that contradict, what nothing uses, and
// checks that are given no time.

import type { Bundle } from "./load.ts";
import { ladderFindings, type LadderFindingCode } from "./lint-ladder.ts";
import { coversAction, mayHold, type Match, type Policy, type Rule } from "./definitions.ts";
import { matchBranches } from "./read-policy.ts";
import { assume, type Branch } from "./satisfiable.ts";

/** Pairs of rules looked at before the linter says that it stopped. */
const PAIRS_MAX = 100_000;

export type FindingCode =
  | "dead"
  | "shadowed"
  | "overlapping"
  | "route-unused"
  | "schedule-unused"
  | "calendar-unused"
  | "verification-hasty"
  | "incomplete"
  | LadderFindingCode;

export interface Finding {
  readonly code: FindingCode;
  /** `policy`, `policy/rule` or the route's name. */
  readonly subject: string;
  /** File and line of the subject; empty and 0 where it has none. */
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/**
 * Dead: no action that the rules before it leave. Shadowed: one earlier rule alone takes all its actions. Overlapping:
 * two policies decide differently about some action, so the more restrictive one wins. What it reports is so as far as
 * conditions compare names with constants; what it does not see through it does not report.
 */
export function lintBundle(bundle: Bundle): readonly Finding[] {
  const findings: Finding[] = [];
  const budget = { pairs: PAIRS_MAX };
  for (const policy of bundle.policies) findings.push(...unreachedRules(policy, budget));
  findings.push(
    ...overlaps(bundle.policies, budget),
    ...unusedRoutes(bundle),
    ...unusedSchedules(bundle),
    ...unusedCalendars(bundle),
    ...hastyVerifications(bundle),
    ...ladderFindings(bundle),
  );
  if (budget.pairs <= 0) {
    const message = `too many rules to compare all of them; stopped after ${PAIRS_MAX} pairs`;
    findings.push({ code: "incomplete", subject: "bundle", path: "", line: 0, message });
  }
  return findings;
}

type Budget = { pairs: number };

function unreachedRules(policy: Policy, budget: Budget): Finding[] {
  const findings: Finding[] = [];
  const start = matchBranches(policy.match);
  let left: readonly Branch[] = start;
  for (const [i, rule] of policy.rules.entries()) {
    if (holdsIn(rule, left).length === 0) {
      const by = policy.rules.slice(0, i).find((earlier) => takesAll(earlier, rule, start, budget));
      findings.push(unreached(policy, rule, by));
    }
    left = failsIn(rule, left);
  }
  return findings;
}

function unreached(policy: Policy, rule: Rule, by: Rule | undefined): Finding {
  const subject = `${policy.name}/${rule.name}`;
  const place = { subject, path: policy.path, line: rule.line };
  if (by === undefined) {
    return { ...place, code: "dead", message: "never reached: the rules before it together take all its actions" };
  }
  if (by.condition === null) {
    return { ...place, code: "dead", message: `never reached: \`${by.name}\` before it takes every action` };
  }
  return { ...place, code: "shadowed", message: `never reached: \`${by.name}\` before it is at least as wide` };
}

function takesAll(earlier: Rule, rule: Rule, start: readonly Branch[], budget: Budget): boolean {
  if (budget.pairs-- <= 0) return false;
  return failsIn(earlier, holdsIn(rule, start)).length === 0;
}

function holdsIn(rule: Rule, branches: readonly Branch[]): readonly Branch[] {
  return rule.condition === null ? branches : assume(rule.condition.node, true, branches);
}

/** Where a later rule is tried at all: a condition that fails ends its policy, so it must have been false. */
function failsIn(rule: Rule, branches: readonly Branch[]): readonly Branch[] {
  return rule.condition === null ? [] : assume(rule.condition.node, false, branches);
}

function overlaps(policies: readonly Policy[], budget: Budget): Finding[] {
  const findings: Finding[] = [];
  for (const [i, policy] of policies.entries()) {
    for (const other of policies.slice(i + 1)) {
      if (budget.pairs-- <= 0) return findings;
      const pair = meets(policy.match, other.match) ? contradiction(policy, other, budget) : undefined;
      if (pair === undefined) continue;
      const message =
        `\`${pair[0].name}\` says ${pair[0].decision} and \`${other.name}/${pair[1].name}\` says ${pair[1].decision} ` +
        "about some of the same actions; the more restrictive wins";
      findings.push({ code: "overlapping", subject: policy.name, path: policy.path, line: pair[0].line, message });
    }
  }
  return findings;
}

/** The first two rules that decide differently about one action. */
function contradiction(policy: Policy, other: Policy, budget: Budget): readonly [Rule, Rule] | undefined {
  const start = bothMatches(policy.match, other.match);
  for (const { rule, branches } of reached(policy, start)) {
    for (const { rule: second, branches: common } of reached(other, branches)) {
      if (budget.pairs-- <= 0) return undefined;
      if (rule.decision !== second.decision && common.length > 0) return [rule, second];
    }
  }
  return undefined;
}

function* reached(policy: Policy, start: readonly Branch[]): Generator<{ rule: Rule; branches: readonly Branch[] }> {
  let left = start;
  for (const rule of policy.rules) {
    const branches = holdsIn(rule, left);
    if (branches.length > 0) yield { rule, branches };
    left = failsIn(rule, left);
    if (left.length === 0) return;
  }
}

/** What both matches say; kinds are left to `meets`, since patterns do not intersect into one. */
function bothMatches(a: Match, b: Match): readonly Branch[] {
  const common = (x: readonly string[] | null, y: readonly string[] | null): readonly string[] | null =>
    x === null ? y : y === null ? x : x.filter((text) => y.includes(text));
  const exact = [...a.actions, ...b.actions].filter(
    (kind) =>
      !kind.endsWith("*") && [a, b].every((match) => match.actions.some((action) => coversAction(action, kind))),
  );
  const isOpen = [a, b].every((match) => match.actions.some((action) => action.endsWith("*")));
  return matchBranches({
    actions: isOpen ? ["*"] : [...new Set(exact)],
    environments: common(a.environments, b.environments),
    services: common(a.services, b.services),
  });
}

function meets(a: Match, b: Match): boolean {
  const share = (x: readonly string[] | null, y: readonly string[] | null): boolean =>
    x === null || y === null || x.some((text) => y.includes(text));
  const kinds = a.actions.some((x) => b.actions.some((y) => coversAction(x, y) || coversAction(y, x)));
  return kinds && share(a.environments, b.environments) && share(a.services, b.services);
}

function unusedRoutes({ policies, routes, ladder }: Bundle): Finding[] {
  const used = new Set<string | null>([ladder?.route ?? null]);
  for (const policy of policies) {
    for (const rule of policy.rules) {
      if (rule.decision === "hold") used.add(rule.route);
      for (const gate of rule.gates) if (mayHold(gate)) used.add(gate.route);
    }
  }
  const unused = [...routes.keys()].filter((name) => !used.has(name));
  return unused.map((subject) => ({
    code: "route-unused",
    subject,
    path: "",
    line: 0,
    message: `no rule holds on the route \`${subject}\``,
  }));
}

function unusedSchedules({ routes, schedules }: Bundle): Finding[] {
  const steps = [...routes.values()].flatMap((route) => route.steps);
  const used = new Set(steps.flatMap(({ asks }) => asks.seats.flatMap((seats) => seats.schedules)));
  const unused = [...schedules.values()].filter(({ name }) => !used.has(name));
  return unused.map(({ name: subject, path, line }) => ({
    code: "schedule-unused",
    subject,
    path,
    line,
    message: `no route asks whoever is on duty by the schedule \`${subject}\``,
  }));
}

function unusedCalendars({ calendars }: Bundle): Finding[] {
  return calendars.unused().map(({ name: subject, ...place }) => {
    return { code: "calendar-unused", subject, ...place, message: `no gate names the calendar \`${subject}\`` };
  });
}

/** With the model's own settings two windows of a minute, the second within what is left of the first, and what waits for its trace. */
const MODEL_TELLS_MS = 135_000;

function hastyVerifications({ verifications }: Bundle): Finding[] {
  const hasty = verifications.filter(({ checks, settleMs, everyMs, failures }) => {
    return checks.some(({ kind }) => kind === "model") && settleMs + (failures - 1) * everyMs < MODEL_TELLS_MS;
  });
  return hasty.map(({ name: subject, path, line }) => {
    const message =
      "takes the action back before the runtime model can tell: two windows of telemetry (135s, unless configured shorter) have " +
      "to pass by its last failure; give it a longer `settle`, or more `failures`";
    return { code: "verification-hasty", subject, path, line, message };
  });
}
