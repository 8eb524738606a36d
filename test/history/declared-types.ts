// The event types that the kernel declares, read from its source.

import { readFileSync } from "node:fs";

export function declaredTypes(): readonly string[] {
  const source = readFileSync(new URL("../../src/kernel/events.ts", import.meta.url), "utf8");
  const shapes = source.slice(source.indexOf("type EventFacts = {"), source.indexOf("export type EventType"));
  return [...shapes.matchAll(/^ {2}"([a-z.-]+)":/gm)].map((match) => match[1] ?? "");
}
