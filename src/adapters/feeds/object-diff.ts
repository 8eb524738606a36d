// What two states of one object differ in, written as a diff: the model reads it for settings and forgets it.

import type { Kept } from "./cluster-objects.ts";

/** Nothing where they do not differ. */
export function diffOf(before: Kept, after: Kept): { readonly keys: readonly string[]; readonly diff: string } {
  const keys = [...new Set([...before.values.keys(), ...after.values.keys()])].filter(
    (key) => before.values.get(key) !== after.values.get(key),
  );
  const parts = keys.map((key) => partOf(key, before.values.get(key), after.values.get(key)));
  return { keys, diff: parts.join("\n") };
}

function partOf(key: string, before: string | undefined, after: string | undefined): string {
  // A file within a ConfigMap is one of configuration, whatever it is called.
  if (before?.includes("\n") === true || after?.includes("\n") === true) {
    return [`+++ b/${key.replaceAll(/\s/g, "_")}.yaml`, ...changedLines(before ?? "", after ?? "")].join("\n");
  }
  const line = (sign: string, value: string | undefined): string[] =>
    value === undefined ? [] : [`${sign}${key}: ${value}`];
  return ["+++ b/values.yaml", ...line("-", before), ...line("+", after)].join("\n");
}

/** Lines between what both begin and what both end with; those before them say in which block they stand. */
function changedLines(before: string, after: string): string[] {
  const [old, now] = [before.split("\n"), after.split("\n")];
  let first = 0;
  while (first < old.length && first < now.length && old[first] === now[first]) first++;
  const most = Math.min(old.length, now.length) - first;
  let last = 0;
  while (last < most && old[old.length - 1 - last] === now[now.length - 1 - last]) last++;
  const [gone, come] = [old.slice(first, old.length - last), now.slice(first, now.length - last)];
  const context = old.slice(0, first).map((line) => ` ${line}`);
  if (gone.length !== come.length)
    return [...context, ...gone.map((line) => `-${line}`), ...come.map((line) => `+${line}`)];
  // As many as before: line by line, so that what stands between two of them still says where they are.
  return [
    ...context,
    ...gone.flatMap((line, i) => (line === come[i] ? [` ${line}`] : [`-${line}`, `+${come[i] ?? ""}`])),
  ];
}
