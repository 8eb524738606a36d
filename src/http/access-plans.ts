// What follows from a call alone: how it is bound, and the plan that it would have as a proposal, as far as it can be known
// before there is one.

import { canonicalJson } from "../core/canonical-json.ts";
import { isAppError } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { AccessCall } from "../wire/schemas/access.ts";
import { OWN_KINDS } from "../wire/schemas/kernel-kinds.ts";
import { EXECUTOR_KINDS } from "../wire/types/executor-kinds.ts";
import { boundCall, boundMembers, callHash, type Placed } from "./access-calls.ts";
import { factsOf } from "./propose.ts";
import type { ActionService } from "./services.ts";

/** What a decision reads of a plan; its bytes, which may be many, are let go. */
type PlannedFacts = ReturnType<typeof factsOf> & {
  readonly planHash: string;
  readonly signature: string | undefined;
  readonly reversible: boolean;
};

type CallPlan =
  /** Whoever asks carries it out: the call is its plan. */
  | { readonly is: "none" }
  /** It is made of what its target is at that moment, and may ask for people whatever policy says. */
  | { readonly is: "unknown" }
  | { readonly is: "made"; readonly facts: PlannedFacts }
  /** A proposal would be refused with this code, or is the only way in which it is decided. */
  | { readonly is: "impossible"; readonly code: string };

export type ReadCall = {
  readonly call: AccessCall;
  readonly placed: Placed;
  /** The members of its context that it is bound to, and the hash that binds it. */
  readonly members: readonly string[];
  readonly hash: string;
  readonly plan: CallPlan;
};

type Planning = Pick<ActionService, "kinds" | "plansAtOnce" | "plan" | "findSecret">;

export async function readCall(actions: Planning, placed: Placed, call: AccessCall): Promise<ReadCall> {
  const members = boundMembers(call);
  const hash = callHash(boundCall(call, members));
  return { call, placed, members, hash, plan: await planOfCall(actions, placed, call) };
}

/** Its arguments are the properties of the call's action. */
async function planOfCall(
  actions: Planning,
  { kind: name, target, subject: agent }: Placed,
  { action }: AccessCall,
): Promise<CallPlan> {
  // What it acts on, and who may, is the kernel's to find out: nothing of that is in a call.
  if (OWN_KINDS.has(name)) return { is: "impossible", code: "proposal-only" };
  const kind = actions.kinds.get(name);
  if (kind === undefined)
    return EXECUTOR_KINDS.has(name) ? { is: "impossible", code: "action-kind-unknown" } : { is: "none" };
  const args = (action.properties ?? {}) as JsonObject;
  const proposed = canonicalJson({ arguments: args, kind: name, target: target as unknown as Json });
  if (actions.findSecret(proposed) !== null) return { is: "impossible", code: "secret-detected" };
  if (kind.planning !== "pure" || !actions.plansAtOnce(kind, target)) return { is: "unknown" };
  try {
    const planned = await actions.plan({ kind: name, target, args, agent });
    const { planHash, plan, inverse } = planned;
    const facts = { planHash, signature: plan.signature, reversible: inverse !== undefined, ...factsOf(planned) };
    return { is: "made", facts };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return { is: "impossible", code: error.code };
  }
}

const MEMBERS = ["subject", "action", "resource", "context"] as const;
type Item = Readonly<Record<string, unknown>>;

/** Calls of one request that are made of the very same members are read once: most share those that stand beside them. */
export class SameCalls<T> {
  readonly #known: { readonly item: Item; readonly made: Promise<T> }[] = [];

  of(item: Item, make: () => Promise<T>): Promise<T> {
    const found = this.#known.find((one) => MEMBERS.every((name) => one.item[name] === item[name]));
    if (found !== undefined) return found.made;
    const made = make();
    this.#known.push({ item, made });
    return made;
  }
}
