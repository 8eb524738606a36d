// What would be decided now about an action that nobody has proposed: the very code of a decision, stopped at its first
// event, so that an answer never differs from what a proposal would meet. Changes nothing.

import { assert } from "../core/assert.ts";
import { idFromSeq } from "../core/ids.ts";
import type { Prediction } from "../wire/types/prediction.ts";
import type { Verdict } from "../wire/types/verdict.ts";
import { brakeOn } from "./brakes.ts";
import type { Command, CommandInputs } from "./command.ts";
import { fullVolume } from "./commands/signed-proposals.ts";
import { settle } from "./evaluate.ts";
import type { Draft, EvaluationFacts, EventType, KernelEvent } from "./events.ts";
import { applyProposed } from "./reducers/actions.ts";
import type { Action, State } from "./state.ts";
import { Transaction, type Engine } from "./transaction.ts";

export type Probed = {
  readonly decision: "allow" | "hold" | "refuse";
  /** Why it is refused: the code of a refusal, or `dry-run` for what would be granted as a rehearsal. Empty for the others. */
  readonly code: string;
  readonly verdicts: readonly Verdict[];
  /** Where it would be held. */
  readonly route: string | null;
  /** Of what would be held: why it would not run once its people have said yes; null where it would. */
  readonly heldBack: "dry-run" | "conflict" | null;
  readonly bundleHash: string | null;
  readonly engine: string;
  readonly at: number;
  /** It cannot be told before this is asked for; until then it is refused. */
  readonly awaits?: "prediction";
};

type At = { readonly state: State; readonly engine: Engine; readonly now: number };
type Proposal = Pick<Command<"propose-action">, "actor"> & {
  readonly input: CommandInputs["propose-action"];
  /** What the runtime model said of it, as far as it was asked. */
  readonly prediction?: Prediction;
  /** Why its plan asks for a person's signature. */
  readonly signature?: string;
};

export function probe({ state, engine, now }: At, { actor, input, prediction, signature }: Proposal): Probed {
  const command: Command<"propose-action"> = { type: "propose-action", actor, input };
  const action = draftAction(state, now, command);
  if (prediction !== undefined) action.prediction = { ...prediction, at: now };
  if (signature !== undefined) action.signature = signature;
  const scratch = { ...state, actions: new WithOne(state.actions, action) };
  const tx = new ProbeTransaction({ state: scratch, engine, command, now });
  try {
    settle(tx, action.id);
  } catch (error) {
    if (!(error instanceof Decided)) throw error;
    const probed = toProbed(error.draft, { engine: engine.version, now });
    if (probed.decision !== "refuse" && input.agentKind === "agent" && fullVolume(state, now, actor) !== undefined)
      return { ...probed, decision: "refuse", code: "volume-exceeded", route: null };
    return { ...probed, heldBack: probed.decision === "hold" ? whyHeldBack(state, action, probed) : null };
  }
  assert(false, "a decision is an event");
}

/** What gates say that make an action wait for others. */
const IN_TURN = "in-turn";

/** What a hold does not say of the grant that would follow it. */
function whyHeldBack(state: State, action: Action, { verdicts }: Pick<Probed, "verdicts">): Probed["heldBack"] {
  if (brakeOn(state.brakes.values(), action) === "dry-run") return "dry-run";
  return verdicts.some(({ code }) => code === IN_TURN) ? "conflict" : null;
}

/** The action as its proposal would make it, in a state of its own: what a proposal notes elsewhere is not noted. */
function draftAction(state: State, now: number, command: Command<"propose-action">): Action {
  const { idempotencyKey: _key, operand = null, ...stated } = command.input;
  const none = { run: null, incident: null, cause: null, classification: null, deadline: null };
  const subject = idFromSeq("act", state.nextSeq);
  const actions = new Map<string, Action>();
  const scratch = { ...state, actions, storms: new Map(), owedResolves: new Map(), agents: new Map() };
  const seq = state.nextSeq;
  const header = { seq, time: now, version: 1, actor: command.actor, subject, command: seq } as const;
  const event = { ...header, type: "action.proposed", facts: { ...stated, ...none, operand } } as const;
  applyProposed(scratch, event satisfies KernelEvent<"action.proposed">);
  const action = actions.get(subject);
  assert(action !== undefined, "a proposal makes an action");
  const above = action.agentKind === "agent" ? (state.agents.get(action.agent)?.parents ?? []) : [];
  if (above.length > 0) action.above = above;
  return action;
}

/** The live actions and one more. */
class WithOne extends Map<string, Action> {
  readonly #live: ReadonlyMap<string, Action>;
  readonly #one: Action;

  constructor(live: ReadonlyMap<string, Action>, one: Action) {
    super();
    this.#live = live;
    this.#one = one;
  }

  override get(id: string): Action | undefined {
    return id === this.#one.id ? this.#one : this.#live.get(id);
  }

  override has(id: string): boolean {
    return id === this.#one.id || this.#live.has(id);
  }

  override get size(): number {
    return this.#live.size + 1;
  }

  override *values(): MapIterator<Action> {
    yield* this.#live.values();
    yield this.#one;
    return undefined;
  }
}

class Decided extends Error {
  readonly draft: Draft;

  constructor(draft: Draft) {
    super("decided");
    this.draft = draft;
  }
}

class ProbeTransaction extends Transaction {
  override emit<T extends EventType>(draft: Draft<T>): void {
    throw new Decided(draft);
  }
}

type DecidedFacts = {
  readonly evaluation?: EvaluationFacts | null;
  readonly code?: string;
  readonly route?: string;
  readonly dryRun?: boolean;
};

function toProbed({ type, facts }: Draft, { engine, now }: { engine: string; now: number }): Probed {
  const { evaluation, code, route, dryRun } = facts as DecidedFacts;
  const isRun = type === "action.granted" && dryRun !== true;
  const decision = isRun ? "allow" : type === "action.held" ? "hold" : "refuse";
  const rest = { heldBack: null, engine, at: now } as const;
  if (type === "action.prediction-asked") {
    const none = { decision, code: "prediction-missing", verdicts: [], route: null, bundleHash: null } as const;
    return { ...none, ...rest, awaits: "prediction" };
  }
  const refusal = dryRun === true ? "dry-run" : (code ?? type.replace(/^action\./, ""));
  return {
    ...rest,
    decision,
    code: decision === "refuse" ? refusal : "",
    verdicts: evaluation?.verdicts ?? [],
    route: decision === "hold" ? (route ?? null) : null,
    bundleHash: evaluation?.bundleHash ?? null,
  };
}
