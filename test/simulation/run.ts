// One seed from the first start to rest, and what was broken on the way.

import { apply } from "../../src/kernel/apply.ts";
import { stateHash } from "../../src/kernel/snapshot.ts";
import { emptyState } from "../../src/kernel/state.ts";
import type { ActionKind, ExecuteRequest } from "../../src/wire/contracts/executor.ts";
import { checkCall, checkStanding } from "./call-invariants.ts";
import { eventsOf } from "./disk-events.ts";
import { checkLedger, nothingPromised } from "./invariants.ts";
import { move } from "./moves.ts";
import { settle, World, type Process } from "./world.ts";

export type SeedResult = {
  readonly seed: number;
  readonly broken: readonly string[];
  readonly events: number;
  readonly effects: number;
  readonly crashes: number;
  readonly steps: number;
};

const REST_TURNS_MAX = 20_000;

/** Runs `steps` random moves, then lets the world come to rest without further failures, and checks everything. */
export async function runSeed(seed: number, steps: number): Promise<SeedResult> {
  const broken: string[] = [];
  const onCall = (world: World, request: ExecuteRequest, kind: ActionKind): void => {
    broken.push(...checkCall(world, request, kind));
  };
  const onEffect = (world: World, { idempotencyKey }: ExecuteRequest): void => {
    broken.push(...checkStanding(world, idempotencyKey.split(".")[0] ?? ""));
  };
  const world = new World(seed, { onCall, onEffect });
  const promised = nothingPromised();
  await world.start();
  for (let step = 0; step < steps && broken.length === 0; step++) {
    await move(world, promised);
    await settle();
  }
  broken.push(...(await checkLive(world)));
  await comeToRest(world);
  broken.push(...checkLedger(world, promised));
  const events = world.disk.size();
  return { seed, broken, events, effects: world.outside.effects.length, crashes: world.crashes, steps };
}

/** The process that lived through all of it holds what the ledger folds to. One that starts on a ledger always does. */
async function checkLive(world: World): Promise<string[]> {
  const isBehind = ({ kernel }: Process): boolean => kernel.durableSize < kernel.state.nextSeq;
  while (world.process !== null && isBehind(world.process) && (await world.turn()));
  if (world.process === null || isBehind(world.process)) return [];
  return foldHash(world) === stateHash(world.process.kernel.state) ? [] : ["the fold is not the state that lived"];
}

function foldHash(world: World): string {
  const state = emptyState();
  for (const event of eventsOf(world)) apply(state, event);
  return stateHash(state);
}

/** No more failures: a last crash and start, then turns until nobody waits and no work is left. */
async function comeToRest(world: World): Promise<void> {
  world.failing = false;
  world.disk.plan.length = 0;
  world.crash();
  while (world.process === null) await world.start();
  for (let turn = 0; turn < REST_TURNS_MAX; turn++) {
    if (await world.turn()) continue;
    world.process?.runner.sweep();
    await settle();
    if (world.turns.waiting > 0) continue;
    if ((world.process?.runner.running ?? 0) > 0) {
      world.endTerms();
      await settle();
      continue;
    }
    if (!isWaitingForTime(world)) return;
    world.nowMs += 2_000;
    world.monotonicMs += 2_000;
    void world.process?.kernel.tick().catch(() => undefined);
  }
}

/**
 * A target said that its answer may still come, what was done is being checked or taken back, or nobody could tell whether
 * it can be: that takes time.
 */
function isWaitingForTime(world: World): boolean {
  const { actions, inverses } = world.process?.kernel.state ?? {};
  if ((inverses?.size ?? 0) > 0) return true;
  return [...(actions?.values() ?? [])].some(({ status }) =>
    ["reconciling", "verifying", "reverting"].includes(status),
  );
}
