// Deciding a recorded command again, on the state before it, and comparing what comes out with what was recorded.

import type { Json, JsonObject } from "../core/json.ts";
import { apply } from "../kernel/apply.ts";
import { inputFromRecord, KERNEL, type Command } from "../kernel/command.ts";
import { decide, isCommandType } from "../kernel/decide.ts";
import { EVENT_VERSION, type Draft, type EventType } from "../kernel/events.ts";
import type { State } from "../kernel/state.ts";
import { Transaction, type Engine } from "../kernel/transaction.ts";
import type { LedgerEvent } from "../wire/types/event.ts";

/** What the engine came to where the record says something else; null for no event at all. */
export type FoundEvent = Omit<LedgerEvent, "seq" | "time" | "command">;

export interface Mismatch {
  readonly seq: number;
  /** The recorded event; null when the engine wants one more than was recorded. */
  readonly expected: LedgerEvent | null;
  readonly found: FoundEvent | null;
  /** Why there was no decision at all, where that is the difference. */
  readonly error: string | null;
}

export type Recorded = { readonly state: State; readonly engine: Engine; readonly group: readonly LedgerEvent[] };

/**
 * Decides the group's command again while folding the recorded events. The state is the fold of the record in every
 * case: each event is compared before it is applied, and from the first difference on the record alone is folded.
 */
export function redecide({ state, engine, group }: Recorded): Mismatch | null {
  const first = group[0];
  const command = first === undefined ? null : commandOf(first);
  if (first === undefined) return null;
  if (command === null) return foldRest(state, { group, from: 0, error: "the first event names no command" });
  const replay = new Replay({ state, engine, command, now: first.time }, group);
  try {
    decide(replay);
  } catch (error) {
    if (error instanceof Difference) return foldRest(state, { group, from: error.at, found: error.found });
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return foldRest(state, { group, from: replay.events.length, error: text });
  }
  return replay.events.length === group.length ? null : foldRest(state, { group, from: replay.events.length });
}

/** Folds what is left of a group, and says what the difference at its beginning was. */
function foldRest(
  state: State,
  rest: { group: readonly LedgerEvent[]; from: number; found?: FoundEvent; error?: string },
): Mismatch {
  const { group, from, found = null, error = null } = rest;
  const expected = group[from] ?? null;
  const seq = expected?.seq ?? state.nextSeq;
  for (const event of group.slice(from)) apply(state, event);
  return { seq, expected, found, error };
}

/** The command whose input the first event of its group carries; null when it carries none that this engine knows. */
export function commandOf(event: LedgerEvent): Command | null {
  const { by, input } = event.facts;
  if (typeof by !== "string" || !isCommandType(by)) return null;
  if (typeof input !== "object" || input === null || Array.isArray(input)) return null;
  // Time has no author: what a tick does first may be done in the name of triage, and the rest is the kernel's.
  const actor = by === "tick" ? KERNEL : event.actor;
  return { type: by, actor, input: inputFromRecord(by, event.facts) } as Command;
}

class Difference extends Error {
  override name = "Difference";
  readonly at: number;
  readonly found: FoundEvent;

  constructor(at: number, found: FoundEvent) {
    super(`the decision differs at event ${at} of the command`);
    this.at = at;
    this.found = found;
  }
}

/** A transaction that lets only the recorded events happen. */
class Replay extends Transaction {
  readonly #recorded: readonly LedgerEvent[];

  constructor(at: { state: State; engine: Engine; command: Command; now: number }, recorded: readonly LedgerEvent[]) {
    super(at);
    this.#recorded = recorded;
  }

  override emit<T extends EventType>(draft: Draft<T>, actor = this.command.actor): void {
    const at = this.events.length;
    const facts = draft.facts as JsonObject;
    const found: FoundEvent = { type: draft.type, version: EVENT_VERSION, actor, subject: draft.subject, facts };
    const recorded = this.#recorded[at];
    if (recorded === undefined || !this.#isSame(recorded, found)) throw new Difference(at, found);
    apply(this.state, recorded);
    this.events.push(recorded);
  }

  #isSame(recorded: LedgerEvent, found: FoundEvent): boolean {
    return (
      recorded.type === found.type &&
      recorded.subject === found.subject &&
      recorded.actor === found.actor &&
      recorded.version === found.version &&
      recorded.time === this.now &&
      // The first event also carries the command itself, which is where the command was read from.
      isSameFacts(recorded.facts, found.facts, this.events.length === 0)
    );
  }
}

function isSameFacts(recorded: JsonObject, found: JsonObject, isFirst: boolean): boolean {
  const isPlain = !isFirst || found["by"] !== undefined; // some are made with their command in place
  return isSameObject(recorded, found, isPlain ? NO_MEMBERS : COMMAND_MEMBERS);
}

const COMMAND_MEMBERS: ReadonlySet<string> = new Set(["by", "input"]);
const NO_MEMBERS: ReadonlySet<string> = new Set();

/** True when both have the same canonical JSON: order of members is nothing, an undefined member is an absent one. */
export function isSameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => isSameJson(item as Json, b[index] as Json));
  }
  return isSameObject(a as JsonObject, b as JsonObject, NO_MEMBERS);
}

/** `passedOver` names members of `a` that are not compared. */
function isSameObject(a: JsonObject, b: JsonObject, passedOver: ReadonlySet<string>): boolean {
  let members = 0;
  // Neither inherits anything; lists of names would be a tenth of what a replay allocates.
  for (const name in a) {
    if (a[name] === undefined || passedOver.has(name)) continue;
    if (!Object.hasOwn(b, name) || !isSameJson(a[name], b[name])) return false;
    members++;
  }
  for (const name in b) if (b[name] !== undefined) members--;
  return members === 0;
}
