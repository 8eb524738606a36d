// Calibration of predictions for one kind of action: how what was measured afterwards compares with what was at stake.
//
// Conformal prediction over the last outcomes, with a level that adapts: a miss makes the next interval wider, a hit a
// little narrower (Gibbs and Candes, Adaptive Conformal Inference, 2021). In the long run as many outcomes lie within as is
// said, whatever the outcomes are and however they drift. All numbers are whole millionths, so that a fold gives the same.

import type { CalibrationView } from "../../wire/types/model-views.ts";
import type { PartInterval } from "../../wire/types/prediction.ts";

const MILLION = 1_000_000;
/** Nine in ten are said to lie within. */
const MISS = 100_000;
/** Of the difference between a hit or a miss and what was said, so much moves the level. */
const STEP = 0.05;
const LEVEL_MIN = 2_000;
const LEVEL_MAX = 400_000;
const OUTCOMES_MAX = 200;
/** Of what is at stake an upper end never says less: harmless outcomes, however many, do not make anything harmless. */
const FLOOR = 20_000;
/** Less than this part of what was at stake is nothing. */
const NOTHING = 10_000;
/** What is at stake has to be more than this to say anything of the kind. */
const EXPOSED_MIN = 5_000;
const RATIO_MAX = 10 * MILLION;

export interface Outcome {
  /** What was at stake, by the graph alone. */
  readonly exposure: PartInterval;
  /** What was said before. */
  readonly stated: PartInterval;
  /** What was measured afterwards. */
  readonly actual: number;
}

export interface CalibrationParts {
  readonly count: number;
  readonly level: number;
  /** In order: the measured part of what was at stake, and whether it lay within what was said. */
  readonly outcomes: readonly (readonly [number, boolean])[];
}

export class Calibration {
  #count = 0;
  /** How much is left outside, in all. */
  #level = MISS;
  readonly #outcomes: (readonly [number, boolean])[] = [];

  static from({ count, level, outcomes }: CalibrationParts): Calibration {
    const calibration = new Calibration();
    calibration.#count = count;
    calibration.#level = level;
    calibration.#outcomes.push(...outcomes);
    return calibration;
  }

  dump(): CalibrationParts {
    return { count: this.#count, level: this.#level, outcomes: this.#outcomes };
  }

  /** What is to be expected of what is at stake. Without outcomes enough: anything from nothing to all of it. */
  state(exposure: PartInterval): PartInterval {
    const ratios = this.#outcomes.map(([ratio]) => ratio).toSorted((a, b) => a - b);
    const size = ratios.length + 1;
    const worst = Math.max(MILLION, ratios.at(-1) ?? 0);
    const below = Math.floor((size * this.#level) / (2 * MILLION));
    const least = below < 1 ? 0 : (ratios[below - 1] ?? 0);
    // Where a part of the outcomes is nothing, none can lie below: all that is left outside is left above.
    const [low, outside] = least < NOTHING ? [0, this.#level] : [least, this.#level / 2];
    const above = Math.ceil(size - (size * outside) / MILLION);
    const high = Math.max(FLOOR, above > ratios.length ? worst : (ratios[above - 1] ?? worst));
    const middle = ratios[Math.floor(ratios.length / 2)];
    const part = (ratio: number, round: (value: number) => number): number =>
      Math.min(MILLION, round((exposure.high * ratio) / MILLION));
    const bounds = { low: part(low, Math.floor), high: part(high, Math.ceil) };
    const mid = middle === undefined ? exposure.mid : part(middle, Math.round);
    return { ...bounds, mid: Math.min(bounds.high, Math.max(bounds.low, mid)) };
  }

  /** One more outcome; whether it lay within what was said. Where hardly anything was at stake nothing is learned. */
  add({ exposure, stated, actual }: Outcome): void {
    if (exposure.high < EXPOSED_MIN) return;
    const isWithin = actual >= stated.low && actual <= stated.high;
    const ratio = Math.min(RATIO_MAX, Math.round((actual * MILLION) / exposure.high));
    this.#outcomes.push([ratio, isWithin]);
    if (this.#outcomes.length > OUTCOMES_MAX) this.#outcomes.shift();
    this.#count++;
    const moved = this.#level + Math.round(STEP * (MISS - (isWithin ? 0 : MILLION)));
    this.#level = Math.min(LEVEL_MAX, Math.max(LEVEL_MIN, moved));
  }

  view(kind: string): CalibrationView {
    const outcomes = this.#outcomes.length;
    const within = this.#outcomes.filter(([, isWithin]) => isWithin).length;
    const { low, mid, high } = this.state({ low: 0, mid: MILLION, high: MILLION });
    return {
      kind,
      count: this.#count,
      recent: outcomes,
      within,
      stated: (MILLION - MISS) / MILLION,
      coverage: outcomes === 0 ? null : within / outcomes,
      ofStake: { low: low / MILLION, mid: mid / MILLION, high: high / MILLION },
    };
  }
}
