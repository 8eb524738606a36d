// Dynatrace's problem notifications.

import { dynatraceSchema, type DynatraceProblem } from "../../wire/schemas/dynatrace.ts";
import { parsePayload } from "../../wire/schemas/payload.ts";
import type { RawAlert } from "../raw-alert.ts";
import type { SourceDelivery } from "./delivery.ts";
import { nameFromTitle, tagLabels } from "./tags.ts";

const SEVERITY: ReadonlyMap<string, string> = new Map([
  ["AVAILABILITY", "critical"],
  ["ERROR", "error"],
  ["PERFORMANCE", "warning"],
  ["RESOURCE_CONTENTION", "warning"],
  ["CUSTOM_ALERT", "info"],
]);

/** A problem is one occurrence. What was merged into another problem ends here and goes on there. */
export function readDynatrace({ body, receivedAtMs }: SourceDelivery): readonly RawAlert[] {
  const problem = parsePayload(dynatraceSchema, body, "the payload of examples/sources/dynatrace.txt");
  const status = ["RESOLVED", "MERGED"].includes(problem.State.toUpperCase()) ? "resolved" : "firing";
  const id = problem.PID === "" ? problem.ProblemID : problem.PID;
  const { startTime, endTime } = problem.ProblemDetailsJSON ?? {};
  // An open problem ends at -1.
  const endsAt = endTime === null || endTime === undefined || endTime < 0 ? receivedAtMs : endTime;
  return [
    {
      detectorKind: "dynatrace",
      name: problem.ProblemTitle,
      status,
      labels: labelsOfProblem(problem),
      annotations: new Map([["description", problem.ProblemImpact]]),
      startsAt: startTime ?? receivedAtMs,
      endsAt: status === "firing" ? "" : endsAt,
      links: [problem.ProblemURL],
      fingerprint: id,
      occurrence: id,
    },
  ];
}

/** Tags name the service, else the one service that is impacted. */
function labelsOfProblem({ Tags, ProblemSeverity, ImpactedEntities }: DynatraceProblem): Map<string, string> {
  const services = new Set(
    (ImpactedEntities ?? []).filter(({ type }) => type === "SERVICE").map(({ name }) => nameFromTitle(name)),
  );
  const [only] = services;
  const severity = SEVERITY.get(ProblemSeverity.toUpperCase()) ?? "";
  return new Map([
    ...(services.size === 1 && only !== undefined ? [["service", only] as const] : []),
    ...(severity === "" ? [] : [["severity", severity] as const]),
    ...tagLabels(Tags),
  ]);
}
