// What a reader of a source's payload gets, and what it makes of it.

import { seqFromId, type IdPrefix } from "../../core/ids.ts";
import type { OtlpThreshold } from "../../wire/schemas/otlp.ts";
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
  /** What the keys of our own incidents begin with: `ORIGIN/inc_` at PagerDuty, `PREFIX:act_` at ServiceNow. */
  readonly ownKeys: { readonly pagerduty: string; readonly servicenow: string };
}

/** What of ours a key at a pager or tracker names, where it is one that we make: `inc_…` or `act_…`. */
export function ownSubject(key: string, { begins, prefix }: { begins: string; prefix: IdPrefix }): string | undefined {
  if (!key.startsWith(begins)) return undefined;
  const id = key.slice(begins.length - prefix.length - 1);
  return seqFromId(prefix, id) === undefined ? undefined : id;
}

/** Pure. Throws `request-invalid` for what is not that vendor's. */
export type SourceReader = (delivery: SourceDelivery) => readonly RawAlert[];

/** A header that was sent once, else empty. */
export function headerOf({ headers }: Pick<SourceDelivery, "headers">, name: string): string {
  const value = headers[name];
  return typeof value === "string" ? value : "";
}
