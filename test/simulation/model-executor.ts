// A model of the systems outside: what executors did to them, whatever they answered.

import { hash } from "node:crypto";
import { AppError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type {
  ActionKind,
  Awaited,
  ExecuteRequest,
  Executor,
  Plan,
  PlanRequest,
  Reconciliation,
  StepOutcome,
} from "../../src/wire/contracts/executor.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { Turns } from "./turns.ts";

export const MODEL_KINDS: readonly ActionKind[] = [
  modelKind("model.idempotent", { repeat: "idempotent", planning: "pure" }),
  modelKind("model.conditional", { repeat: "conditional", planning: "reads" }),
  modelKind("model.neither", { repeat: "neither", planning: "pure" }),
];

/** Takes back what the others did. */
export const UNDO = modelKind("model.undo", { repeat: "conditional", planning: "reads" });

/** The kinds of triage, as their executors declare them. */
export const TRIAGE_MODELS: readonly ActionKind[] = [
  modelKind("pagerduty.trigger", { repeat: "idempotent", planning: "pure" }),
  modelKind("pagerduty.resolve", { repeat: "idempotent", planning: "pure" }),
  modelKind("servicenow.incident.create", { repeat: "conditional", planning: "pure" }),
  modelKind("servicenow.incident.update", { repeat: "conditional", planning: "pure" }),
];

function modelKind(kind: string, of: Pick<ActionKind, "repeat" | "planning">): ActionKind {
  return { kind, title: kind, argumentsSchema: {}, effect: "external", reversible: false, risks: [], ...of };
}

/** One time that the world outside really changed. */
export type Effect = { readonly key: string; readonly kind: string; readonly grant: string };

/** What outlives every crash: the systems that executors talk to. */
export class OutsideWorld {
  readonly effects: Effect[] = [];
  /** Every call that reached it, whatever came of it. */
  readonly calls: ExecuteRequest[] = [];
  /** Plans, by the action they were made for, of which was said that what they await is there. */
  readonly come = new Set<string>();

  happened(key: string): boolean {
    return this.effects.some((effect) => effect.key === key);
  }
}

type Parts = {
  readonly world: OutsideWorld;
  readonly random: SeededRandom;
  readonly turns: Turns;
  /** Called the moment a call arrives. */
  readonly onCall: (request: ExecuteRequest, kind: ActionKind) => void;
  /** Called the moment it takes effect. */
  readonly onEffect: (request: ExecuteRequest) => void;
};

/** Calls take turns: a crash can fall before, during and after each, and answers may lie about nothing but success. */
export function modelExecutor(parts: Parts): Executor {
  const kinds = [...MODEL_KINDS, UNDO, ...TRIAGE_MODELS];
  const kindOf = (name: string): ActionKind => kinds.find(({ kind }) => kind === name) as ActionKind;
  return {
    kinds,
    credentials: [],
    probe: () => Promise.resolve([]),
    plan: (request) => orHang(parts, () => parts.turns.take("plan", () => planModel(parts, request))),
    awaited: (plan) => orHang(parts, () => parts.turns.take("await", () => awaitedModel(parts, plan))),
    execute: (request, signal) => executeModel(parts, { request, signal, kind: kindOf(request.plan.kind) }),
    reconcile: (request) => orHang(parts, () => parts.turns.take("reconcile", () => reconcileModel(parts, request))),
  };
}

function planModel({ random }: Parts, { actionId, kind, args, target }: PlanRequest): Plan {
  // What takes an action back is tried a few times a seed at most: of these tries more tell nothing.
  if (random.below(actionId.endsWith("-inverse") ? 3 : 20) === 0) throw unreadable(random);
  const diff = { args, target: { ...target } } satisfies JsonObject;
  const size = 1 + Number(args["number"] ?? 0);
  const inverse = modelInverse(kind, diff);
  const change = hash("sha256", `${kind} ${size}`);
  const plan = { kind, change, calls: [diff], diff, inverse, reversible: false, fingerprint: null, size };
  const blind = inverse !== null && random.below(2) === 0 ? { blind: true as const } : {};
  const awaits = random.below(3) === 0 ? { awaits: true as const, fingerprint: actionId } : {};
  return inverse !== null && random.below(3) === 0
    ? { ...plan, ...blind, ...awaits, phases: ["some", "more", "all"] }
    : { ...plan, ...blind, ...awaits };
}

function unreadable(random: SeededRandom): Error {
  const why = "the target cannot be read";
  return random.below(2) === 0 ? new AppError("target-unavailable", why) : new Error(why);
}

function awaitedModel({ random, world }: Parts, { fingerprint }: Plan): Awaited {
  const fate = random.below(8);
  if (fate === 0) throw new Error("nobody can be asked");
  if (fate === 1 && random.below(3) === 0) return { status: "over", code: "rejected" };
  if (fate < 5) return { status: "pending", code: "unapproved", afterMs: random.below(60_000) };
  world.come.add(fingerprint ?? "");
  return { status: "come" };
}

/** Of what can be taken back. */
export function modelInverse(kind: string, { args, target }: JsonObject): JsonObject | null {
  return kind === "model.idempotent" || kind === "model.conditional"
    ? { kind: UNDO.kind, target: target ?? null, args: args ?? null }
    : null;
}

/** Now and then a call never ends, whatever it is told. */
function orHang<T>({ random }: Parts, answer: () => Promise<T>): Promise<T> {
  return random.below(25) === 0 ? hang() : answer();
}

function hang(): Promise<never> {
  return new Promise(() => undefined);
}

type Call = { readonly request: ExecuteRequest; readonly signal: AbortSignal; readonly kind: ActionKind };

async function executeModel(parts: Parts, { request, signal, kind }: Call): Promise<StepOutcome> {
  const { random, turns, world } = parts;
  await turns.take("call", () => {
    if (signal.aborted) return; // as every executor does: what was told to end begins nothing
    parts.onCall(request, kind);
    world.calls.push(request);
  });
  const fate = random.below(10);
  if (fate === 0) return turns.take("answer", () => ({ status: "failed", code: "refused", detail: null }) as const);
  if (fate === 1) {
    return turns.take("answer", () => ({ status: "retry", afterMs: 500, code: "busy", detail: null }) as const);
  }
  if (fate === 2) return turns.take("answer", () => ({ status: "unknown", code: "lost", detail: null }) as const);
  if (fate === 4 && random.below(3) === 0) return hang();
  // It takes its time, in which it may be stopped or lose its grant.
  for (let steps = random.below(8); steps > 0; steps--) await turns.take("work", () => undefined);
  await turns.take("effect", () => {
    if (signal.aborted) return;
    // Systems with an idempotency key or a condition take the same step once.
    if (kind.repeat !== "neither" && world.happened(request.idempotencyKey)) return;
    parts.onEffect(request);
    world.effects.push({ key: request.idempotencyKey, kind: kind.kind, grant: request.grantId });
  });
  if (fate === 5 && random.below(3) === 0) return hang();
  if (fate === 3) return turns.take("answer", () => ({ status: "unknown", code: "lost", detail: null }) as const);
  return turns.take(
    "answer",
    () =>
      ({
        status: signal.aborted ? "unknown" : "succeeded",
        code: "late",
        reference: request.idempotencyKey,
        detail: null,
      }) as const,
  );
}

function reconcileModel({ random, world }: Parts, { idempotencyKey }: ExecuteRequest): Reconciliation {
  if (random.below(5) === 0) return { status: "unclear", detail: null, afterMs: random.below(2) * 1_000 };
  if (world.happened(idempotencyKey)) return { status: "happened", reference: idempotencyKey, detail: null };
  return { status: "absent", detail: null };
}
