// The Verification document: what is checked after an action, how long it may take, and what follows when it fails.

import type { CountQueries, HealthCheck, Verification } from "../wire/types/health.ts";
import { coversAction, type Match } from "./definitions.ts";
import { readMatch } from "./read-policy.ts";
import type { Field } from "./yaml-reader.ts";

const CHECKS_MAX = 16;
const SAMPLES_MAX = 60;
const WITHIN_MAX_MS = 60 * 60_000;
const QUERY_CHARS_MAX = 2_000;
const PATH_CHARS_MAX = 512;
const STATUSES_MAX = 16;
const SERVICE_CHARS_MAX = 128;
const NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const NAME_CHARS_MAX = 63;
const PATH = /^\/(?!\/)[\x21-\x7e]*$/;
const WORKLOAD = /^(?:deployment|statefulset|daemonset)\/[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/;
const WORKLOAD_CHARS_MAX = 270;
/** Below one: nothing can rise by more than that, and such a bound would be none. */
const RISE_MAX = 0.999_999;
const BOUND_MAX = Number.MAX_SAFE_INTEGER;

export interface MatchedVerification extends Verification {
  readonly match: Match;
  readonly path: string;
  readonly line: number;
}

type Of = { readonly kind: string; readonly environment: string; readonly service: string };

/** The most specific of those that match: one that names the service before one that names the environment or neither. */
export function findVerification(all: readonly MatchedVerification[], of: Of): MatchedVerification | undefined {
  let best: MatchedVerification | undefined;
  for (const one of all) {
    if (matches(one.match, of) && (best === undefined || weight(one.match) > weight(best.match))) best = one;
  }
  return best;
}

function matches({ actions, environments, services }: Match, { kind, environment, service }: Of): boolean {
  return (
    actions.some((action) => coversAction(action, kind)) &&
    (environments === null || environments.includes(environment)) &&
    (services === null || services.includes(service))
  );
}

function weight({ environments, services }: Match): number {
  return (services === null ? 0 : 2) + (environments === null ? 0 : 1);
}

/** What configuration lets checks ask, by name. */
export interface HealthPlaces {
  readonly endpoints: readonly string[];
  readonly databases: readonly string[];
  readonly clusters: readonly string[];
}

/** A check that can never pass: configuration does not name what it asks. */
export interface MissingPlace {
  readonly verification: string;
  readonly check: string;
  /** `endpoint shop` */
  readonly place: string;
  readonly path: string;
  readonly line: number;
}

export function findMissingPlaces(all: readonly MatchedVerification[], places: HealthPlaces): readonly MissingPlace[] {
  return all.flatMap(({ name, checks, path, line }) =>
    checks.flatMap((check) => {
      const place = missingPlace(check, places);
      return place === null ? [] : [{ verification: name, check: check.name, place, path, line }];
    }),
  );
}

function missingPlace(check: HealthCheck, { endpoints, databases, clusters }: HealthPlaces): string | null {
  switch (check.kind) {
    case "http":
    case "prometheus":
    case "canary":
      return endpoints.includes(check.endpoint) ? null : `endpoint ${check.endpoint}`;
    case "sql":
      return databases.includes(check.database) ? null : `database ${check.database}`;
    case "rollout":
      return clusters.includes(check.cluster) ? null : `cluster ${check.cluster}`;
    case "model":
      return null;
  }
}

/** The `spec` of a Verification named `name`. */
export function readVerification(name: string, spec: Field): MatchedVerification | undefined {
  const required = ["match", "within", "checks"] as const;
  const fields = spec.fields(
    ["match", "settle", "every", "samples", "failures", "within", "onFailure", "checks"],
    required,
  );
  const match = fields?.match && readMatch(fields.match);
  const settleMs = fields?.settle === undefined ? 0 : fields.settle.durationMs();
  const everyMs = fields?.every === undefined ? 5_000 : fields.every.durationMs();
  const samples = fields?.samples === undefined ? 3 : fields.samples.integer(1, SAMPLES_MAX);
  const failures = fields?.failures === undefined ? 1 : fields.failures.integer(1, SAMPLES_MAX);
  const withinMs = fields?.within?.durationMs();
  const onFailure = fields?.onFailure === undefined ? "revert" : fields.onFailure.oneOf(["revert", "page"] as const);
  const checks = fields?.checks?.items(CHECKS_MAX)?.map(readCheck);
  if (match === undefined || settleMs === undefined || everyMs === undefined || samples === undefined) return undefined;
  if (withinMs === undefined || failures === undefined || onFailure === undefined || checks === undefined)
    return undefined;
  const known = checks.filter((check) => check !== undefined);
  if (known.length < checks.length) return undefined;
  if (new Set(known.map((check) => check.name)).size < known.length) return spec.fail("two checks have one name");
  if (withinMs > WITHIN_MAX_MS) return fields?.within?.fail("must be at most 1h");
  if (settleMs + (samples - 1) * everyMs >= withinMs) {
    return fields?.within?.fail("can never pass: so many samples take longer than that");
  }
  const { path, line } = spec;
  return { name, match, settleMs, everyMs, samples, failures, withinMs, onFailure, checks: known, path, line };
}

const KINDS = ["http", "prometheus", "sql", "canary", "rollout", "model"] as const;
const READERS: Readonly<Record<(typeof KINDS)[number], (name: string, field: Field) => HealthCheck | undefined>> = {
  http: readHttp,
  prometheus: readPrometheus,
  sql: readSql,
  canary: readCanary,
  rollout: readRollout,
  model: readModel,
};

function readCheck(field: Field): HealthCheck | undefined {
  const fields = field.fields(["name", ...KINDS], ["name"]);
  const name = fields?.name?.textLike(NAME, "lower-case letters, digits and dashes", NAME_CHARS_MAX);
  if (fields === undefined || name === undefined) return undefined;
  const given = KINDS.filter((kind) => fields[kind] !== undefined);
  const [kind] = given;
  const of = kind === undefined ? undefined : fields[kind];
  if (kind === undefined || of === undefined || given.length > 1) {
    return field.fail(`must be one of ${KINDS.join(", ")}`);
  }
  return READERS[kind](name, of);
}

function readEndpoint(field: Field | undefined): string | undefined {
  return field?.textLike(NAME, "the name of a health endpoint", NAME_CHARS_MAX);
}

function readHttp(name: string, field: Field): HealthCheck | undefined {
  const fields = field.fields(["endpoint", "path", "statuses"], ["endpoint"]);
  const endpoint = readEndpoint(fields?.endpoint);
  const path = fields?.path === undefined ? "/" : fields.path.textLike(PATH, "a path", PATH_CHARS_MAX);
  const given = fields?.statuses?.items(STATUSES_MAX)?.map((status) => status.integer(100, 599));
  const statuses = fields?.statuses === undefined ? [200] : given?.filter((status) => status !== undefined);
  if (endpoint === undefined || path === undefined || statuses === undefined) return undefined;
  return { kind: "http", name, endpoint, path, statuses };
}

type Bounds = { readonly min: number | null; readonly max: number | null };

function readBounds({ min: low, max: high }: { readonly [name in "min" | "max"]?: Field }): Bounds | undefined {
  const min = low === undefined ? null : low.number(-BOUND_MAX, BOUND_MAX);
  const max = high === undefined ? null : high.number(-BOUND_MAX, BOUND_MAX);
  if (min === undefined || max === undefined) return undefined;
  if (min !== null && max !== null && min > max) return high?.fail("can never pass: min is above max");
  return { min, max };
}

function readPrometheus(name: string, field: Field): HealthCheck | undefined {
  const fields = field.fields(["endpoint", "query", "min", "max", "maxTimesBefore"], ["endpoint", "query"]);
  const endpoint = readEndpoint(fields?.endpoint);
  const query = fields?.query?.text(QUERY_CHARS_MAX);
  const bounds = fields && readBounds(fields);
  const times = fields?.maxTimesBefore === undefined ? null : fields.maxTimesBefore.number(0, 1_000_000);
  if (endpoint === undefined || query === undefined || bounds === undefined || times === undefined) return undefined;
  if (bounds.min === null && bounds.max === null && times === null) {
    return field.fail("needs min, max or maxTimesBefore");
  }
  return { kind: "prometheus", name, endpoint, query, ...bounds, maxTimesBefore: times };
}

function readSql(name: string, field: Field): HealthCheck | undefined {
  const fields = field.fields(["database", "query", "min", "max"], ["database", "query"]);
  const database = fields?.database?.textLike(NAME, "the name of a health database", NAME_CHARS_MAX);
  const query = fields?.query?.text(QUERY_CHARS_MAX);
  const bounds = fields && readBounds(fields);
  if (database === undefined || query === undefined || bounds === undefined) return undefined;
  return { kind: "sql", name, database, query, ...bounds };
}

function readCanary(name: string, field: Field): HealthCheck | undefined {
  const required = ["endpoint", "canary", "baseline", "maxRise"] as const;
  const fields = field.fields([...required, "confidence"], required);
  const endpoint = readEndpoint(fields?.endpoint);
  const canary = fields?.canary && readCounts(fields.canary);
  const baseline = fields?.baseline && readCounts(fields.baseline);
  const maxRise = fields?.maxRise?.number(0, RISE_MAX);
  const confidence = readConfidence(fields?.confidence);
  if (endpoint === undefined || canary === undefined || baseline === undefined) return undefined;
  if (maxRise === undefined || confidence === undefined) return undefined;
  return { kind: "canary", name, endpoint, canary, baseline, maxRise, confidence };
}

function readConfidence(field: Field | undefined): number | undefined {
  return field === undefined ? 0.95 : field.number(0.5, 0.999_999);
}

function readModel(name: string, field: Field): HealthCheck | undefined {
  const fields = field.fields(["service", "maxRise", "maxTimesBefore", "confidence"], []);
  const service = fields?.service === undefined ? null : fields.service.text(SERVICE_CHARS_MAX);
  const maxRise = fields?.maxRise === undefined ? null : fields.maxRise.number(0, RISE_MAX);
  const times = fields?.maxTimesBefore === undefined ? null : fields.maxTimesBefore.number(0, 1_000_000);
  const confidence = readConfidence(fields?.confidence);
  if (service === undefined || maxRise === undefined || times === undefined || confidence === undefined)
    return undefined;
  if (maxRise === null && times === null) return field.fail("needs maxRise or maxTimesBefore");
  return { kind: "model", name, service, maxRise, maxTimesBefore: times, confidence };
}

function readRollout(name: string, field: Field): HealthCheck | undefined {
  const required = ["cluster", "namespace", "workload"] as const;
  const fields = field.fields(required, required);
  const cluster = fields?.cluster?.textLike(NAME, "the name of a cluster", NAME_CHARS_MAX);
  const namespace = fields?.namespace?.textLike(NAME, "a namespace", NAME_CHARS_MAX);
  const workload = fields?.workload?.textLike(WORKLOAD, "deployment/name or like", WORKLOAD_CHARS_MAX);
  if (cluster === undefined || namespace === undefined || workload === undefined) return undefined;
  return { kind: "rollout", name, cluster, namespace, workload };
}

/** Both count from the beginning of the action on, or the looks at them would not add up. */
function readCounts(field: Field): CountQueries | undefined {
  const fields = field.fields(["bad", "all"], ["bad", "all"]);
  const bad = fields?.bad?.text(QUERY_CHARS_MAX);
  const all = fields?.all?.text(QUERY_CHARS_MAX);
  if (bad === undefined || all === undefined) return undefined;
  if (!bad.includes("$window") || !all.includes("$window")) return field.fail("must count over [$window]");
  return { bad, all };
}
