// Moves that propose: one action, several that meet on one target, and batches as one request brings them.

import { hash } from "node:crypto";
import { planHashOf } from "../../src/effects/execute.ts";
import { findInverse } from "../../src/effects/inverse.ts";
import { phasesOf } from "../../src/effects/plan.ts";
import type { CommandInputs } from "../../src/kernel/command.ts";
import type { KernelEvent } from "../../src/kernel/events.ts";
import type { Plan } from "../../src/wire/contracts/executor.ts";
import { signedBy } from "../kernel/agent-registration.ts";
import { ENVIRONMENTS, from, SERVICES } from "./authority-moves.ts";
import { parseBatch } from "./disk-events.ts";
import type { Promised } from "./invariants.ts";
import { MODEL_KINDS, modelInverse, UNDO } from "./model-executor.ts";
import { AGENTS, type World } from "./world.ts";

const BATCH_MAX = 8;

/** The keys of one batch in their order, and the one that came a second time at its end. */
export type Batch = { readonly keys: readonly string[]; readonly again: string | null };

/** Who proposes, and under which id of the proposal. */
type Of = { readonly agent?: (typeof AGENTS)[number]; readonly jti?: string };

/** One agent's, all handed over before any is answered; now and then one of them is there twice. */
export function proposeBatch(world: World, promised: Promised): void {
  const agent = from(world, AGENTS);
  const name = `batch${world.random.below(1_000_000_000)}`;
  const jtis = Array.from({ length: 2 + world.random.below(BATCH_MAX - 1) }, (_, i) => `${name}-${i}`);
  const keyOf = (jti: string): string => `${agent.id} ${jti}`;
  for (const jti of jtis) propose(world, promised, { agent, jti });
  const again = world.random.below(2) === 0 ? from(world, jtis) : null;
  if (again !== null) propose(world, promised, { agent, jti: again });
  promised.batches.push({ keys: jtis.map(keyOf), again: again === null ? null : keyOf(again) });
}

/** What was taken of a batch came in its order and became durable in one go: a crash leaves all of it or nothing. */
export function checkBatches(world: World, batches: readonly Batch[]): string[] {
  const broken: string[] = [];
  const found = new Map<string, { readonly seq: number; readonly write: number }>();
  for (const [write, batch] of world.disk.batches.entries()) {
    for (const { type, seq, facts } of parseBatch(batch) as readonly KernelEvent[]) {
      const key = type === "action.proposed" ? facts.input?.["idempotencyKey"] : null;
      if (typeof key === "string") found.set(key, { seq, write });
    }
  }
  const isInOrder = (keys: readonly string[]): boolean => {
    const seqs = keys.flatMap((key) => found.get(key)?.seq ?? []);
    return seqs.every((seq, i) => seq > (seqs[i - 1] ?? -1));
  };
  for (const { keys, again } of batches) {
    // Refused at its place, what is there twice may be taken the second time.
    const late = again === null ? keys : [...keys.filter((key) => key !== again), again];
    if (!isInOrder(keys) && !isInOrder(late)) broken.push(`${keys[0]}: out of order`);
    if (new Set(keys.flatMap((key) => found.get(key)?.write ?? [])).size > 1)
      broken.push(`${keys[0]}: not durable in one go`);
  }
  return broken;
}

/** Several at once where somebody may go ahead: they meet on one target. */
export function proposeSome(world: World, promised: Promised): void {
  const many = (world.process?.kernel.state.sets.size ?? 0) > 0 ? 1 + world.random.below(3) : 1;
  for (let i = 0; i < many; i++) propose(world, promised);
}

function propose(world: World, promised: Promised, of: Of = {}): void {
  const kind = from(world, MODEL_KINDS);
  const { agent = from(world, AGENTS) } = of;
  const isForSeveral = world.random.below(3) === 0;
  const environment = isForSeveral ? "production" : from(world, ENVIRONMENTS);
  const service = isForSeveral ? "payments" : from(world, SERVICES);
  const args = { number: world.random.below(4) };
  const diff = { args, target: { environment, service } };
  const inverse = modelInverse(kind.kind, diff);
  const size = 1 + args.number;
  const goes = inverse !== null && world.random.below(2) === 0 ? { phases: ["half", "all"] } : {};
  const whole = { kind: kind.kind, calls: [diff], diff, inverse, reversible: false, fingerprint: null, size };
  const plan: Plan = { ...whole, ...goes };
  const undone = findInverse(plan, { target: { environment, service }, kindOf: () => UNDO });
  const requestHash = hash("sha256", JSON.stringify([kind.kind, diff]));
  // One of three proposals is made again and again under its own id.
  const jti =
    of.jti ?? (world.random.below(3) === 0 ? requestHash.slice(0, 8) : `${world.random.below(1_000_000_000)}`);
  const key = `${agent.id} ${jti}`;
  const input: CommandInputs["propose-action"] = {
    kind: kind.kind,
    environment,
    service,
    resource: null,
    agentKind: "agent",
    person: agent.person,
    requestHash,
    planHash: kind.planning === "pure" ? planHashOf(plan) : null,
    repeat: kind.repeat,
    effect: "external",
    reversible: false,
    idempotencyKey: key,
    ...(kind.planning === "pure" && undone !== undefined ? { inverse: undone } : {}),
    ...(kind.planning === "pure" ? { size, ...phasesOf(plan) } : {}),
    signed: signedBy(agent.id, world.nowMs - world.random.below(1_000)),
    ...(world.random.below(12) === 0 ? { dryRun: true } : {}),
    ...(world.random.below(10) === 0 ? { window: windowOf(world) } : {}),
  };
  const content = kind.planning === "pure" ? { args, plan: { ...plan, calls: [diff] } } : { args };
  const reply = world.ask({ type: "propose-action", actor: agent.id, input, content });
  void reply.then((answered) => {
    if (answered === null) return;
    promised.actions.add(answered.subject);
    promised.keys.set(key, answered.subject);
  });
}

/** Mostly open soon, now and then over before it has begun. */
function windowOf(world: World): NonNullable<CommandInputs["propose-action"]["window"]> {
  const notBefore = world.nowMs + world.random.below(4_000) - 500;
  const notAfter = notBefore + 1 + world.random.below(world.random.below(3) === 0 ? 2_000 : 600_000);
  return world.random.below(3) === 0 ? { notAfter } : { notBefore, notAfter };
}
