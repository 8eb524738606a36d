// The walk upwards from what fails: everybody who suffers notably, each after what it needs.

import { intervalOf, NEVER, type Interval } from "./interval.ts";
import type { Present, Use } from "./present.ts";
import { RankQueue } from "./rank-queue.ts";

/** Who suffers less is not gone beyond. */
const NOTABLE = 0.002;
const PATH_MAX = 32;

/**
 * What a failure does to each node above it. Numbers stand in columns by node: a failure deep down is felt by thousands.
 * Where services use each other in a circle, one of them is taken before the other has been.
 */
export class Climb {
  readonly #present: Present;
  readonly #affectedMax: number;
  /** The part of its requests that fail. */
  readonly #impact: Columns;
  /** How often a request of it that gets to the target fails with it, along the likeliest way. */
  readonly #conditional: Columns;
  /** The next node on that way; the node itself at the target. */
  readonly #next: Uint32Array;
  readonly reached = new Set<number>();

  constructor(present: Present, seeds: ReadonlySet<number>, affectedMax: number) {
    const { nodeCount } = present.graph.names;
    this.#present = present;
    this.#affectedMax = affectedMax;
    this.#impact = new Columns(nodeCount);
    this.#conditional = new Columns(nodeCount);
    this.#next = new Uint32Array(nodeCount);
    for (const node of seeds) {
      this.#impact.set(node, 1, 0, 0);
      this.#conditional.set(node, 1, 0, 0);
      this.#next[node] = node;
      this.reached.add(node);
    }
    this.#climb(seeds);
  }

  #climb(seeds: ReadonlySet<number>): void {
    const queue = new RankQueue((node) => this.#present.rankOf(node));
    const addUsers = (node: number): void => {
      for (const { user } of this.#present.uses.get(node) ?? []) if (!this.reached.has(user)) queue.add(user);
    };
    for (const node of seeds) addUsers(node);
    for (let user = queue.take(); user !== undefined && this.reached.size < this.#affectedMax; user = queue.take()) {
      if (this.#suffer(user, this.#present.needs.get(user) ?? [])) addUsers(user);
    }
  }

  /** Whether what the user suffers is notable. Errors of what was measured apart add up by squares. */
  #suffer(user: number, needs: readonly Use[]): boolean {
    const { mid, down2, up2 } = this.#impact;
    const along = this.#conditional;
    // Of what goes well: the uses are taken as independent.
    let [well, wellDown2, wellUp2] = [1, 0, 0];
    let best: Use | null = null;
    let bestMid = -1;
    for (const use of needs) {
      const { needed, risk, spread } = use;
      if (needed === user || !this.reached.has(needed)) continue;
      const below = mid[needed] as number;
      const fails = risk.mid * below;
      const failsDown2 = risk.mid * risk.mid * (down2[needed] as number) + below * below * risk.down2;
      const failsUp2 = risk.mid * risk.mid * (up2[needed] as number) + below * below * risk.up2;
      const rest = 1 - fails;
      wellDown2 = rest * rest * wellDown2 + well * well * failsUp2;
      wellUp2 = rest * rest * wellUp2 + well * well * failsDown2;
      well *= rest;
      const alongMid = spread.mid * (along.mid[needed] as number);
      if (alongMid > bestMid) [best, bestMid] = [use, alongMid];
    }
    this.#impact.set(user, 1 - well, wellUp2, wellDown2);
    if (best !== null) this.#follow(user, best);
    this.reached.add(user);
    const missing = NOTABLE - (1 - well);
    return missing < 0 || wellDown2 > missing * missing;
  }

  #follow(user: number, { needed, spread }: Use): void {
    const { mid, down2, up2 } = this.#conditional;
    const below = mid[needed] as number;
    const own = spread.mid * spread.mid;
    const nextDown2 = own * (down2[needed] as number) + below * below * spread.down2;
    const nextUp2 = own * (up2[needed] as number) + below * below * spread.up2;
    this.#conditional.set(user, spread.mid * below, nextDown2, nextUp2);
    this.#next[user] = needed;
  }

  midOf(node: number): number {
    return this.#impact.mid[node] ?? 0;
  }

  impactOf(node: number): Interval {
    return this.reached.has(node) ? this.#impact.get(node) : NEVER;
  }

  /** Undefined for a node from which there is no way. */
  conditionalOf(node: number): Interval | undefined {
    return this.reached.has(node) ? this.#conditional.get(node) : undefined;
  }

  /** From a node to the target, along the likeliest way. */
  pathOf(from: number): readonly number[] {
    const path = [from];
    for (let node = from; path.length < PATH_MAX;) {
      const next = this.#next[node] as number;
      if (next === node) break;
      path.push(next);
      node = next;
    }
    return path;
  }
}

class Columns {
  readonly mid: Float64Array;
  readonly down2: Float64Array;
  readonly up2: Float64Array;

  constructor(count: number) {
    this.mid = new Float64Array(count);
    this.down2 = new Float64Array(count);
    this.up2 = new Float64Array(count);
  }

  set(node: number, mid: number, down2: number, up2: number): void {
    this.mid[node] = mid;
    this.down2[node] = down2;
    this.up2[node] = up2;
  }

  get(node: number): Interval {
    const at = (of: Float64Array): number => of[node] as number;
    return intervalOf({ mid: at(this.mid), down2: at(this.down2), up2: at(this.up2) });
  }
}
