// What leaves for other systems of record: one line for each thing that happened to a run or an action, and who takes it.

import type { Fault, Label } from "../types/label.ts";
import type { Json } from "../../core/json.ts";
import type { ClassifierView } from "../types/views.ts";

/** A content of the ledger beside its facts: as it is, or by its digest; `erased` stays erased wherever it is read. */
export type ExportedContent =
  | { readonly value: Json }
  | { readonly sha256: string }
  | { readonly omitted: "erased" | "too-large"; readonly sha256?: string };

/** Made of recorded facts. Instants are milliseconds since the epoch. */
export interface ExportRecord {
  /** `<log>#<seq>`: the same however often the record is sent. */
  readonly id: string;
  readonly time: number;
  /** The event that this record tells of: `action.granted`. */
  readonly event: string;
  readonly actor: string;
  /** One id across systems: the incident's, or the action's own when it has none. */
  readonly correlationId: string;
  readonly incident: string | null;
  readonly run: string | null;
  readonly environment: string | null;
  readonly service: string | null;
  /** The input that it goes back to, without its text. */
  readonly signal: {
    readonly id: string;
    readonly time: number;
    readonly source: string;
    readonly detector: string;
    readonly status: string;
    readonly signature: string;
    readonly deliveryKey: string;
    readonly claimedSeverity: string;
  } | null;
  /** Who answered, believed or not, with the SHA-256 of prompt and answer; null where nobody did. */
  readonly ai: ClassifierView | null;
  readonly classification: {
    readonly severity: string;
    readonly confidencePpm: number;
    readonly requiresTicket: boolean;
    readonly requiresPaging: boolean;
    readonly requiresMim: boolean;
    readonly team: string;
  } | null;
  readonly action: {
    readonly id: string;
    readonly kind: string;
    readonly resource: string | null;
    readonly agent: string;
    readonly agentKind: string;
    readonly person: string | null;
    readonly requestHash: string;
    readonly planHash: string | null;
    readonly proposedAt: number;
  } | null;
  /** The last evaluation up to here; null before any. */
  readonly decision: {
    readonly seq: number;
    readonly time: number;
    readonly decision: string;
    readonly verdicts: Json;
    readonly bundleHash: string;
    readonly engine: string;
    readonly grant: string | null;
    readonly grantExpiresAt: number | null;
    readonly dryRun: boolean;
  } | null;
  /** The run's or action's status after this event, and why. */
  readonly status: string;
  readonly code: string | null;
  readonly attempt: number | null;
  /** What this event says was created elsewhere: a page by its key, a ticket by its number. */
  readonly created: {
    readonly system: string;
    readonly reference: string;
    readonly sysId: string | null;
  } | null;
  /** What a person said of advice; null for every other event. */
  readonly label: {
    readonly label: Label;
    readonly faults: readonly Fault[];
    readonly person: string;
    readonly replaces: Label | null;
  } | null;
  readonly ledger: {
    readonly origin: string;
    readonly seq: number;
    /** Lower-case hex: the subject digest of the event's receipt. */
    readonly leafHash: string;
    /** Signed note of the commit that made the event durable. */
    readonly checkpoint: string;
    /** Where the API gives the event's receipt. */
    readonly receipt: string;
  };
  /** By name (`signal`, `answer`, `proposal`, `plan`, `reason`); null unless configured. */
  readonly contents: Readonly<Record<string, ExportedContent>> | null;
}

/** What a transport is given at once. */
export interface Batch<R> {
  /** At least one, in ledger order. */
  readonly records: readonly R[];
  /** What the transport wanted remembered with the last accepted record; null at first. */
  readonly memo: string | null;
}
export type ExportBatch = Batch<ExportRecord>;

/** How far a batch got. */
export interface Delivery {
  /** How many records from the front the receiver has for certain, or has refused for good. */
  readonly accepted: number;
  /** How many of these it has refused for good; sending them again would not help. */
  readonly rejected: number;
  /** To be remembered with the accepted ones. */
  readonly memo: string | null;
  /** Why the rest did not get there; null when there is no rest. `retryAfterMs` is what the receiver asked for. */
  readonly failure: { readonly code: string; readonly retryAfterMs: number | null } | null;
}

/** One receiver. What it was given and did not accept comes again, with the same ids. */
export interface Transport<R> {
  /** Records that it takes at once. */
  readonly recordsMax: number;
  /** Never throws for what the receiver did: that is a Delivery. */
  deliver(batch: Batch<R>, signal: AbortSignal): Promise<Delivery>;
}
export type ExportTransport = Transport<ExportRecord>;

/** How far a receiver has everything. */
export interface ExportPosition {
  /** Of the log: a position in another log means nothing. */
  readonly origin: string;
  /** The next event to be looked at. */
  readonly seq: number;
  /** Where to begin reading so as to know the actions that were under way at `seq`; at most `seq`. */
  readonly readFrom: number;
  readonly memo: string | null;
}

/** Keeps one exporter's position; durable when `save` returns. */
export interface ExportPositions {
  /** Null before the first; throws `config-invalid` for what is there and is no position. */
  load(): Promise<ExportPosition | null>;
  save(position: ExportPosition): Promise<void>;
}
