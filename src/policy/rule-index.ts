// Finds the rules that can apply to an action by its kind, environment and service, without visiting any other.

import { coversAction, type Match, type Policy, type Rule } from "./definitions.ts";
import { intersection, selectedTexts } from "./selectors.ts";

const ANY = "*";
const COMBINATIONS_MAX = 4_096;
const CACHED_MAX = 20_000;

export interface IndexedRule {
  /** Position of the policy among all; rules of one policy follow each other. */
  readonly policy: number;
  /** Position among all rules. */
  readonly ordinal: number;
  readonly rule: Rule;
}

type Level<T> = Map<string, T>;
type Rules = readonly IndexedRule[];

/**
 * Entries are keyed kind, environment, service, each exact or any (kinds also by prefix), from the policy's `match`
 * and from what the condition demands. `find` merges the entries that fit and remembers the result: a bounded memory of
 * a pure function.
 */
export class RuleIndex {
  readonly #entries: Level<Level<Level<IndexedRule[]>>> = new Map();
  #cache: Level<Level<Level<Rules>>> = new Map();
  #cached = 0;

  constructor(policies: readonly Policy[]) {
    let ordinal = 0;
    for (const [position, policy] of policies.entries()) {
      for (const rule of policy.rules) this.#add({ policy: position, ordinal: ordinal++, rule }, policy.match);
    }
  }

  /** Rules in the order of their policies, then as written. */
  find(kind: string, environment: string, service: string): Rules {
    const known = this.#cache.get(kind)?.get(environment)?.get(service);
    if (known !== undefined) return known;
    const rules = this.#merge(kind, environment, service);
    if (this.#cached >= CACHED_MAX) {
      this.#cache = new Map();
      this.#cached = 0;
    }
    this.#cached++;
    enter(enter(this.#cache, kind), environment).set(service, rules);
    return rules;
  }

  #merge(kind: string, environment: string, service: string): Rules {
    const found: IndexedRule[] = [];
    for (const kindKey of kindKeys(kind)) {
      const byEnvironment = this.#entries.get(kindKey);
      if (byEnvironment === undefined) continue;
      for (const environmentKey of environment === ANY ? [ANY] : [environment, ANY]) {
        const byService = byEnvironment.get(environmentKey);
        for (const serviceKey of service === ANY ? [ANY] : [service, ANY]) {
          for (const rule of byService?.get(serviceKey) ?? []) found.push(rule);
        }
      }
    }
    return found.sort((a, b) => a.ordinal - b.ordinal);
  }

  #add(indexed: IndexedRule, match: Match): void {
    const { kinds, environments, services } = ruleKeys(indexed.rule, match);
    for (const kind of kinds) {
      for (const environment of environments) {
        for (const service of services) {
          const byService = enter(enter(this.#entries, kind), environment);
          const rules = byService.get(service);
          if (rules === undefined) byService.set(service, [indexed]);
          else rules.push(indexed);
        }
      }
    }
  }
}

type Keys = { kinds: readonly string[]; environments: readonly string[]; services: readonly string[] };

function ruleKeys({ condition }: Rule, match: Match): Keys {
  const fromMatch: Keys = {
    kinds: match.actions,
    environments: match.environments ?? [ANY],
    services: match.services ?? [ANY],
  };
  if (condition === null) return fromMatch;
  const kinds = selectedTexts(condition.node, "kind");
  const demanded = {
    environments: intersection(
      match.environments && new Set(match.environments),
      selectedTexts(condition.node, "environment"),
    ),
    services: intersection(match.services && new Set(match.services), selectedTexts(condition.node, "service")),
  };
  const isMatched = (kind: string): boolean => match.actions.some((action) => coversAction(action, kind));
  const keys: Keys = {
    // A text with a star is no kind and would be read as a pattern.
    kinds: kinds === null ? match.actions : [...kinds].filter((kind) => isMatched(kind) && !kind.includes(ANY)),
    environments: demanded.environments === null ? [ANY] : [...demanded.environments],
    services: demanded.services === null ? [ANY] : [...demanded.services],
  };
  const combinations = keys.kinds.length * keys.environments.length * keys.services.length;
  return combinations > COMBINATIONS_MAX ? fromMatch : keys;
}

/** The kind itself and every pattern that covers it. */
function kindKeys(kind: string): string[] {
  const keys = [kind];
  for (let dot = kind.lastIndexOf("."); dot > 0; dot = kind.lastIndexOf(".", dot - 1))
    keys.push(`${kind.slice(0, dot)}.*`);
  if (kind !== ANY) keys.push(ANY);
  return keys;
}

function enter<T>(level: Level<Level<T>>, key: string): Level<T> {
  const existing = level.get(key);
  if (existing !== undefined) return existing;
  const made: Level<T> = new Map();
  level.set(key, made);
  return made;
}
