// What a reader of a source's payload gets, and what it makes of it.

import { seqFromId, type IdPrefix } from "../../core/ids.ts";
import type { OtlpThreshold } from "../../wire/schemas/otlp.ts";
import type { TrackedIncident } from "../../wire/types/signal.ts";
import type { RawAlert } from "../raw-alert.ts";

export interface SourceDelivery {
  /** The body: JSON as parsed; for OTLP decoded, whatever its encoding was. */
  readonly body: unknown;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly receivedAtMs: number;
  /** Which of an OTLP source's two paths it came by. */
  readonly telemetry: "logs" | "metrics" | null;
  readonly thresholds: readonly OtlpThreshold[];
  /** What our own keys begin with: `ORIGIN/` at PagerDuty, `PREFIX:` at ServiceNow. */
  readonly ownKeys: { readonly pagerduty: string; readonly servicenow: string };
}

/** What of ours a key at a pager or tracker names, where it is one that we make. */
export type OwnKey = Pick<TrackedIncident, "system" | "subject">;

/** `ORIGIN/inc_…` or `ORIGIN/stm_…`. */
export function ownPage(key: string, begins: string): OwnKey | undefined {
  const id = key.startsWith(begins) ? key.slice(begins.length) : "";
  return isId(["inc", "stm"], id) ? { system: "pagerduty", subject: id } : undefined;
}

/** `PREFIX:act_…` of a ticket, with `:inc_…` where it is of an incident; `PREFIX:inc_…:major` of a major incident. */
export function ownRecord(key: string, begins: string): OwnKey | undefined {
  if (!key.startsWith(begins)) return undefined;
  const [first = "", second, ...more] = key.slice(begins.length).split(":");
  if (more.length > 0) return undefined;
  if (second === "major") return isId(["inc"], first) ? { system: "servicenow-major", subject: first } : undefined;
  if (!isId(["act"], first) || (second !== undefined && !isId(["inc"], second))) return undefined;
  return { system: "servicenow", subject: second ?? first };
}

function isId(prefixes: readonly IdPrefix[], id: string): boolean {
  return prefixes.some((prefix) => seqFromId(prefix, id) !== undefined);
}

/** Pure. Throws `request-invalid` for what is not that vendor's. */
export type SourceReader = (delivery: SourceDelivery) => readonly RawAlert[];

/** A header that was sent once, else empty. */
export function headerOf({ headers }: Pick<SourceDelivery, "headers">, name: string): string {
  const value = headers[name];
  return typeof value === "string" ? value : "";
}
