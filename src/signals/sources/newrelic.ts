// New Relic's workflows, with the payload template that we ship.

import { newrelicSchema, type NewrelicIssue } from "../../wire/schemas/newrelic.ts";
import { parsePayload } from "../../wire/schemas/payload.ts";
import type { RawAlert } from "../raw-alert.ts";
import type { SourceDelivery } from "./delivery.ts";
import { epochMs, labelsOf } from "./tags.ts";

/** An issue is one occurrence; acknowledging it there is neither a beginning nor an end. */
export function readNewrelic({ body }: SourceDelivery): readonly RawAlert[] {
  const issue = parsePayload(newrelicSchema, body, "the payload of examples/sources/newrelic.txt");
  const status = ["CLOSED", "DEACTIVATED", "RESOLVED"].includes(issue.state.toUpperCase()) ? "resolved" : "firing";
  return [
    {
      detectorKind: "newrelic",
      name: issue.condition[0] ?? issue.title,
      status,
      labels: namesOfIssue(issue),
      annotations: new Map([
        ["summary", issue.title],
        ["runbook_url", issue.runbookUrl[0] ?? ""],
      ]),
      startsAt: epochMs(issue.createdAt),
      endsAt: status === "firing" ? "" : epochMs(issue.closedAt),
      links: [issue.issueUrl],
      fingerprint: issue.issueId,
      occurrence: issue.issueId,
    },
  ];
}

/** An issue over two services names none: which of them failed is not ours to guess. */
function namesOfIssue({ priority, environment, service, entities }: NewrelicIssue): Map<string, string> {
  const single = (names: readonly string[]): string => (new Set(names).size === 1 ? (names[0] ?? "") : "");
  return labelsOf({
    severity: priority,
    environment: single(environment),
    service: single(service) === "" && service.length === 0 ? single(entities) : single(service),
  });
}
