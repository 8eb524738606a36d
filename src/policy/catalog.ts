// The Catalog document: which regulations stand over which services.

import { TAG, TAG_CHARS_MAX, TAGS_MAX } from "../wire/types/risk.ts";
import { readEnvironment, SERVICE, TEXT_CHARS_MAX } from "./read-policy.ts";
import type { Field } from "./yaml-reader.ts";

const TARGETS_MAX = 1_000;
const NAMES_MAX = 200;

export interface MarkedTargets {
  /** Canonical names; null: any. */
  readonly environments: readonly string[] | null;
  readonly services: readonly string[];
  readonly tags: readonly string[];
}

type Of = { readonly environment: string; readonly service: string };

/** All that covers the target adds up; sorted, each once. */
export function tagsFor(all: readonly MarkedTargets[], { environment, service }: Of): readonly string[] {
  const tags = new Set<string>();
  for (const one of all) {
    const isThere = one.environments === null || one.environments.includes(environment);
    if (isThere && one.services.includes(service)) for (const tag of one.tags) tags.add(tag);
  }
  return [...tags].toSorted().slice(0, TAGS_MAX);
}

/** The `spec` of a Catalog. */
export function readCatalog(spec: Field): readonly MarkedTargets[] {
  const targets = spec.fields(["targets"], ["targets"])?.targets?.items(TARGETS_MAX) ?? [];
  return targets.map(readTarget).filter((target) => target !== undefined);
}

function readTarget(field: Field): MarkedTargets | undefined {
  const fields = field.fields(["environments", "services", "tags"], ["services", "tags"]);
  const environments = fields?.environments?.items(NAMES_MAX)?.map(readEnvironment) ?? null;
  const services = fields?.services
    ?.items(NAMES_MAX)
    ?.map((service) => service.textLike(SERVICE, "a service's name", TEXT_CHARS_MAX));
  const tags = fields?.tags
    ?.items(TAGS_MAX)
    ?.map((tag) => tag.textLike(TAG, "lower-case letters and dashes", TAG_CHARS_MAX));
  if (fields === undefined || services === undefined || tags === undefined) return undefined;
  if (!isWhole(services) || !isWhole(tags) || (environments !== null && !isWhole(environments))) return undefined;
  return { environments, services, tags };
}

function isWhole<T>(items: readonly (T | undefined)[]): items is readonly T[] {
  return !items.includes(undefined);
}
