// Patterns of action kinds: `pagerduty.trigger`, `pagerduty.*`, `*`.

/** A kind (`record.note`), all below a name (`record.*`), or all there are (`*`). */
const PATTERN = /^(?:\*|[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)+|[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*\.\*)$/;

export function isKindPattern(text: string): boolean {
  return PATTERN.test(text);
}

/** Whether everything that `narrower`, a kind or a pattern, stands for is covered. */
export function coversKind(pattern: string, narrower: string): boolean {
  if (pattern === "*" || pattern === narrower) return true;
  return pattern.endsWith(".*") && narrower.startsWith(pattern.slice(0, -1));
}

/** Patterns of what both lists cover: of each pair the narrower, since two patterns are nested or apart. */
export function intersectKinds(some: readonly string[], others: readonly string[]): readonly string[] {
  const both = new Set<string>();
  for (const a of some) {
    for (const b of others) {
      if (coversKind(a, b)) both.add(b);
      else if (coversKind(b, a)) both.add(a);
    }
  }
  return [...both].sort();
}
