// Log lines reduced to patterns, and what it means that one appears or vanishes.

import type { Pattern } from "./input.ts";
import type { Movement } from "./movements.ts";

const PATTERN_CHARS_MAX = 120;

/** The line without what varies: times, identifiers, numbers that are no part of a name. */
export function patternOf(line: string): string {
  return line
    .slice(0, 400)
    .replace(/^\[?\d{1,4}[-:T\d.,Z +]*\]?\s*/, "")
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{12,}\b/gi, "*")
    .replaceAll(/(?<![#\w])\d[\d:.,/-]*/g, "*")
    .slice(0, PATTERN_CHARS_MAX);
}

export function isBadLine(line: string): boolean {
  return (
    /\b(error|fatal|panic|exception|critical|severe)\b/i.test(line.slice(0, 200)) || /exception|traceback/i.test(line)
  );
}

/** Bad lines that were never seen before. One line is chance; what counts is how many there are now. */
export function findPatternMovements(
  patterns: readonly Pattern[],
  requestsOf: ReadonlyMap<string, number>,
): Movement[] {
  return patterns.flatMap((pattern): Movement[] => {
    if (!pattern.bad || pattern.usual > 0 || pattern.now < 3) return [];
    const requests = requestsOf.get(pattern.node) ?? pattern.now;
    const share = Math.min(1, pattern.now / Math.max(1, requests));
    const evidence = `${pattern.node} writes what it never wrote, ${pattern.now} times: ${pattern.text}`;
    return [{ node: pattern.node, measure: "errors", strength: 3 + 3 * share, load: 0, evidence }];
  });
}
