// What each stage lets the triage agent do by itself, written out once more by hand: tests hold the ladder to it.

import type { Severity } from "../../src/wire/types/classification.ts";
import type { Stage } from "../../src/wire/types/stage.ts";

export const KINDS = [
  "servicenow.incident.create",
  "servicenow.incident.update",
  "pagerduty.trigger",
  "pagerduty.acknowledge",
  "pagerduty.resolve",
  "incident.declare-major",
  "test.free",
] as const;

export const GRADES: readonly (Severity | null)[] = [null, "low", "medium", "high", "sev1"];

const TICKETS = ["servicenow.incident.create", "servicenow.incident.update"];
const PAGES = ["pagerduty.trigger", "pagerduty.acknowledge", "pagerduty.resolve"];

const LISTS: Readonly<Record<Stage, (kind: string, severity: Severity | null) => boolean>> = {
  shadow: () => false,
  assist: () => false,
  "limited-autonomy": (kind, severity) => TICKETS.includes(kind) && (severity === "low" || severity === "medium"),
  "controlled-paging": (kind) => TICKETS.includes(kind) || PAGES.includes(kind),
  "mim-automation": (kind) => TICKETS.includes(kind) || PAGES.includes(kind) || kind === "incident.declare-major",
};

export function isListed(stage: Stage, kind: string, severity: Severity | null): boolean {
  return LISTS[stage](kind, severity);
}
