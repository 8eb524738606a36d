// The walk upwards from what fails: everybody who suffers notably, each after what it needs.

import { intervalOf, NEVER, type Interval } from "./interval.ts";
import type { Order, Present } from "./present.ts";
import { USE_NUMBERS } from "./uses.ts";

/** Who suffers less is not gone beyond. */
const NOTABLE = 0.002;
const PATH_MAX = 32;
const NOBODY = 0xffff_ffff;
const NODE_NUMBERS = 6;
const IMPACT = 0;
const ALONG = 3;

/**
 * What a failure does to each node above it. Numbers stand in columns by node: a failure deep down is felt by thousands.
 * Where services use each other in a circle, one of them is taken before the other has been.
 */
export class Climb {
  readonly #order: Order;
  readonly #affectedMax: number;
  /**
   * Six numbers for each node, side by side because they are read together. First the part of its requests that fail: mid,
   * down2, up2. Then how often a request of it that gets to the target fails with it, along the likeliest way: the same.
   */
  readonly #numbers: Float64Array;
  /** The next node on that way; the node itself at the target. */
  readonly #next: Uint32Array;
  readonly #isReached: Uint8Array;
  /** In the order in which they were reached, the seeds first. */
  readonly reached: number[] = [];

  constructor(present: Present, seeds: ReadonlySet<number>, affectedMax: number) {
    const { nodeCount } = present.graph.names;
    this.#order = present.order();
    this.#affectedMax = affectedMax;
    this.#numbers = new Float64Array(nodeCount * NODE_NUMBERS);
    this.#next = new Uint32Array(nodeCount);
    this.#isReached = new Uint8Array(nodeCount);
    for (const node of seeds) {
      this.#numbers[node * NODE_NUMBERS + IMPACT] = 1;
      this.#numbers[node * NODE_NUMBERS + ALONG] = 1;
      this.#next[node] = node;
      this.#reach(node);
    }
    this.#climb();
  }

  #reach(node: number): void {
    this.#isReached[node] = 1;
    this.reached.push(node);
  }

  /** Whoever waits is taken in the order of ranks; one that stands below, in a circle, is gone back to. */
  #climb(): void {
    const { uses, ranks, byRank } = this.#order;
    const waits = new Uint8Array(byRank.length);
    let waiting = 0;
    let lowest = byRank.length;
    const addUsers = (node: number): void => {
      const users = uses.usersOf(node);
      for (let i = 0; i < users.length; i++) {
        const user = users[i] as number;
        const rank = ranks[user] as number;
        if (this.#isReached[user] === 1 || waits[rank] === 1) continue;
        waits[rank] = 1;
        waiting++;
        if (rank < lowest) lowest = rank;
      }
    };
    for (const node of [...this.reached]) addUsers(node);
    while (waiting > 0 && this.reached.length < this.#affectedMax) {
      while (waits[lowest] === 0) lowest++;
      waits[lowest] = 0;
      waiting--;
      const user = byRank[lowest] as number;
      if (this.#suffer(user)) addUsers(user);
    }
  }

  /** Whether what the user suffers is notable. Errors of what was measured apart add up by squares. */
  #suffer(user: number): boolean {
    const { begins, needed: neededOf, numbers: ofUses } = this.#order.uses;
    const ofNodes = this.#numbers;
    // Of what goes well: the uses are taken as independent.
    let well = 1;
    let wellDown2 = 0;
    let wellUp2 = 0;
    let best = NOBODY;
    let bestMid = -1;
    const end = begins[user + 1] as number;
    for (let use = begins[user] as number; use < end; use++) {
      const needed = neededOf[use] as number;
      if (needed === user || this.#isReached[needed] === 0) continue;
      const n = needed * NODE_NUMBERS;
      const u = use * USE_NUMBERS;
      const below = ofNodes[n] as number;
      const risk = ofUses[u] as number;
      const fails = risk * below;
      const failsDown2 = risk * risk * (ofNodes[n + 1] as number) + below * below * (ofUses[u + 1] as number);
      const failsUp2 = risk * risk * (ofNodes[n + 2] as number) + below * below * (ofUses[u + 2] as number);
      const rest = 1 - fails;
      wellDown2 = rest * rest * wellDown2 + well * well * failsUp2;
      wellUp2 = rest * rest * wellUp2 + well * well * failsDown2;
      well *= rest;
      const along = (ofUses[u + 3] as number) * (ofNodes[n + ALONG] as number);
      if (along <= bestMid) continue;
      best = use;
      bestMid = along;
    }
    this.#set(user * NODE_NUMBERS + IMPACT, 1 - well, wellUp2, wellDown2);
    if (best !== NOBODY) this.#follow(user, best);
    this.#reach(user);
    const missing = NOTABLE - (1 - well);
    return missing < 0 || wellDown2 > missing * missing;
  }

  #follow(user: number, use: number): void {
    const { needed: neededOf, numbers: ofUses } = this.#order.uses;
    const needed = neededOf[use] as number;
    const [n, u] = [needed * NODE_NUMBERS + ALONG, use * USE_NUMBERS + 3];
    const below = this.#numbers[n] as number;
    const [down2, up2] = [this.#numbers[n + 1] as number, this.#numbers[n + 2] as number];
    const [spread, spreadDown2, spreadUp2] = [ofUses[u] as number, ofUses[u + 1] as number, ofUses[u + 2] as number];
    const own = spread * spread;
    const [nextDown2, nextUp2] = [own * down2 + below * below * spreadDown2, own * up2 + below * below * spreadUp2];
    this.#set(user * NODE_NUMBERS + ALONG, spread * below, nextDown2, nextUp2);
    this.#next[user] = needed;
  }

  #set(at: number, mid: number, down2: number, up2: number): void {
    this.#numbers[at] = mid;
    this.#numbers[at + 1] = down2;
    this.#numbers[at + 2] = up2;
  }

  #intervalAt(at: number): Interval {
    const of = (i: number): number => this.#numbers[at + i] as number;
    return intervalOf({ mid: of(0), down2: of(1), up2: of(2) });
  }

  isReached(node: number): boolean {
    return this.#isReached[node] === 1;
  }

  impactOf(node: number): Interval {
    return this.isReached(node) ? this.#intervalAt(node * NODE_NUMBERS + IMPACT) : NEVER;
  }

  /** Undefined for a node from which there is no way. */
  conditionalOf(node: number): Interval | undefined {
    return this.isReached(node) ? this.#intervalAt(node * NODE_NUMBERS + ALONG) : undefined;
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

  /** Those of the reached that are meant and suffer most, at most so many, the worst first; and how many are meant. */
  worst(
    isMeant: (node: number) => boolean,
    count: number,
  ): { readonly nodes: readonly number[]; readonly all: number } {
    let kept: number[] = [];
    let all = 0;
    let least = -1;
    const midOf = (node: number): number => this.#numbers[node * NODE_NUMBERS + IMPACT] as number;
    const keep = (): void => {
      // Sorting is stable: of two that suffer alike the one that was reached first comes first.
      kept = kept.toSorted((a, b) => midOf(b) - midOf(a)).slice(0, count);
      if (kept.length === count) least = midOf(kept.at(-1) as number);
    };
    for (const node of this.reached) {
      if (!isMeant(node)) continue;
      all++;
      if (midOf(node) > least) kept.push(node);
      if (kept.length >= 4 * count) keep();
    }
    keep();
    return { nodes: kept, all };
  }
}
