// What the main thread and the exports thread say to each other.

import type { ExporterStatus } from "../history/exporter.ts";
import type { ExportsConfig } from "../wire/schemas/exports-config.ts";
import type { StorePlace } from "./open-store.ts";

export type ExportsData = {
  readonly place: StorePlace;
  readonly exporters: ExportsConfig;
  /** Origins that may be reached. */
  readonly allow: readonly string[];
};

/** All that is ever asked: deliver no more, and end. */
export type ExportsRequest = { readonly do: "stop" };

export type ExportsReport = { readonly type: "status"; readonly status: ExporterStatus } | { readonly type: "stopped" };
