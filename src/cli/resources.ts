// The things that `get` and `describe` know: their names, paths, filters and columns.

import type { Fields } from "./fields.ts";
import { formatAge, formatInstant } from "./instants.ts";
import { usageError } from "./cli-error.ts";
import {
  argumentsText,
  byText,
  lastedText,
  placesText,
  referenceText,
  shareText,
  silenceStatus,
  usedText,
  waitText,
  whoText,
} from "./resource-cells.ts";
import type { Column } from "./table.ts";

export type Row = { readonly fields: Fields; readonly nowMs: number };

export type Resource = {
  readonly singular: string;
  readonly plural: string;
  readonly short: string;
  /** Below `/v1`. */
  readonly path: readonly string[];
  /** Query parameters, beside limit and cursor, that the server takes. */
  readonly filters: readonly string[];
  /** The members of a page that hold its rows and the next cursor. */
  readonly page: { readonly items: string; readonly next: string };
  /** What names a row. */
  readonly id: string;
  readonly columns: readonly Column<Row>[];
  readonly wide: readonly Column<Row>[];
};

const column = (heading: string, name: string): Column<Row> => ({ heading, cell: ({ fields }) => fields.text(name) });
const age = (heading: string, name: string): Column<Row> => ({
  heading,
  cell: ({ fields, nowMs }) => formatAge(fields.number(name), nowMs),
});

const ID = column("ID", "id");
const STATUS = column("STATUS", "status");
const ENVIRONMENT = column("ENVIRONMENT", "environment");
const SERVICE = column("SERVICE", "service");
const PAGE = { items: "items", next: "cursor" } as const;

export const RESOURCES: readonly Resource[] = [
  {
    singular: "signal",
    plural: "signals",
    short: "sig",
    path: ["signals"],
    filters: ["status", "environment", "service", "source", "incident", "run", "correlationId"],
    page: PAGE,
    id: "id",
    columns: [
      ID,
      STATUS,
      column("SOURCE", "source"),
      ENVIRONMENT,
      SERVICE,
      column("INCIDENT", "incident"),
      age("AGE", "time"),
    ],
    wide: [
      column("RUN", "run"),
      column("DETECTOR", "detector"),
      column("CLAIMED", "claimedSeverity"),
      column("SIGNATURE", "signature"),
    ],
  },
  {
    singular: "incident",
    plural: "incidents",
    short: "inc",
    path: ["incidents"],
    filters: ["status", "environment", "service", "correlationId"],
    page: PAGE,
    id: "id",
    columns: [
      ID,
      STATUS,
      ENVIRONMENT,
      SERVICE,
      column("SIGNALS", "signalCount"),
      column("PAGED", "paged"),
      age("AGE", "openedAt"),
    ],
    wide: [column("CLAIMED", "claimedSeverity"), column("RESOLUTION", "resolution"), column("SIGNATURE", "signature")],
  },
  {
    singular: "storm",
    plural: "storms",
    short: "stm",
    path: ["storms"],
    filters: ["status", "environment"],
    page: PAGE,
    id: "id",
    columns: [
      ID,
      STATUS,
      ENVIRONMENT,
      column("SERVICES", "services"),
      { heading: "PAGE", cell: ({ fields }) => referenceText(fields.fields("page")) },
      { heading: "LASTED", cell: ({ fields, nowMs }) => lastedText(fields, nowMs) },
      age("AGE", "openedAt"),
    ],
    wide: [
      column("FIRST-WIDE", "service"),
      { heading: "CLOSED", cell: ({ fields }) => referenceText(fields.fields("pageClosing")) },
    ],
  },
  {
    singular: "silence",
    plural: "silences",
    short: "sil",
    path: ["silences"],
    filters: ["status", "environment", "service"],
    page: PAGE,
    id: "id",
    columns: [
      ID,
      { heading: "STATUS", cell: ({ fields, nowMs }) => silenceStatus(fields, nowMs) },
      ENVIRONMENT,
      SERVICE,
      { heading: "FROM", cell: ({ fields }) => formatInstant(fields.number("startsAt")) },
      { heading: "UNTIL", cell: ({ fields }) => formatInstant(fields.number("endedAt") ?? fields.number("endsAt")) },
      column("SIGNALS", "signalCount"),
    ],
    wide: [column("TRIAGED-AFTER", "releasedCount"), column("ACTION", "action"), column("SIGNATURE", "signature")],
  },
  {
    singular: "run",
    plural: "runs",
    short: "run",
    path: ["runs"],
    filters: ["status", "environment", "service", "incident", "correlationId"],
    page: PAGE,
    id: "id",
    columns: [
      ID,
      STATUS,
      column("VERDICT", "verdict"),
      ENVIRONMENT,
      SERVICE,
      column("INCIDENT", "incident"),
      age("AGE", "openedAt"),
    ],
    wide: [column("SIGNAL", "signal"), column("SOURCE", "source"), column("CODE", "code")],
  },
  {
    singular: "action",
    plural: "actions",
    short: "act",
    path: ["actions"],
    filters: ["status", "environment", "service", "agent", "kind", "incident", "run", "correlationId"],
    page: PAGE,
    id: "id",
    columns: [
      ID,
      STATUS,
      column("KIND", "kind"),
      ENVIRONMENT,
      SERVICE,
      column("AGENT", "agent"),
      age("AGE", "proposedAt"),
    ],
    wide: [
      column("CODE", "code"),
      column("INCIDENT", "incident"),
      column("DRY-RUN", "dryRun"),
      column("PLAN", "planHash"),
    ],
  },
  {
    singular: "review",
    plural: "reviews",
    short: "rev",
    path: ["reviews"],
    filters: ["status", "environment", "service"],
    page: PAGE,
    id: "id",
    columns: [
      ID,
      STATUS,
      column("ACTION", "action"),
      column("KIND", "kind"),
      ENVIRONMENT,
      SERVICE,
      column("BY", "by"),
      age("AGE", "brokenAt"),
    ],
    wide: [column("MAY-REVIEW", "roles"), column("REVIEWER", "person")],
  },
  {
    singular: "person",
    plural: "people",
    short: "per",
    path: ["people"],
    filters: ["kind", "role", "status"],
    page: PAGE,
    id: "id",
    columns: [
      { heading: "ID", cell: ({ fields }) => whoText(fields) },
      STATUS,
      { heading: "ROLES", cell: ({ fields }) => fields.texts("roles") },
      column("PERSON", "person"),
      { heading: "BY", cell: ({ fields }) => byText(fields.fields("registered")) },
    ],
    wide: [{ heading: "SCOPES", cell: ({ fields }) => fields.texts("scopes") }],
  },
  {
    singular: "kind",
    plural: "kinds",
    short: "knd",
    path: ["kinds"],
    filters: [],
    page: PAGE,
    id: "kind",
    columns: [
      column("KIND", "kind"),
      column("REPEAT", "repeat"),
      { heading: "BEARS ON", cell: ({ fields }) => fields.texts("risks") },
      { heading: "ARGUMENTS", cell: ({ fields }) => argumentsText(fields.fields("argumentsSchema")) },
    ],
    wide: [column("PLANNING", "planning"), column("TITLE", "title")],
  },
  {
    singular: "approver",
    plural: "approvers",
    short: "apr",
    path: ["approvers"],
    filters: ["status"],
    page: PAGE,
    id: "id",
    columns: [
      column("PERSON", "id"),
      STATUS,
      column("DECISIONS", "decisions"),
      { heading: "APPROVED", cell: ({ fields }) => shareText(fields.number("approvalRate")) },
      { heading: "MEDIAN", cell: ({ fields }) => waitText(fields.number("medianMs")) },
      column("HURRIED", "hurried"),
      column("BURSTS", "bursts"),
      age("LAST", "lastAt"),
    ],
    wide: [
      { heading: "WHY", cell: ({ fields }) => fields.texts("reasons") },
      { heading: "FASTEST", cell: ({ fields }) => waitText(fields.number("fastestMs")) },
      column("MEASURED", "measured"),
      column("APPROVALS", "approvals"),
      column("DENIALS", "denials"),
    ],
  },
  {
    singular: "grant",
    plural: "grants",
    short: "grt",
    path: ["grants"],
    filters: ["status", "agent", "kind", "environment", "service"],
    page: PAGE,
    id: "id",
    columns: [
      ID,
      STATUS,
      column("ACTION", "action"),
      column("OUTCOME", "outcome"),
      column("AGENT", "agent"),
      column("KIND", "kind"),
      ENVIRONMENT,
      SERVICE,
      { heading: "UNTIL", cell: ({ fields }) => formatInstant(fields.number("endedAt") ?? fields.number("expiresAt")) },
    ],
    wide: [
      column("CODE", "code"),
      column("ATTEMPT", "attempt"),
      { heading: "USED", cell: ({ fields }) => usedText(fields.fields("terms")) },
      column("REVOKED-BY", "revokedBy"),
      column("PLAN", "planHash"),
      age("GRANTED", "grantedAt"),
    ],
  },
  {
    singular: "level",
    plural: "levels",
    short: "lvl",
    path: ["levels"],
    filters: ["status", "agent"],
    page: PAGE,
    id: "id",
    columns: [
      ID,
      STATUS,
      column("AGENT", "agent"),
      column("LEVEL", "level"),
      { heading: "KINDS", cell: ({ fields }) => fields.texts("kinds") },
      { heading: "ENVIRONMENTS", cell: ({ fields }) => placesText(fields, "environments") },
      { heading: "UNTIL", cell: ({ fields }) => formatInstant(fields.number("endedAt") ?? fields.number("expiresAt")) },
    ],
    wide: [
      { heading: "SERVICES", cell: ({ fields }) => placesText(fields, "services") },
      column("ACTION", "action"),
      age("GRANTED", "grantedAt"),
    ],
  },
  {
    singular: "agent",
    plural: "agents",
    short: "ag",
    path: ["agents"],
    filters: ["status", "owner"],
    page: PAGE,
    id: "id",
    columns: [
      column("AGENT", "id"),
      STATUS,
      column("OWNER", "owner"),
      { heading: "KINDS", cell: ({ fields }) => fields.texts("kinds") },
      { heading: "ENVIRONMENTS", cell: ({ fields }) => fields.texts("environments") },
      age("AGE", "registeredAt"),
    ],
    wide: [
      { heading: "ACTS-FOR", cell: ({ fields }) => fields.texts("parents") },
      column("VOLUME", "volumePerHour"),
      column("APPROVED-BY", "approvedBy"),
      column("REFUSED", "refusals"),
    ],
  },
  {
    singular: "policy",
    plural: "policies",
    short: "pol",
    path: ["policies"],
    filters: [],
    page: PAGE,
    id: "id",
    columns: [column("BUNDLE", "id"), STATUS, column("MODE", "mode"), age("AGE", "proposedAt")],
    wide: [column("PROPOSED-BY", "proposedBy"), column("ACTION", "action"), column("ACTIVATED-SEQ", "activatedSeq")],
  },
  {
    singular: "event",
    plural: "events",
    short: "ev",
    path: ["ledger", "events"],
    filters: ["type", "subject"],
    page: { items: "items", next: "next" },
    id: "seq",
    columns: [
      column("SEQ", "seq"),
      column("TYPE", "type"),
      column("SUBJECT", "subject"),
      column("ACTOR", "actor"),
      age("AGE", "time"),
    ],
    wide: [column("COMMAND", "command"), column("FACTS", "facts")],
  },
];

export type Named = { readonly resource: Resource; readonly id: string | undefined };

/** `RESOURCE ID`, or both in one as `get -o name` prints them: `RESOURCE/ID`. */
export function findNamed(name: string, id: string | undefined): Named {
  const slash = name.indexOf("/");
  if (id !== undefined || slash === -1) return { resource: findResource(name), id };
  return { resource: findResource(name.slice(0, slash)), id: name.slice(slash + 1) };
}

/** Reads the id of such a thing: alone, or `RESOURCE/ID`. */
export function idOf(singular: string): (given: string) => string {
  return (given) => {
    if (!given.includes("/")) return given;
    const { resource, id = "" } = findNamed(given, undefined);
    if (resource.singular === singular) return id;
    throw usageError(`${JSON.stringify(given)} names no ${singular}`);
  };
}

/** By singular, plural or short name. */
export function findResource(name: string): Resource {
  const wanted = name.toLowerCase();
  const found = RESOURCES.find(({ singular, plural, short }) => [singular, plural, short].includes(wanted));
  if (found !== undefined) return found;
  const known = RESOURCES.map(({ plural }) => plural).join(", ");
  throw usageError(`there are no ${JSON.stringify(name)}; there are: ${known}`);
}

/** The rows of a page as the server gave them. */
export function rowsOf(resource: Resource, page: Fields): readonly Fields[] {
  return page.list(resource.page.items);
}
