// Who else sets the fields that a change sets: what Git or a tool has declared, it will declare again.

import type { KubernetesObject } from "./kubernetes-object.ts";

/** A field, as the path that a diff shows, and the manager that keeps it. */
export interface Owner {
  readonly manager: string;
  readonly path: string;
}

/** With so many there may be more: see `OWNERS_SHOWN_MAX` of the risks. */
const OWNERS_MAX = 100;

/**
 * Owners of the changed fields beside `isOurs`, by the API server's own record of who set what (managedFields). `root` is
 * where the paths begin.
 */
export function ownersOf(
  { metadata }: KubernetesObject,
  { root, paths }: { readonly root: readonly string[]; readonly paths: readonly string[] },
  isOurs: (manager: string) => boolean,
): readonly Owner[] {
  const owners = (metadata.managedFields ?? []).flatMap(({ manager = "", fieldsV1 }) => {
    if (isOurs(manager)) return [];
    const owned = paths.filter((path) => isOwned(fieldsV1, [...root.map((name) => `f:${name}`), ...keysOf(path)]));
    return owned.map((path) => ({ manager: manager.slice(0, 128), path }));
  });
  return owners.slice(0, OWNERS_MAX);
}

/** `.template.spec.containers[app].image` in the words of FieldsV1: `f:template`, …, `k:{"name":"app"}`, `f:image`. */
function keysOf(path: string): readonly string[] {
  const pieces = path.matchAll(/\.([A-Za-z0-9_-]+)|\[("(?:[^"\\]|\\.)*")\]|\[([^\]"]*)\]/g);
  return [...pieces].map(([, name, quoted, listed]) => {
    if (name !== undefined) return `f:${name}`;
    return quoted === undefined ? `k:${JSON.stringify({ name: listed })}` : `f:${String(JSON.parse(quoted))}`;
  });
}

function isOwned(fields: unknown, keys: readonly string[]): boolean {
  let at = fields;
  for (const key of keys) {
    if (typeof at !== "object" || at === null) return false;
    // Who keeps a list that is set as a whole keeps what is in it.
    if (Object.keys(at).length === 0) return true;
    if (!Object.hasOwn(at, key)) return false;
    at = (at as Record<string, unknown>)[key];
  }
  return true;
}
