// One command at work: emits events, each applied at once, so that the next line sees the one before.

import type { Json, JsonObject } from "../core/json.ts";
import type { Asks, BreakGlass } from "../wire/types/approvals.ts";
import type { Severity } from "../wire/types/classification.ts";
import type { Verification } from "../wire/types/health.ts";
import type { Stage, StagePermit } from "../wire/types/stage.ts";
import type { UnsealedEvent } from "../wire/types/event.ts";
import type { Evaluation } from "../wire/types/verdict.ts";
import type { CounterReader, PolicyFacts } from "../wire/types/policy-facts.ts";
import { apply } from "./apply.ts";
import { inputToRecord, type Command } from "./command.ts";
import { EVENT_VERSION, type Draft, type EventType } from "./events.ts";
import type { State } from "./state.ts";

export type RouteStep = {
  readonly asks: Asks;
  readonly withinMs: number;
  /** Null: nobody is reminded. */
  readonly remindEveryMs: number | null;
};

/** What the end of the last step without an answer does: nothing runs, and `page` also asks for a page. */
export type ActiveRoute = {
  readonly steps: readonly RouteStep[];
  readonly onTimeout?: "deny" | "page";
  /** Absent or null: what is held here waits. */
  readonly breakGlass?: BreakGlass | null;
};

/** Who is on duty at an instant; null for nobody. */
export interface ActiveSchedule {
  onDuty(nowMs: number): string | null;
}

/** What each stage lets the triage agent do, and where a draft waits whose policy names no route. */
export interface ActiveLadder {
  readonly route: string;
  readonly stages: readonly { readonly stage: Stage; readonly permits: readonly StagePermit[] }[];
  permits(stage: Stage, of: { kind: string; severity: Severity | null }): boolean;
}

/** A loaded policy bundle as the kernel needs it: identified by the hash of its bytes, hence pure. */
export interface ActivePolicy {
  readonly hash: string;
  readonly routes: ReadonlyMap<string, ActiveRoute>;
  readonly schedules: ReadonlyMap<string, ActiveSchedule>;
  /** Null: the triage agent stays in shadow. */
  readonly ladder: ActiveLadder | null;
  verificationFor(of: { kind: string; environment: string; service: string }): Verification | undefined;
  /** The regulations that its targets are marked with; a bundle of the tests' may have none. */
  tagsFor?(of: { environment: string; service: string }): readonly string[];
  evaluate(facts: PolicyFacts, counters: CounterReader): Evaluation;
}

/** What decisions depend on besides state and input; each is named in every decision. */
export interface Engine {
  readonly version: string;
  /** The bundle with that hash, or undefined when its bytes are not at hand: then everything is refused. */
  policy(hash: string): ActivePolicy | undefined;
}

export class Transaction {
  readonly state: State;
  readonly engine: Engine;
  readonly command: Command;
  readonly now: number;
  readonly events: UnsealedEvent[] = [];
  readonly #firstSeq: number;

  constructor(at: { state: State; engine: Engine; command: Command; now: number }) {
    this.state = at.state;
    this.engine = at.engine;
    this.command = at.command;
    this.now = at.now;
    this.#firstSeq = at.state.nextSeq;
  }

  /** Sequence that the next event will have; ids of new things are made from it. */
  get nextSeq(): number {
    return this.state.nextSeq;
  }

  /** Records one event and folds it into state. The first carries the command's name, and what of its input it does not state. */
  emit<T extends EventType>(draft: Draft<T>, actor = this.command.actor): void {
    const made = draft.facts as JsonObject;
    const isNamed = this.events.length > 0 || made["by"] !== undefined; // some are made with their command in place
    const facts = isNamed ? made : withCommand(made, this.command);
    const header = {
      seq: this.state.nextSeq,
      time: this.now,
      type: draft.type,
      version: EVENT_VERSION,
      actor,
      subject: draft.subject,
      command: this.#firstSeq,
      facts,
    };
    const event: UnsealedEvent = draft.payload === undefined ? header : { ...header, payload: draft.payload };
    apply(this.state, event);
    this.events.push(event);
  }
}

/** Facts with the command that caused them, each in its place: what is in canonical order is written fastest. */
function withCommand(facts: JsonObject, command: Command): JsonObject {
  const all: Record<string, Json> = {};
  for (const name of Object.keys(facts)) {
    if (name > "by") all["by"] ??= command.type;
    if (name > "input") all["input"] ??= inputToRecord(command);
    all[name] = facts[name] as Json;
  }
  all["by"] ??= command.type;
  all["input"] ??= inputToRecord(command);
  return all;
}
