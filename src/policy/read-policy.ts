// Policy documents to definitions; every problem with its position.

import { canonicalEnvironment } from "../core/environment.ts";
import type { Calendars } from "./calendars.ts";
import { compileCondition, type Condition } from "./cel/condition.ts";
import { ConditionError } from "./cel/node.ts";
import { LEVEL_MAX } from "../wire/types/level.ts";
import { coversAction, mayHold, type Gate, type Match, type Policy, type Rule } from "./definitions.ts";
import { FACT_NAMES } from "./fact-names.ts";
import { checkMinimumLevel } from "./gates/minimum-level.ts";
import { readAction } from "./read-action.ts";
import { GATES } from "./gates/table.ts";
import { isWhole, readPlainName } from "./plain-names.ts";
import { ANYTHING, assume, assumeOneOf, assumeText, type Branch } from "./satisfiable.ts";
import type { Field } from "./yaml-reader.ts";

export const SERVICE = /^[^\s*]+$/;
export const TEXT_CHARS_MAX = 200;
const DESCRIPTION_CHARS_MAX = 2_000;
const CONDITION_CHARS_MAX = 2_000;
const ACTIONS_MAX = 64;
const ENVIRONMENTS_MAX = 32;
const SERVICES_MAX = 256;
/** Combinations of kind, environment and service that one policy may name: each is an entry of the rule index. */
const COMBINATIONS_MAX = 4_096;
const RULES_MAX = 1_000;
const GATES_MAX = 16;

/** A place that names a route, to be looked up when all files are read. */
export interface RouteUse {
  readonly name: string;
  readonly field: Field;
}

export function readName(metadata: Field | undefined): string | undefined {
  const fields = metadata?.fields(["name", "description"], ["name"]);
  fields?.description?.text(DESCRIPTION_CHARS_MAX);
  return fields?.name && readPlainName(fields.name, "lower-case letters, digits and dashes");
}

export interface PolicyContext {
  /** Routes that it uses are added. */
  readonly uses: RouteUse[];
  readonly calendars: Calendars;
}

/** The `spec` of a Policy named `name`. */
export function readPolicy(name: string, spec: Field, { uses, calendars }: PolicyContext): Policy | undefined {
  const fields = spec.fields(["match", "route", "rules"], ["match", "rules"]);
  const match = fields?.match && readMatch(fields.match);
  const route = fields?.route === undefined ? null : readRouteUse(fields.route, uses);
  if (fields === undefined || match === undefined || route === undefined) return undefined;
  const names = new Set<string>();
  const rules = fields.rules?.items(RULES_MAX)?.map((field) => {
    const rule = readRule(field, { policy: name, match, route, uses, calendars });
    if (rule !== undefined && names.has(rule.name)) return field.fail(`a second rule named \`${rule.name}\``);
    if (rule !== undefined) names.add(rule.name);
    return rule;
  });
  if (rules === undefined || !isWhole(rules)) return undefined;
  return { name, path: spec.path, line: spec.line, match, rules };
}

export function readMatch(field: Field): Match | undefined {
  const fields = field.fields(["actions", "environments", "services"], ["actions"]);
  const actions = fields?.actions?.items(ACTIONS_MAX)?.map(readAction);
  const environments = fields?.environments?.items(ENVIRONMENTS_MAX)?.map(readEnvironment) ?? null;
  const services =
    fields?.services
      ?.items(SERVICES_MAX)
      ?.map((service) => service.textLike(SERVICE, "a service's name", TEXT_CHARS_MAX)) ?? null;
  if (fields === undefined || actions === undefined || !isWhole(actions)) return undefined;
  if ((fields.environments && environments === null) || (fields.services && services === null)) return undefined;
  if ((environments && !isWhole(environments)) || (services && !isWhole(services))) return undefined;
  if (actions.length * (environments?.length ?? 1) * (services?.length ?? 1) > COMBINATIONS_MAX) {
    return field.fail(`names more than ${COMBINATIONS_MAX} combinations; split the policy`);
  }
  const covered = findCovered(actions);
  if (covered !== undefined) return fields.actions?.fail(`\`${covered}\` is covered by another entry`);
  if (hasRepeats(environments) || hasRepeats(services)) return field.fail("names something twice");
  return { actions, environments, services };
}

/** An entry that another one covers, or that is there twice: it would index its rules twice. */
function findCovered(actions: readonly string[]): string | undefined {
  return actions.find((action, i) => actions.some((other, j) => j !== i && coversAction(other, action)));
}

export function readEnvironment(field: Field): string | undefined {
  const name = field.text(TEXT_CHARS_MAX);
  if (name === undefined) return undefined;
  const canonical = canonicalEnvironment(name);
  return canonical === name ? name : field.fail(`never matches: this environment is called \`${canonical}\``);
}

interface RuleContext extends PolicyContext {
  readonly policy: string;
  readonly match: Match;
  readonly route: string | null;
}

function readRule(field: Field, context: RuleContext): Rule | undefined {
  const fields = field.fields(["name", "when", "gates", "minimumLevel", "decision", "route"], ["name", "decision"]);
  if (fields === undefined) return undefined;
  const name = fields.name && readPlainName(fields.name, "lower-case letters, digits and dashes");
  const decision = fields.decision?.oneOf(["allow", "hold", "refuse"] as const);
  const condition = fields.when === undefined ? null : readCondition(fields.when, context.match);
  const own = fields.route === undefined ? null : readRouteUse(fields.route, context.uses);
  if (name === undefined || decision === undefined || condition === undefined || own === undefined) return undefined;
  const route = own ?? context.route;
  const ruleContext = { ...context, rule: name, route };
  const others = fields.gates === undefined ? [] : readGates(fields.gates, ruleContext);
  const level = fields.minimumLevel === undefined ? NO_LEVEL : readMinimumLevel(fields.minimumLevel, ruleContext);
  if (others === undefined || level === undefined) return undefined;
  const gates = level.gate === null ? others : [...others, level.gate];
  const holds = decision === "hold" || gates.some(mayHold);
  if (decision === "refuse" && others.length > 0) return fields.gates?.fail("a rule that refuses needs no gates");
  if (decision !== "allow" && level.gate !== null)
    return fields.minimumLevel?.fail("only what is allowed needs a level");
  if (decision === "hold" && route === null) return field.fail("a hold needs a route, here or in the policy");
  if (own !== null && !holds) return fields.route?.fail("this rule never holds, so it needs no route");
  return { name, condition, decision, gates, minimumLevel: level.level, route, line: field.line };
}

type InRule = RuleContext & { readonly rule: string };

const NO_LEVEL = { level: 0, gate: null } as const;

/** `minimumLevel: 2`: what the rule allows waits for a person when an agent of a lower level asks for it. */
function readMinimumLevel(field: Field, context: InRule): { level: number; gate: Gate } | undefined {
  const level = field.integer(1, LEVEL_MAX);
  if (level === undefined) return undefined;
  if (context.route === null) return field.fail("what is below the level is held: name a route, here or in the policy");
  const check = checkMinimumLevel(level);
  const name = `${context.policy}/${context.rule}#minimumLevel`;
  return { level, gate: { name, onFail: "hold", route: context.route, check } };
}

function readGates(field: Field, context: InRule): readonly Gate[] | undefined {
  const rule = `${context.policy}/${context.rule}`;
  const labels = new Set<string>();
  const gates = field.items(GATES_MAX)?.map((item): Gate | undefined => {
    const entries = item.fields(Object.keys(GATES) as (keyof typeof GATES)[], []);
    const [[kind, params] = [], ...more] = Object.entries(entries ?? {}) as [keyof typeof GATES, Field][];
    if (kind === undefined || params === undefined || more.length > 0) return item.fail("must be one gate");
    const bound = GATES[kind](params, rule, context.calendars);
    if (bound === undefined) return undefined;
    const own = bound.route === null ? null : readRouteUse(bound.route, context.uses);
    if (own === undefined) return undefined;
    const route = own ?? context.route;
    if (mayHold(bound) && route === null) return item.fail("a hold needs a route, here or in the policy");
    if (labels.has(bound.label)) return item.fail("the same gate twice");
    labels.add(bound.label);
    const { onFail, onUnknown, check } = bound;
    const unknown = onUnknown === undefined || onUnknown === onFail ? {} : { onUnknown };
    return { name: `${rule}#${bound.label}`, onFail, ...unknown, route, check };
  });
  return gates !== undefined && isWhole(gates) ? gates : undefined;
}

export function readRouteUse(field: Field, uses: RouteUse[]): string | undefined {
  const name = readPlainName(field, "a route's name");
  if (name !== undefined) uses.push({ name, field });
  return name;
}

function readCondition(field: Field, match: Match): Condition | undefined {
  const text = field.text(CONDITION_CHARS_MAX);
  if (text === undefined) return undefined;
  try {
    const condition = compileCondition(text, FACT_NAMES);
    if (assume(condition.node, true, matchBranches(match)).length > 0) return condition;
    return field.fail("this condition can never be true");
  } catch (error) {
    if (error instanceof ConditionError) return field.fail(error.message, error.at);
    throw error;
  }
}

/** What a policy's `match` already says of the names in its conditions. */
export function matchBranches({ actions, environments, services }: Match): readonly Branch[] {
  const isKind = (kind: string): boolean => actions.some((action) => coversAction(action, kind));
  let branch = assumeText(ANYTHING, "action.kind", isKind);
  if (branch && actions.every((action) => !action.endsWith("*"))) branch = assumeOneOf(branch, "action.kind", actions);
  if (branch && environments) branch = assumeOneOf(branch, "action.environment", environments);
  if (branch && services) branch = assumeOneOf(branch, "action.service", services);
  return branch === undefined ? [] : [branch];
}

function hasRepeats(values: readonly unknown[] | null): boolean {
  return values !== null && new Set(values).size < values.length;
}
