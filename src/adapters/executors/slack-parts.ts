// How the parts of a bridge at Slack end: done, to be tried again, or left to people.

import type { JsonObject } from "../../core/json.ts";
import type { PartEnd } from "../../wire/contracts/bridge.ts";
import type { Said } from "./slack-api.ts";

/** Not done for now, or for good; `passing` when trying again may help. */
export type NotDone = {
  readonly kind: "not";
  readonly code: string;
  readonly passing: boolean;
  readonly afterMs: number;
};

/** An answer with `ok` that does not hold what the method gives. */
export const UNREADABLE: NotDone = { kind: "not", code: "answer-unexpected", passing: true, afterMs: 5_000 };

/** For what is looked up first, or harmless to repeat, being unsure is no worse than not having done it. */
export function notDone(said: Exclude<Said, { kind: "ok" }>): NotDone {
  return { kind: "not", code: said.code, passing: said.kind === "unsure" || said.passing, afterMs: said.afterMs };
}

export function endOf(part: PartEnd["part"], not: NotDone): PartEnd {
  return { part, status: not.passing ? "later" : "failed", code: not.code, afterMs: not.afterMs, facts: {} };
}

export function done(part: PartEnd["part"], facts: JsonObject): PartEnd {
  return { part, status: "done", code: "", afterMs: 0, facts };
}

export function failed(part: PartEnd["part"], code: string, facts: JsonObject = {}): PartEnd {
  return { part, status: "failed", code, afterMs: 0, facts };
}

/** What waits for the channel. */
export function skipped(): readonly PartEnd[] {
  return (["topic", "message", "responders"] as const).map((part) => ({
    ...failed(part, "channel-missing"),
    status: "skipped",
  }));
}
