// The walk upwards from what fails: everybody who suffers notably, each after what it needs.

import { intervalOf, NEVER, type Interval, type Spread } from "./interval.ts";
import type { Present } from "./present.ts";
import { NO_PLACE, USE_NUMBERS, type Uses } from "./uses.ts";
import { Worst } from "./worst.ts";

/** Who suffers less is not gone beyond. */
const NOTABLE = 0.002;
const PATH_MAX = 32;
const NO_USE = 0xffff_ffff;
const WHOLE: Spread = { mid: 1, down2: 0, up2: 0 };

/** What a walk keeps of each place, side by side because it is read together. */
const KEPT = 4;
const SOUND = 0;
/** A place that was reached, and one that waits for its turn. */
const REACHED = 1;
const WAITS = 2;

/**
 * What a failure does to each node above it. Numbers stand in columns by place: a failure deep down is felt by thousands.
 * Where services use each other in a circle, one of them is taken before the other has been.
 */
export class Climb {
  readonly #uses: Uses;
  /** The target, and whatever rests on it. */
  readonly seeds: ReadonlySet<number>;
  readonly #affectedMax: number;
  /**
   * Of each place the part of its requests that fail: mid, down2, up2. Then how often one of its requests that gets to the
   * target fails with it, along the likeliest way.
   */
  readonly #kept: Float64Array;
  /** The first use on that way. */
  readonly #via: Uint32Array;
  readonly #state: Uint8Array;
  /** Places in the order in which they were reached, the seeds first. */
  readonly #reached: Uint32Array;
  #reachedCount = 0;
  #seedCount = 0;

  constructor({ uses }: Present, seeds: ReadonlySet<number>, affectedMax: number) {
    const places = uses.nodeAt.length;
    this.#uses = uses;
    this.seeds = seeds;
    this.#affectedMax = affectedMax;
    this.#kept = new Float64Array(places * KEPT);
    this.#via = new Uint32Array(places);
    this.#state = new Uint8Array(places);
    this.#reached = new Uint32Array(places);
    for (const node of seeds) {
      const place = uses.placeOf[node] as number;
      if (place === NO_PLACE) continue;
      this.#kept[place * KEPT] = 1;
      this.#kept[place * KEPT + 3] = 1;
      this.#via[place] = NO_USE;
      this.#reach(place);
    }
    this.#seedCount = this.#reachedCount;
    this.#climb();
  }

  #reach(place: number): void {
    this.#state[place] = REACHED;
    this.#reached[this.#reachedCount++] = place;
  }

  /** Whoever waits is taken in the order of places; one that stands below, in a circle, is gone back to. */
  #climb(): void {
    const state = this.#state;
    let waiting = 0;
    let lowest = state.length;
    const addUsers = (place: number): void => {
      const users = this.#uses.usersAt(place);
      for (let i = 0; i < users.length; i++) {
        const user = users[i] as number;
        if (state[user] !== SOUND) continue;
        state[user] = WAITS;
        waiting++;
        if (user < lowest) lowest = user;
      }
    };
    for (let i = 0; i < this.#seedCount; i++) addUsers(this.#reached[i] as number);
    while (waiting > 0 && this.#reachedCount < this.#affectedMax) {
      while (state[lowest] !== WAITS) lowest++;
      waiting--;
      const user = lowest;
      if (this.#suffer(user)) addUsers(user);
    }
    // Whom there was no more room for is not reached.
    if (waiting > 0)
      for (let place = 0; place < state.length; place++) if (state[place] === WAITS) state[place] = SOUND;
  }

  /** Whether what the user suffers is notable. Errors of what was measured apart add up by squares. */
  #suffer(user: number): boolean {
    const { begins, needed: neededOf, numbers } = this.#uses;
    const [kept, state] = [this.#kept, this.#state];
    // Of what goes well: the uses are taken as independent.
    let well = 1;
    let wellDown2 = 0;
    let wellUp2 = 0;
    let best = NO_USE;
    let bestAlong = -1;
    const end = begins[user + 1] as number;
    for (let use = begins[user] as number; use < end; use++) {
      const needed = neededOf[use] as number;
      if (state[needed] !== REACHED) continue;
      const n = needed * KEPT;
      const u = use * USE_NUMBERS;
      const below = kept[n] as number;
      const risk = numbers[u] as number;
      const [risk2, below2] = [risk * risk, below * below];
      const failsDown2 = risk2 * (kept[n + 1] as number) + below2 * (numbers[u + 1] as number);
      const failsUp2 = risk2 * (kept[n + 2] as number) + below2 * (numbers[u + 2] as number);
      const rest = 1 - risk * below;
      const [rest2, well2] = [rest * rest, well * well];
      wellDown2 = rest2 * wellDown2 + well2 * failsUp2;
      wellUp2 = rest2 * wellUp2 + well2 * failsDown2;
      well *= rest;
      const along = (numbers[u + 3] as number) * (kept[n + 3] as number);
      if (along <= bestAlong) continue;
      best = use;
      bestAlong = along;
    }
    const at = user * KEPT;
    kept[at] = 1 - well;
    kept[at + 1] = wellUp2;
    kept[at + 2] = wellDown2;
    kept[at + 3] = bestAlong;
    this.#via[user] = best;
    this.#reach(user);
    const missing = NOTABLE - (1 - well);
    return missing < 0 || wellDown2 > missing * missing;
  }

  /** 0 where a node is nobody's user and used by nobody, or was not reached. */
  #placeOf(node: number): number {
    const place = this.#uses.placeOf[node] as number;
    return this.#state[place] === REACHED ? place : NO_PLACE;
  }

  isReached(node: number): boolean {
    return this.#placeOf(node) !== NO_PLACE || this.seeds.has(node);
  }

  impactOf(node: number): Interval {
    const place = this.#placeOf(node);
    if (place === NO_PLACE) return this.seeds.has(node) ? intervalOf(WHOLE) : NEVER;
    const [mid = 0, down2 = 0, up2 = 0] = this.#kept.subarray(place * KEPT, place * KEPT + 3);
    return intervalOf({ mid, down2, up2 });
  }

  /** How often a request of a node that gets to the target fails with it; undefined for a node from which there is no way. */
  conditionalOf(node: number): Interval | undefined {
    if (!this.isReached(node)) return undefined;
    // From the target up, as the walk went.
    return intervalOf(this.#wayFrom(node).reduceRight((below, use) => onwards(this.#uses.spreadOf(use), below), WHOLE));
  }

  /** The uses from a node to the target, along the likeliest way. */
  #wayFrom(node: number): readonly number[] {
    const way: number[] = [];
    let place = this.#placeOf(node);
    while (place !== NO_PLACE && this.#via[place] !== NO_USE) {
      const use = this.#via[place] as number;
      way.push(use);
      place = this.#uses.needed[use] as number;
    }
    return way;
  }

  /** From a node to the target, along the likeliest way. */
  pathOf(from: number): readonly number[] {
    const way = this.#wayFrom(from).slice(0, PATH_MAX - 1);
    return [from, ...way.map((use) => this.#uses.nodeAt[this.#uses.needed[use] as number] as number)];
  }

  /** Those above the target that are meant and suffer most, at most so many, the worst first; and how many are meant. */
  worst(
    isMeant: (node: number) => boolean,
    count: number,
  ): { readonly nodes: readonly number[]; readonly all: number } {
    const worst = new Worst(count);
    let all = 0;
    for (let i = this.#seedCount; i < this.#reachedCount; i++) {
      const place = this.#reached[i] as number;
      if (!isMeant(this.#uses.nodeAt[place] as number)) continue;
      all++;
      worst.add(place, this.#kept[place * KEPT] as number);
    }
    return { nodes: worst.sorted().map((place) => this.#uses.nodeAt[place] as number), all };
  }
}

/** A spread over what is below, both measured apart from each other. */
function onwards(spread: Spread, below: Spread): Spread {
  const [spread2, below2] = [spread.mid * spread.mid, below.mid * below.mid];
  return {
    mid: spread.mid * below.mid,
    down2: spread2 * below.down2 + below2 * spread.down2,
    up2: spread2 * below.up2 + below2 * spread.up2,
  };
}
