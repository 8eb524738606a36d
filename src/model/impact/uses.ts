// Who uses what, in columns: the uses of one user stand together, and the users of one thing do too.

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

export const USE_NUMBERS = 6;
const NONE = new Uint32Array(0);

/** Nodes are numbers below `nodeCount`; uses keep the order in which they were given. */
export class Uses {
  /** Where the uses of each user begin; one more at the end. */
  readonly begins: Uint32Array;
  readonly needed: Uint32Array;
  /** Six numbers for each use, side by side because they are read together: risk and spread, each mid, down2, up2. */
  readonly numbers: Float64Array;
  readonly #usersBegin: Uint32Array;
  readonly #users: Uint32Array;

  constructor(all: readonly Use[], nodeCount: number) {
    const size = all.length;
    this.needed = new Uint32Array(size);
    this.numbers = new Float64Array(size * USE_NUMBERS);
    this.begins = beginsOf(all, nodeCount, (use) => use.user);
    this.#usersBegin = beginsOf(all, nodeCount, (use) => use.needed);
    this.#users = new Uint32Array(size);
    const next = this.begins.slice();
    const nextUser = this.#usersBegin.slice();
    for (const { user, needed, risk, spread } of all) {
      const at = (next[user] as number)++;
      this.needed[at] = needed;
      this.numbers.set([risk.mid, risk.down2, risk.up2, spread.mid, spread.down2, spread.up2], at * USE_NUMBERS);
      this.#users[(nextUser[needed] as number)++] = user;
    }
  }

  /** What a node uses. */
  neededBy(user: number): Uint32Array {
    return within(this.needed, this.begins, user);
  }

  /** Who uses a node. */
  usersOf(node: number): Uint32Array {
    return within(this.#users, this.#usersBegin, node);
  }
}

function within(column: Uint32Array, begins: Uint32Array, node: number): Uint32Array {
  const [from, to] = [begins[node], begins[node + 1]];
  return from === undefined || to === undefined ? NONE : column.subarray(from, to);
}

function beginsOf(all: readonly Use[], nodeCount: number, of: (use: Use) => number): Uint32Array {
  const begins = new Uint32Array(nodeCount + 1);
  for (const use of all) (begins[of(use) + 1] as number)++;
  for (let node = 0; node < nodeCount; node++)
    begins[node + 1] = (begins[node + 1] as number) + (begins[node] as number);
  return begins;
}
