// What the main thread and a thread that delivers say to each other.

import type { ExporterStatus } from "../history/exporter.ts";
import type { CredentialsConfig } from "../wire/schemas/credentials-config.ts";
import type { ExportsConfig } from "../wire/schemas/exports-config.ts";
import type { NotifiersConfig } from "../wire/schemas/notifiers-config.ts";
import type { StorePlace } from "./open-store.ts";

export type ExportsData = {
  readonly place: StorePlace;
  /** Where secrets come from; never the secrets. */
  readonly credentials: CredentialsConfig;
  readonly exporters: ExportsConfig;
  /** Origins that may be reached. */
  readonly allow: readonly string[];
};

export type NotifiersData = {
  readonly place: StorePlace;
  /** Where secrets come from; never the secrets. */
  readonly credentials: CredentialsConfig;
  readonly notifiers: NotifiersConfig;
  /** Where one begins that is new: the end of the log before anything of this process. */
  readonly beginAt: number;
  /** Origins that may be reached. */
  readonly allow: readonly string[];
  /** Where people reach the console; null where nobody knows. */
  readonly publicUrl: string | null;
};

/** All that is ever asked: deliver no more, and end. */
export type DeliveryRequest = { readonly do: "stop" };

export type DeliveryReport =
  | { readonly type: "status"; readonly status: ExporterStatus }
  /** Another receiver was told instead of `name`. */
  | { readonly type: "fallback"; readonly name: string; readonly code: string }
  | { readonly type: "stopped" };
