// An alert in our own words, as the data of a CloudEvent or the detail of an EventBridge event may say it.

import { genericAlertSchema } from "../../wire/schemas/cloudevents.ts";
import { parsePayload } from "../../wire/schemas/payload.ts";
import type { RawAlert } from "../raw-alert.ts";

const ENDED = new Set(["resolved", "ok", "recovered", "closed", "inactive"]);
const KNOWN = new Set(Object.keys(genericAlertSchema.shape));

type Otherwise = {
  readonly detectorKind: string;
  readonly name: string;
  readonly startsAt: string | number;
  /** Of an event that says nothing about which alert it belongs to: its own identity. */
  readonly eventId: string;
};

/**
 * The alert that `data` describes. Members with a meaning are those of `genericAlertSchema`; other members that are
 * text, numbers or true and false become labels. Throws `request-invalid` where a member with a meaning has another form.
 */
export function genericAlert(data: unknown, otherwise: Otherwise): RawAlert {
  const isObject = typeof data === "object" && data !== null && !Array.isArray(data);
  const given = isObject ? data : {};
  const said = parsePayload(genericAlertSchema, given, "an alert: see docs/signals.md for the members with a meaning");
  const texts = (of: Readonly<Record<string, unknown>>): [string, string][] =>
    Object.entries(of).flatMap(([name, value]): [string, string][] => (isScalar(value) ? [[name, String(value)]] : []));
  const others = texts(given as Readonly<Record<string, unknown>>).filter(([name]) => !KNOWN.has(name));
  return {
    detectorKind: otherwise.detectorKind,
    name: said.name === "" ? otherwise.name : said.name,
    status: ENDED.has(said.status.trim().toLowerCase()) ? "resolved" : "firing",
    labels: new Map([...others, ...texts(said.labels)]),
    annotations: new Map([...descriptions(others), ...texts(said.annotations)]),
    startsAt: said.startsAt === "" ? otherwise.startsAt : said.startsAt,
    endsAt: said.endsAt,
    links: said.links,
    ...(said.fingerprint === ""
      ? { fingerprint: otherwise.eventId, isEndless: true, occurrence: "event" }
      : ownIdentity(said)),
  };
}

/** Who gives a fingerprint and no start means one alert that fires and ends. */
function ownIdentity({ fingerprint, startsAt }: { fingerprint: string; startsAt: string }) {
  return startsAt === "" ? { fingerprint, occurrence: "alert" } : { fingerprint };
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function descriptions(others: readonly [string, string][]): [string, string][] {
  return others.filter(([name]) => ["summary", "description", "message", "title"].includes(name));
}
