// What a declared object puts at risk beside what it was before: roles, bindings, entrances, and pods.

import type { Json, JsonObject } from "../../core/json.ts";
import type { PlanRisk } from "../../wire/types/risk.ts";
import { flatten, risksOfChange } from "./change-risks.ts";

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

/** `null` for one that is not there before, or not any more. */
export function risksOfObject(before: JsonObject | null, after: JsonObject | null): readonly PlanRisk[] {
  const kind = after?.["kind"] ?? before?.["kind"];
  switch (kind) {
    case "Role":
    case "ClusterRole":
      return hasMore(grantsOf(before), grantsOf(after)) ? ["privilege-widening"] : [];
    case "RoleBinding":
    case "ClusterRoleBinding":
      return hasMore(boundBy(before), boundBy(after)) ? ["privilege-widening"] : [];
    case "Ingress":
      return after !== null && !asksWho(after) && (before === null || asksWho(before)) ? ["data-exposure"] : [];
    case "NetworkPolicy":
      return before !== null && after === null ? ["data-exposure"] : changesOf(before, after);
    default:
      return changesOf(before, after);
  }
}

function changesOf(before: JsonObject | null, after: JsonObject | null): readonly PlanRisk[] {
  const was = new Map(flatten(before ?? {}, ""));
  const risks = flatten(after ?? {}, "").flatMap(([path, to]) =>
    risksOfChange({ path, from: was.get(path) ?? null, to }),
  );
  const kept = new Map(flatten(after ?? {}, ""));
  const gone = [...was].filter(([path]) => after !== null && !kept.has(path));
  return [...risks, ...gone.flatMap(([path, from]) => risksOfChange({ path, from, to: null }))];
}

export function hasMore(before: ReadonlySet<string>, after: ReadonlySet<string>): boolean {
  return [...after].some((one) => !before.has(one));
}

const NAMES_MAX = 200;

/** Each verb on each resource by itself, so that the order and the grouping of rules are nothing. */
function grantsOf(role: JsonObject | null): ReadonlySet<string> {
  const grants = new Set<string>();
  for (const rule of listOf(role?.["rules"])) {
    if (!isObject(rule)) continue;
    const resources = [...listOf(rule["resources"]), ...listOf(rule["nonResourceURLs"])].slice(0, NAMES_MAX);
    const names = JSON.stringify(rule["resourceNames"] ?? null);
    const groups = listOf(rule["apiGroups"]);
    for (const group of groups.length === 0 ? [""] : groups.slice(0, NAMES_MAX)) {
      for (const resource of resources) {
        for (const verb of listOf(rule["verbs"]).slice(0, NAMES_MAX)) {
          grants.add(JSON.stringify([group, resource, names, verb]));
        }
      }
    }
  }
  return grants;
}

function boundBy(binding: JsonObject | null): ReadonlySet<string> {
  const role = JSON.stringify(binding?.["roleRef"] ?? null);
  return new Set(listOf(binding?.["subjects"]).map((subject) => `${role} ${JSON.stringify(subject)}`));
}

/** The entrance has somebody who asks for a name: the annotations of ingress-nginx, oauth2-proxy, Traefik and AWS. */
function asksWho(ingress: JsonObject): boolean {
  const metadata = ingress["metadata"];
  const annotations = isObject(metadata) ? metadata["annotations"] : undefined;
  return isObject(annotations) && Object.keys(annotations).some((name) => /\/(?:auth-|router\.middlewares)/.test(name));
}
