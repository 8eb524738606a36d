// Splunk's webhook alert action: the first row of the search's results, never its raw events.

import { parsePayload } from "../../wire/schemas/payload.ts";
import { splunkSchema, type SplunkAlert } from "../../wire/schemas/splunk.ts";
import type { RawAlert } from "../raw-alert.ts";
import type { SourceDelivery } from "./delivery.ts";

const FIELDS_MAX = 48;

/**
 * Splunk never says that an alert has ended. A run of the search (`sid`) is one occurrence of each row that it tells of:
 * an alert that triggers for each result sends one delivery for each, all with the same `sid`.
 */
export function readSplunk({ body, receivedAtMs }: SourceDelivery): readonly RawAlert[] {
  const alert = parsePayload(splunkSchema, body, "a payload of Splunk's webhook alert action");
  const fields = fieldsOf(alert);
  return [
    {
      detectorKind: "splunk",
      name: alert.search_name,
      status: "firing",
      labels: new Map(
        [...fields, ["app", fields.get("app") ?? ""]].filter(([, value]) => value !== "") as [string, string][],
      ),
      annotations: new Map([...fields].filter(([name]) => ["summary", "description", "message"].includes(name))),
      startsAt: secondsToMs(fields.get("_time") ?? fields.get("trigger_time")) ?? receivedAtMs,
      endsAt: "",
      links: [alert.results_link],
      fingerprint: `${alert.app} ${alert.search_name}`,
      occurrence: JSON.stringify([alert.sid, ...fields]),
      isEndless: true,
    },
  ];
}

/** `_raw` and other internal fields stay out, `_time` apart; of a field with many values the first counts. */
function fieldsOf({ result }: SplunkAlert): Map<string, string> {
  const fields = Object.entries(result ?? {}).flatMap(([name, cell]): [string, string][] => {
    const value = Array.isArray(cell) ? (cell[0] ?? "") : cell;
    if (value === null || (name.startsWith("_") && name !== "_time")) return [];
    return [[name, String(value)]];
  });
  return new Map(fields.slice(0, FIELDS_MAX));
}

function secondsToMs(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{9,11}(?:\.\d{1,9})?$/.test(text) ? Math.floor(Number(text) * 1000) : undefined;
}
