// Replaying one decision: the fold of everything before it, the recorded command decided again, and what differs.

import type { Json, JsonObject } from "../core/json.ts";
import { apply } from "../kernel/apply.ts";
import { decide } from "../kernel/decide.ts";
import { emptyState, type State } from "../kernel/state.ts";
import { Transaction, type Engine } from "../kernel/transaction.ts";
import type { LedgerEvent } from "../wire/types/event.ts";
import { commandOf, isSameJson } from "./redecide.ts";

const DIFFERENCES_MAX = 64;

export interface Difference {
  readonly seq: number;
  /** Where in the event, as a JSON Pointer (RFC 6901): `/facts/code`; empty for the whole event. */
  readonly path: string;
  /** Null where there is nothing on that side. */
  readonly recorded: Json;
  readonly replayed: Json;
}

export interface Replayed {
  /** True when the decision comes out bit for bit as recorded; owed under the same engine version and bundle. */
  readonly equal: boolean;
  readonly command: string | null;
  /** Engine that decided then, and the one that decides now. */
  readonly engine: { readonly recorded: string; readonly replayed: string };
  /** At most 64. */
  readonly differences: readonly Difference[];
}

export type ReplayRequest = {
  /** Every event from the state's size to the end of the command in question, which is the last one. */
  readonly events: Iterable<LedgerEvent>;
  readonly engine: Engine;
  /** Where the fold begins; it is changed. The empty state when absent. */
  readonly state?: State;
};

/** Decides the last recorded command again. Throws when the events before it do not fold. */
export function replayDecision({ events, engine, state = emptyState() }: ReplayRequest): Replayed {
  let group: LedgerEvent[] = [];
  for (const event of events) {
    if (group[0]?.command !== event.command) {
      for (const before of group) apply(state, before);
      group = [];
    }
    group.push(event);
  }
  const versions = { recorded: state.engine, replayed: engine.version };
  const first = group[0];
  const command = first === undefined ? null : commandOf(first);
  if (first === undefined || command === null) {
    const difference = {
      seq: first?.seq ?? 0,
      path: "/facts/by",
      recorded: first?.facts["by"] ?? null,
      replayed: null,
    };
    return { equal: false, command: null, engine: versions, differences: [difference] };
  }
  const tx = new Transaction({ state, engine, command, now: first.time });
  const differences: Difference[] = [];
  try {
    decide(tx);
  } catch (error) {
    const replayed = error instanceof Error ? `${error.name}: ${error.message}` : "an error";
    differences.push({ seq: state.nextSeq, path: "", recorded: null, replayed });
  }
  for (let at = 0; at < Math.max(group.length, tx.events.length); at++) {
    const { payload: _payload, ...replayed } = tx.events[at] ?? {};
    compare({ seq: first.seq + at, path: "", recorded: asJson(group[at]), replayed: asJson(replayed) }, differences);
  }
  const kept = differences.slice(0, DIFFERENCES_MAX);
  return { equal: differences.length === 0, command: command.type, engine: versions, differences: kept };
}

function asJson(event: object | undefined): Json {
  return event === undefined || Object.keys(event).length === 0 ? null : (event as JsonObject);
}

/** Adds the innermost members that differ, up to the bound and one more. */
function compare(pair: Difference, into: Difference[]): void {
  const { seq, path, recorded, replayed } = pair;
  if (into.length > DIFFERENCES_MAX || isSameJson(recorded, replayed)) return;
  if (!isContainer(recorded) || !isContainer(replayed) || Array.isArray(recorded) !== Array.isArray(replayed)) {
    into.push(pair);
    return;
  }
  const before = into.length;
  for (const name of new Set([...Object.keys(recorded), ...Object.keys(replayed)])) {
    const escaped = name.replaceAll("~", "~0").replaceAll("/", "~1");
    const member = { recorded: recorded[name] ?? null, replayed: replayed[name] ?? null };
    compare({ seq, path: `${path}/${escaped}`, ...member }, into);
  }
  if (into.length === before) into.push(pair); // a null on one side is nothing at all on the other
}

function isContainer(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null;
}
