// Who goes next: every step of every part waits here until the seed picks it. A crash drops all that wait.

import type { SeededRandom } from "./seeded-random.ts";

type Waiting = { readonly label: string; readonly run: () => void };

export class Turns {
  readonly #random: SeededRandom;
  #waiting: Waiting[] = [];

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** Runs `step` when its turn comes; never, when a crash comes first. */
  take<T>(label: string, step: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        try {
          resolve(step());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      this.#waiting.push({ label, run });
    });
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** One of those that wait goes; false when nobody waits. */
  next(): boolean {
    if (this.#waiting.length === 0) return false;
    const [one] = this.#waiting.splice(this.#random.below(this.#waiting.length), 1);
    one?.run();
    return true;
  }

  /** The process is gone, and with it all that waited. */
  drop(): void {
    this.#waiting = [];
  }
}
