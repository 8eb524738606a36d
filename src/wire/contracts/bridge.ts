// What a major incident needs of a place where its responders meet: open one, fill it, close it, each part findable again.

import type { JsonObject } from "../../core/json.ts";
import type { Reach } from "./executor.ts";

/** What is asked of a bridge; everything in it is fixed by the plan. */
export interface BridgeWish {
  /** Names the incident, and so the bridge: the same key is the same bridge, whoever asks and however often. */
  readonly key: string;
  readonly incident: string;
  readonly service: string;
  readonly topic: string;
  /** Lines of plain text: nothing in them may call anybody or look like a link that nobody configured. */
  readonly lines: readonly string[];
  readonly team: string;
}

/**
 * How one part ended. `later`: not done, worth trying again after `afterMs`; every part finds by its key what was done
 * before, so trying again does nothing twice. `failed`: not done, and trying again would not help. `skipped`: it needs a
 * part before it.
 */
export type PartEnd = {
  readonly part: "channel" | "topic" | "message" | "responders";
  readonly status: "done" | "later" | "failed" | "skipped";
  readonly code: string;
  readonly afterMs: number;
  /** Identifiers at the target, for the record: of the channel, of the message. */
  readonly facts: JsonObject;
};

export interface OpenBridge {
  /** As planned, from `plan`. */
  readonly calls: readonly JsonObject[];
  readonly key: string;
  /** Appended to the message after approval: the record's number, the grant and its verdicts. */
  readonly appendix: string;
}

export interface Bridge {
  /** The reference of the secret that its calls need. */
  readonly credential: string;
  /** Whether it could be used now, without any effect. */
  probe(signal: AbortSignal): Promise<Reach>;
  /** The calls that would open it, with references to secrets. Pure. */
  plan(wish: BridgeWish): readonly JsonObject[];
  /** Opens it as far as it can; never throws for what the target did. */
  open(request: OpenBridge, signal: AbortSignal): Promise<readonly PartEnd[]>;
  /** The calls that would close it. Pure. */
  planClose(wish: Pick<BridgeWish, "key" | "incident" | "service">): readonly JsonObject[];
  /** Closes it; one that is closed already, or was never opened, is done. */
  close(calls: readonly JsonObject[], signal: AbortSignal): Promise<PartEnd>;
}
