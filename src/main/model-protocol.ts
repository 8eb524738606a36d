// What the main thread and the model's thread say to each other.

import type { SpanDelivery } from "../http/services.ts";
import type { Declared } from "../model/declare.ts";
import type { Told } from "../model/told.ts";
import type { ImpactAsk } from "../wire/contracts/predictor.ts";
import type { ModelRead } from "../wire/types/model-reads.ts";
import type { Change } from "../wire/types/model.ts";
import type { CredentialsConfig } from "../wire/schemas/credentials-config.ts";
import type { FeedsConfig } from "../wire/schemas/feeds-config.ts";
import type { StorePlace } from "./open-store.ts";

export type ModelData = {
  /** Of the ledger, for the keys. */
  readonly place: StorePlace;
  readonly windowMs: number;
  /** How long spans wait for the rest of their trace. */
  readonly holdMs: number;
  readonly fadeAfterMs: number;
  readonly forgetAfterMs: number;
  readonly dayBytesMax: number;
  readonly snapshotEveryEvents: number;
  readonly feeds: FeedsConfig;
  /** Where secrets come from; never the secrets. */
  readonly credentials: CredentialsConfig;
  /** Origins that may be reached. */
  readonly allow: readonly string[];
};

export type ModelAsk =
  | ({ readonly do: "spans" } & SpanDelivery)
  | { readonly do: "change"; readonly change: Change; readonly diff: string | null; readonly actor: string }
  | { readonly do: "declare"; readonly declared: Declared; readonly actor: string }
  | { readonly do: "told"; readonly told: readonly Told[] }
  | { readonly do: "measure"; readonly ask: ImpactAsk }
  | { readonly do: "read"; readonly read: ModelRead }
  | { readonly do: "stop" };

export type ModelRequest = ModelAsk & { readonly id: number };

export type ModelAnswer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | {
      readonly id: number;
      readonly ok: false;
      readonly code: string;
      readonly message: string;
      readonly facts: object;
    };

/** Of a feed that the model runs by itself; told when it changes. */
export type FeedStatus = {
  readonly name: string;
  readonly kind: "kubernetes" | "manifests" | "prometheus";
  /** A code, while it does not get what it asks for. */
  readonly failing: string | null;
};

/** Not asked for, after each window. */
export type ModelStatus = {
  readonly events: number;
  readonly nodes: number;
  readonly edges: number;
  readonly versions: number;
  readonly spans: number;
  /** Spans that wait for the rest of their trace. */
  readonly waiting: number;
  /** Spans, nodes and edges that there was no room for. */
  readonly dropped: number;
  /** Seconds since 1970; 0 for never. */
  readonly observedUntil: number;
};

export type ModelReport =
  | ModelAnswer
  | { readonly status: ModelStatus }
  | { readonly feed: FeedStatus }
  | { readonly problem: string; readonly isFatal: boolean };
