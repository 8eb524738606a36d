// One ledger entry: header, facts that are never erased, and a payload that can be.

import type { Json, JsonObject } from "../../core/json.ts";

export interface EventHeader {
  /** Position in the log, from 0; also the leaf index in the Merkle tree. */
  readonly seq: number;
  /** Milliseconds since the Unix epoch; never decreases along the log. */
  readonly time: number;
  /** Past tense, dotted: `action.proposed`. */
  readonly type: string;
  /** Version of the facts' shape; a released version's reducer is frozen. */
  readonly version: number;
  /** Who caused it: `person:ada`, `agent:triage`, `source:alertmanager`, `system:kernel`. */
  readonly actor: string;
  /** What it is about: an id such as `act_00000000c`, or `log`. */
  readonly subject: string;
  /** Sequence of the first event that the same command produced (this one's own for the first). */
  readonly command: number;
}

/** Opaque ids, numbers, enums and hashes; no names of people, addresses or free text. */
export type Facts = JsonObject;

export interface LedgerEvent extends EventHeader {
  readonly facts: Facts;
}

/** How long a payload is kept; each class has a key of its own per subject. `record` is never erased. */
export type RetentionClass = "record" | "evidence" | "content";

export interface Payload {
  readonly retention: RetentionClass;
  readonly body: Json;
}

/** An event on its way into the ledger: sealed by the writer, which adds salt, commitment and leaf hash. */
export interface UnsealedEvent extends LedgerEvent {
  readonly payload?: Payload;
}

/** Where a log stands: how many events, and the signed note that says so (null for an empty log). */
export interface Head {
  readonly size: number;
  readonly checkpoint: string | null;
}
