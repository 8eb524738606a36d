// Versions: what was said of a thing from when on, and when it was said. They are only ever added, or thinned out.
//
// The versions of one chain stand in the order in which they were recorded. What holds at an instant, as known at an
// instant, is the version with the latest beginning among those that begin by the one and were recorded by the other;
// of two with one beginning the later recorded counts. So a correction changes what we say of the past, and never what
// we said. Of a chain of thousands a few dozen are looked at: each version knows one further back (jump pointers, Myers
// 1983), and the earliest beginning among those in between.

import type { Measured } from "../wire/types/model-views.ts";
import { bytes, integers, singles } from "./columns.ts";

export const NOTHING_MEASURED: Measured = {
  perSecond: 0,
  share: 0,
  errorRatio: 0,
  p50Ms: 0,
  p95Ms: 0,
  failures: 0,
  spread: 0,
};

export interface Version {
  /** Seconds since 1970. */
  readonly validFrom: number;
  /** Position in the model's log of the event that recorded it. */
  readonly seq: number;
  /** 0 where it ends; else what the chain is about: present, confirmed, refuted. */
  readonly state: number;
  /** Which declaration; 0 for none. */
  readonly declaration: number;
  readonly measured: Measured;
}

const MEASURES = ["perSecond", "share", "errorRatio", "p50Ms", "p95Ms", "failures", "spread"] as const;

/** All versions of all chains. A chain is the number of its newest version; 0 is the empty one. */
export class Versions {
  readonly #validFrom = integers();
  readonly #seq = integers();
  readonly #previous = integers();
  /** The latest beginning in the chain up to here. */
  readonly #latest = integers();
  /** How many are before it in its chain, and one of them; the earliest beginning from here up to before that one. */
  readonly #depth = integers();
  readonly #jump = integers();
  readonly #skipped = integers();
  readonly #state = bytes();
  readonly #declaration = integers();
  readonly #measured = MEASURES.map(() => singles());

  constructor() {
    this.#push(0, { validFrom: 0, seq: 0, state: 0, declaration: 0, measured: NOTHING_MEASURED });
  }

  /** Without the one that stands for none. */
  get count(): number {
    return this.#seq.length - 1;
  }

  /** Adds a version to `chain` and answers the chain that it makes. */
  add(chain: number, version: Version): number {
    this.#push(chain, version);
    return this.#seq.length - 1;
  }

  #push(previous: number, { validFrom, seq, state, declaration, measured }: Version): void {
    const before = this.#latest.length === 0 ? 0 : this.#latest.get(previous);
    this.#validFrom.push(validFrom);
    this.#seq.push(seq);
    this.#previous.push(previous);
    this.#latest.push(Math.max(before, validFrom));
    this.#pushJump(previous, validFrom);
    this.#state.push(state);
    this.#declaration.push(declaration);
    for (const [i, name] of MEASURES.entries()) this.#measured[i]?.push(measured[name]);
  }

  /** Where the two jumps before are of one length, over both of them; else to the one before. */
  #pushJump(previous: number, validFrom: number): void {
    if (previous === 0) {
      this.#depth.push(0);
      this.#jump.push(0);
      return this.#skipped.push(validFrom);
    }
    const [depth, jump, skipped] = [this.#depth, this.#jump, this.#skipped];
    const middle = jump.get(previous);
    const far = jump.get(middle);
    const isOver = depth.get(previous) - depth.get(middle) === depth.get(middle) - depth.get(far) && middle !== far;
    depth.push(depth.get(previous) + 1);
    jump.push(isOver ? far : previous);
    skipped.push(isOver ? Math.min(validFrom, skipped.get(previous), skipped.get(middle)) : validFrom);
  }

  /** The version that holds at second `at`, of those recorded before event `seqEnd`; 0 when there is none. */
  find(chain: number, at: number, seqEnd: number): number {
    let best = 0;
    let bestFrom = 0;
    for (let version = chain; version !== 0;) {
      const validFrom = this.#validFrom.get(version);
      if (this.#seq.get(version) < seqEnd && validFrom <= at && (best === 0 || validFrom > bestFrom)) {
        best = version;
        bestFrom = validFrom;
      }
      const previous = this.#previous.get(version);
      // Nothing further back begins later.
      if (best !== 0 && this.#latest.get(previous) <= bestFrom) break;
      const jump = this.#jump.get(version);
      const isOver = this.#skipped.get(version) > at || this.#seq.get(jump) >= seqEnd;
      version = isOver ? jump : previous;
    }
    return best;
  }

  /** Those of a chain recorded before event `seqEnd`, the newest recorded first. */
  *chain(chain: number, seqEnd: number): Generator<number> {
    for (let version = chain; version !== 0; version = this.#previous.get(version)) {
      if (this.#seq.get(version) < seqEnd) yield version;
    }
  }

  stateOf(version: number): number {
    return this.#state.get(version);
  }

  validFromOf(version: number): number {
    return this.#validFrom.get(version);
  }

  get(version: number): Version {
    return {
      validFrom: this.#validFrom.get(version),
      seq: this.#seq.get(version),
      state: this.#state.get(version),
      declaration: this.#declaration.get(version),
      measured: this.measuredOf(version),
    };
  }

  measuredOf(version: number): Measured {
    const at = (measure: number): number => this.#measured[measure]?.get(version) ?? 0;
    return {
      perSecond: at(0),
      share: at(1),
      errorRatio: at(2),
      p50Ms: at(3),
      p95Ms: at(4),
      failures: at(5),
      spread: at(6),
    };
  }

  /** Another with nothing in it. */
  empty(): Versions {
    return new Versions();
  }

  /** Has the versions of `other`, which is not used any more, instead of its own. */
  takeFrom(other: Versions): void {
    this.load(other.dump());
  }

  get byteLength(): number {
    return [...this.#columns(), ...this.#jumps()].reduce((sum, column) => sum + column.byteLength, 0);
  }

  dump(): readonly Uint8Array[] {
    return this.#columns().map((column) => column.bytes());
  }

  load(columns: readonly Uint8Array[]): void {
    for (const [i, column] of this.#columns().entries()) column.load(columns[i] ?? new Uint8Array());
    for (const column of this.#jumps()) column.clear();
    for (let version = 0; version <= this.count; version++) {
      this.#pushJump(this.#previous.get(version), this.#validFrom.get(version));
    }
  }

  #columns() {
    const numbers = [this.#validFrom, this.#seq, this.#previous, this.#latest, this.#declaration];
    return [...numbers, this.#state, ...this.#measured];
  }

  /** Follow from the others, so that they are in no dump. */
  #jumps() {
    return [this.#depth, this.#jump, this.#skipped];
  }
}
