// What a setting governs, and whether a change of it can hurt: the expected signature of each kind of setting.

import { doublingsOf } from "../../core/doublings.ts";
import type { SettingChange } from "../../wire/types/model.ts";

export type SettingRole =
  | "timeout"
  | "pool"
  | "memory"
  | "ttl"
  | "retries"
  | "replicas"
  | "admission"
  | "reuse"
  | "logging"
  | "bound"
  | "batch"
  | "other";

const ROLES: readonly [RegExp, SettingRole][] = [
  [/retry.?budget/i, "retries"],
  [/retr(y|ies)|attempts/i, "retries"],
  [/ttl|max.?age|expir/i, "ttl"],
  [/time.?out|deadline/i, "timeout"],
  [/pool|conn(ection)?s|sockets/i, "pool"],
  [/memory|heap|xmx/i, "memory"],
  [/replicas|instances/i, "replicas"],
  [/concurren|rate.?limit|requests.?per|admission|in.?flight|write.?capacity|quota/i, "admission"],
  [/keep.?alive|reuse/i, "reuse"],
  [/level|sampl|payload|verbos/i, "logging"],
  [/max.?(entries|items|size)|cap$|limit$/i, "bound"],
  [/batch|prefetch|poll/i, "batch"],
];

export function roleOf(key: string): SettingRole {
  const name = key.split(".").at(-1) ?? key;
  return (
    (ROLES.find(([pattern]) => pattern.test(name)) ?? ROLES.find(([pattern]) => pattern.test(key)))?.[1] ?? "other"
  );
}

/** Blocks that no request of a user passes through. */
const ASIDE =
  /admin|debug|job|warm|backfill|audit|export|session|cookie|lifecycle|probe|preflight|trac(e|ing)|cors|static|asset|test|dev$/i;

/** `names` are what nodes are called: a dependency named after sessions is no session. */
export function isAside(key: string, names: { has(name: string): boolean }): boolean {
  const parts = key.split(".");
  return (
    parts.slice(0, -1).some((part) => !names.has(part) && ASIDE.test(part)) ||
    /cookie|grace|period/i.test(parts.at(-1) ?? "")
  );
}

/** Roles whose less hurts; of the others more does. */
const LESS_HURTS: ReadonlySet<SettingRole> = new Set([
  "timeout",
  "pool",
  "memory",
  "ttl",
  "replicas",
  "admission",
  "reuse",
]);
const MORE_HURTS: ReadonlySet<SettingRole> = new Set(["retries", "logging", "bound"]);

/** Doublings by which a change goes in the direction that hurts; 0 for one that relieves, or says nothing. */
export function harmOf({ key, before, after }: SettingChange): number {
  const role = roleOf(key);
  if (typeof after === "boolean") return (LESS_HURTS.has(role) && !after) || (MORE_HURTS.has(role) && after) ? 1 : 0;
  if (typeof before !== "number" || typeof after !== "number") return role === "logging" ? 1 : 0;
  // From or to nothing has no ratio. A bound of nothing bounds nothing.
  if (before <= 0 || after <= 0) {
    const isWorse = role === "bound" ? after <= 0 : LESS_HURTS.has(role) ? after < before : after > before;
    return isWorse && (LESS_HURTS.has(role) || MORE_HURTS.has(role)) ? 2 : 0;
  }
  const up = doublingsOf(after / before);
  if (LESS_HURTS.has(role)) return Math.max(0, -up);
  if (MORE_HURTS.has(role)) return Math.max(0, up);
  return role === "batch" ? Math.abs(up) / 4 : 0;
}
