// Who uses what, in columns, laid out for walks upwards: what a node uses stands before it, and walks go straight ahead.

import type { Spread } from "./interval.ts";

/** One use of something by a service. */
export interface Use {
  readonly user: number;
  readonly needed: number;
  /** How often a request of the user fails when what it needs fails under it. */
  readonly spread: Spread;
  /** The same of all of the user's requests, whether they need it or not. */
  readonly risk: Spread;
}

/** The place of nodes that use nothing and that nobody uses. */
export const NO_PLACE = 0;
/** Numbers of one use that every walk reads: mid, down2 and up2 of its risk, then mid of its spread. */
export const USE_NUMBERS = 4;

/**
 * Nodes by place: whoever uses a node stands after it, but where they use each other in a circle. Uses by the place of
 * their user, in the order in which they were given.
 */
export class Uses {
  /** Of each node. */
  readonly placeOf: Uint32Array;
  /** At each place. */
  readonly nodeAt: Uint32Array;
  /** Where the uses of each place begin; one more at the end. */
  readonly begins: Uint32Array;
  /** Places. */
  readonly needed: Uint32Array;
  readonly numbers: Float64Array;
  readonly #all: readonly Use[];
  /** Of each use its number in `all`. */
  readonly #numberOf: Uint32Array;
  readonly #usersBegin: Uint32Array;
  readonly #users: Uint32Array;

  constructor(all: readonly Use[], nodeCount: number) {
    const size = all.length;
    this.#all = all;
    this.placeOf = placesOf(all, nodeCount);
    const { placeOf } = this;
    let places = 1;
    for (const place of placeOf) places = Math.max(places, place + 1);
    this.nodeAt = new Uint32Array(places);
    for (let node = 0; node < nodeCount; node++) this.nodeAt[placeOf[node] as number] = node;
    this.needed = new Uint32Array(size);
    this.numbers = new Float64Array(size * USE_NUMBERS);
    this.begins = beginsOf(all, places, (use) => placeOf[use.user] as number);
    this.#usersBegin = beginsOf(all, places, (use) => placeOf[use.needed] as number);
    this.#users = new Uint32Array(size);
    this.#numberOf = new Uint32Array(size);
    this.#lay();
  }

  #lay(): void {
    const next = this.begins.slice();
    const nextUser = this.#usersBegin.slice();
    for (const [number, { user, needed, risk, spread }] of this.#all.entries()) {
      const [userPlace, neededPlace] = [this.placeOf[user] as number, this.placeOf[needed] as number];
      const at = (next[userPlace] as number)++;
      this.needed[at] = neededPlace;
      this.#numberOf[at] = number;
      const n = at * USE_NUMBERS;
      this.numbers[n] = risk.mid;
      this.numbers[n + 1] = risk.down2;
      this.numbers[n + 2] = risk.up2;
      this.numbers[n + 3] = spread.mid;
      this.#users[(nextUser[neededPlace] as number)++] = userPlace;
    }
  }

  /** How often requests that need what a use leads to fail with it. */
  spreadOf(use: number): Spread {
    return (this.#all[this.#numberOf[use] as number] as Use).spread;
  }

  /** Places of who uses what stands at a place. */
  usersAt(place: number): Uint32Array {
    return this.#users.subarray(this.#usersBegin[place], this.#usersBegin[place + 1]);
  }

  /** Nodes that a node uses. */
  neededBy(node: number): readonly number[] {
    const place = this.placeOf[node] ?? NO_PLACE;
    return place === NO_PLACE ? [] : this.#nodesAt(this.needed.subarray(this.begins[place], this.begins[place + 1]));
  }

  /** Nodes that use a node. */
  usersOf(node: number): readonly number[] {
    const place = this.placeOf[node] ?? NO_PLACE;
    return place === NO_PLACE ? [] : this.#nodesAt(this.usersAt(place));
  }

  #nodesAt(places: Uint32Array): readonly number[] {
    return Array.from(places, (place) => this.nodeAt[place] as number);
  }
}

function beginsOf(all: readonly Use[], count: number, of: (use: Use) => number): Uint32Array {
  const begins = new Uint32Array(count + 1);
  for (const use of all) (begins[of(use) + 1] as number)++;
  for (let i = 0; i < count; i++) begins[i + 1] = (begins[i + 1] as number) + (begins[i] as number);
  return begins;
}

/** Places in the order in which a walk downwards comes back up. */
function placesOf(all: readonly Use[], nodeCount: number): Uint32Array {
  const begins = beginsOf(all, nodeCount, (use) => use.user);
  const below = new Uint32Array(all.length);
  const filled = begins.slice();
  for (const { user, needed } of all) below[(filled[user] as number)++] = needed;
  const places = new Uint32Array(nodeCount);
  const begun = new Uint8Array(nodeCount);
  /** Where in its uses the walk through each node is. */
  const next = begins.slice();
  let placed = NO_PLACE;
  for (let start = 0; start < nodeCount; start++) {
    if (begun[start] === 1 || begins[start] === begins[start + 1]) continue;
    const way = [start];
    begun[start] = 1;
    for (let top = way.at(-1); top !== undefined; top = way.at(-1)) {
      const at = next[top] as number;
      if (at === begins[top + 1]) {
        places[top] = ++placed;
        way.pop();
        continue;
      }
      next[top] = at + 1;
      const one = below[at] as number;
      if (begun[one] === 1) continue;
      begun[one] = 1;
      way.push(one);
    }
  }
  return places;
}
